"""The played host does to requests and answers what the real one was seen to do."""

import json
from collections.abc import Iterator
from http.client import IncompleteRead
from pathlib import Path
from typing import Any

import pytest

from tests.functions.hosting import Hosted, played_host
from tests.functions.raw_http import RawAnswer, chunked, connected, get, post, read, send

RECORDING = Path(__file__).parent / "recording"
LIMIT = 1_048_577
SECURITY_HEADERS = {"content-security-policy", "x-content-type-options", "cache-control"}


@pytest.fixture(scope="module")
def hosted() -> Iterator[Hosted]:
    settings = {"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": str(LIMIT)}
    with played_host("--app", str(RECORDING), "--body-patience", "0.5", settings=settings) as host:
        yield host


def seen(answer: RawAnswer) -> dict[str, Any]:
    """Return what the function saw."""
    assert answer.status == 200
    told: dict[str, Any] = json.loads(answer.body)
    return told


def as_function(hosted: Hosted, status: int, headers: dict[str, str], body: str) -> RawAnswer:
    """Have the function answer so."""
    asked = json.dumps([status, headers, body], ensure_ascii=True)
    return send(hosted.url, get("/mcp", "do: answer", f"answer: {asked}"))


def is_hosts_own(answer: RawAnswer) -> bool:
    return not answer.body and not SECURITY_HEADERS & answer.headers.keys()


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/mcp", "/mcp"),
        ("/MCP", "/MCP"),
        ("/mcp/", "/mcp/"),
        ("/%6dcp", "/mcp"),
        ("/./mcp", "/mcp"),
        ("/x/../mcp", "/mcp"),
        ("/admin/../mcp", "/mcp"),
        ("/mcp?a=b&c", "/mcp?a=b&c"),
        ("/named/a.b", "/named/a.b"),
    ],
)
def test_route_in_another_spelling_reaches_the_function(
    hosted: Hosted, target: str, path: str
) -> None:
    assert seen(send(hosted.url, get(target)))["url"] == f"http://localhost{path}"


@pytest.mark.parametrize(
    ("target", "status"),
    [
        *(("//mcp", 404), ("/mcp//", 404), ("/mcp%2f", 404), ("/mcp;a=b", 404), ("/mcp/x", 404)),
        *(("/named", 404), ("/named/", 404), ("/named/a/b", 404)),
        *(("/mcp%00", 400), ("/m\xe4cp", 400), (f"/mcp?{'q' * 20_000}", 414)),
    ],
)
def test_other_targets_are_answered_by_the_host(hosted: Hosted, target: str, status: int) -> None:
    answer = send(hosted.url, get(target))
    assert answer.status == status
    # A parser before the host may say in words what it refuses.
    assert not SECURITY_HEADERS & answer.headers.keys()


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST"])
def test_method_that_a_route_does_not_name_is_404_without_allow(
    hosted: Hosted, method: str
) -> None:
    answer = send(hosted.url, get("/health/live", method=method))
    assert answer.status == 404
    assert is_hosts_own(answer)
    assert "allow" not in answer.headers


def test_home_page_is_there_unless_it_is_disabled(hosted: Hosted) -> None:
    answer = send(hosted.url, get("/"))
    assert answer.status == 200
    assert len(answer.body) == 150_000


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *(("/admin/host/ping", 200), ("/admin/warmup", 200), ("/admin/instance/http-health", 200)),
        *(("/admin", 401), ("/admin/host/status", 401), ("/ADMIN/functions", 401)),
    ],
)
def test_admin_answers_an_anonymous_caller_nothing(hosted: Hosted, path: str, status: int) -> None:
    answer = send(hosted.url, get(path))
    assert answer.status == status
    assert is_hosts_own(answer)


@pytest.mark.parametrize(
    "host", ["localhost:7071", "example.org", "other.example:65535", "[::1]", "[::1]:8080", "a_b"]
)
def test_well_formed_host_reaches_the_function(hosted: Hosted, host: str) -> None:
    told = seen(send(hosted.url, get(host=host)))
    assert told["headers"]["host"] == host
    assert told["url"] == f"http://{host}/mcp"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *((None, 400), ("a b", 400), ("a/b", 400), ("[::1", 400), ("a\r\nHost: b", 400)),
        *(("", 500), ("a:99999", 500), ("a" * 300, 500)),
    ],
)
def test_other_hosts_do_not(hosted: Hosted, host: str | None, status: int) -> None:
    answer = send(hosted.url, get(host=host))
    assert answer.status == status
    assert is_hosts_own(answer)


def test_http_1_0_without_a_host_is_500(hosted: Hosted) -> None:
    assert send(hosted.url, b"GET /mcp HTTP/1.0\r\n\r\n").status == 500


def test_forwarded_headers_change_nothing(hosted: Hosted) -> None:
    forwarded = ("X-Forwarded-Host: evil.example", "X-Original-URL: /admin")
    told = seen(send(hosted.url, get("/mcp", *forwarded, "X-Forwarded-Proto: https")))
    assert told["url"] == "http://localhost/mcp"
    assert told["headers"]["x-forwarded-host"] == "evil.example"


def test_headers_come_in_small_letters_joined_and_as_utf_8(hosted: Hosted) -> None:
    utf_8 = "Name: K\xc3\xa4se"  # as bytes
    told = seen(
        send(
            hosted.url,
            get(
                *("/mcp", "ACCEPT: a", "Accept: b", utf_8),
                *("X-MS-Client-Principal: p", "X-MS-Client-Principal-Id: i", "X-Functions-Key: k"),
            ),
        )
    )
    headers = told["headers"]
    assert headers["accept"] == "a,b"
    assert headers["name"] == "Käse"
    assert headers["x-ms-client-principal"] == "p"
    assert headers["x-ms-client-principal-id"] == "i"
    assert headers["x-functions-key"] == "k"
    assert all(name == name.lower() for name in headers)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["Name: K\xe4se"], 400),
        ([f"A: {'a' * 33_000}"], 431),
        ([f"A{number}: a" for number in range(101)], 431),
        (["Content-Length: 0", "Content-Length: 1"], 400),
    ],
)
def test_other_headers_are_refused_by_the_host(
    hosted: Hosted, headers: list[str], status: int
) -> None:
    assert send(hosted.url, get("/mcp", *headers)).status == status


@pytest.mark.parametrize("size", [0, 1, 70_000, LIMIT])
def test_body_with_a_length_is_exact(hosted: Hosted, size: int) -> None:
    assert seen(send(hosted.url, post(b"x" * size)))["length"] == size


def test_chunked_body_is_empty_and_the_header_says_why(hosted: Hosted) -> None:
    told = seen(send(hosted.url, chunked(b'{"a": 1}')))
    assert told["length"] == 0
    assert told["headers"]["transfer-encoding"] == "chunked"
    assert "content-length" not in told["headers"]


def test_compressed_body_is_passed_as_it_came(hosted: Hosted) -> None:
    told = seen(send(hosted.url, post(b"\x1f\x8b\x08", "Content-Encoding: gzip")))
    assert told["body"] == "\x1f\x8b\x08"


def test_client_that_expects_100_is_told_to_continue(hosted: Hosted) -> None:
    with connected(hosted.url) as line:
        line.sendall(get("/mcp", "Content-Length: 2", "Expect: 100-continue", method="POST"))
        assert line.recv(100).startswith(b"HTTP/1.1 100")
        line.sendall(b"ab")
        assert seen(read(line))["body"] == "ab"


def test_body_over_the_limit_is_500_and_the_connection_ends(hosted: Hosted) -> None:
    with connected(hosted.url) as line:
        line.sendall(get("/mcp", f"Content-Length: {LIMIT + 1}", method="POST"))
        answer = read(line)
        assert line.recv(1) == b""
    assert answer.status == 500
    assert is_hosts_own(answer)
    assert answer.closes


def test_body_that_trickles_is_500(hosted: Hosted) -> None:
    with connected(hosted.url) as line:
        line.sendall(get("/mcp", "Content-Length: 2", method="POST") + b"a")
        assert read(line).status == 500


@pytest.mark.parametrize("status", [200, 202, 404, 418, 503, 599])
def test_status_and_type_of_a_function_are_kept(hosted: Hosted, status: int) -> None:
    answer = as_function(hosted, status, {"Content-Type": "application/x"}, "words")
    assert (answer.status, answer.body) == (status, b"words")
    assert answer.headers["content-type"] == "application/x"
    assert answer.headers["transfer-encoding"] == "chunked"


def test_answer_is_not_compressed(hosted: Hosted) -> None:
    asked = json.dumps([200, {}, "words " * 1000])
    lines = ("do: answer", f"answer: {asked}", "Accept-Encoding: gzip, br")
    answer = send(hosted.url, get("/mcp", *lines))
    assert "content-encoding" not in answer.headers
    assert answer.body == b"words " * 1000


@pytest.mark.parametrize("status", [200, 202, 204, 304])
def test_empty_answer_without_a_type_has_one_all_the_same(hosted: Hosted, status: int) -> None:
    answer = as_function(hosted, status, {}, "")
    assert answer.status == status
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert not answer.body


def test_of_names_that_differ_in_case_the_last_one_wins(hosted: Hosted) -> None:
    answer = as_function(hosted, 200, {"X-A": "1", "x-a": "2", "Server": "own", "Date": "now"}, "")
    assert answer.headers["x-a"] == "2"
    assert answer.headers["server"] == "own"
    assert answer.headers["date"] == "now"


def test_stated_length_is_believed(hosted: Hosted) -> None:
    exact = as_function(hosted, 200, {"Content-Length": "5"}, "words")
    assert exact.body == b"words"
    assert "transfer-encoding" not in exact.headers
    assert as_function(hosted, 200, {"Content-Length": "4"}, "words").status == 500
    with pytest.raises(IncompleteRead):
        as_function(hosted, 200, {"Content-Length": "6"}, "words")


@pytest.mark.parametrize("value", ["K\u00e4se", "a\r\nb", "a\nb"])
def test_header_value_that_is_not_plain_turns_the_answer_into_500(
    hosted: Hosted, value: str
) -> None:
    answer = as_function(hosted, 200, {"X-A": value}, "words")
    assert answer.status == 500
    assert is_hosts_own(answer)


def test_exception_of_a_function_is_an_empty_500(hosted: Hosted) -> None:
    answer = send(hosted.url, get("/mcp", "do: fail"))
    assert answer.status == 500
    assert is_hosts_own(answer)


def test_head_has_the_headers_and_no_body(hosted: Hosted) -> None:
    answer = send(hosted.url, get("/mcp", method="HEAD"))
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert not answer.body
