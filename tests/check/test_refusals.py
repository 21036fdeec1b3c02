"""What is no Zava, no URL or no answer: one sentence, before anything unusual is sent."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.check.playing import TOKEN, playing, serving
from tests.support.servers.tls import Authority
from tests.support.suite.patience import patient
from zava.cli.check.deployment_check import examine
from zava.cli.check.report import State
from zava.cli.check.values import CheckRefused, Limits

IMPATIENT = 0.3
PUBLIC = "zava.example"


def refusal(url: str, token: str | None = None, limits: Limits | None = None) -> str:
    """Return the one sentence with which the check of this URL is refused."""
    with pytest.raises(CheckRefused) as caught:
        examine(url, token, limits)
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert sentence.endswith(".")
    assert len(sentence) < 400
    return sentence


@contextmanager
def answering(converse: Callable[[socket.socket], object]) -> Iterator[str]:
    """Serve with a function that is given each connection; yield the URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    with serving(listener, converse):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"


def saying(answer: bytes) -> Callable[[socket.socket], None]:
    """Return what answers every request alike and closes."""

    def converse(client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(answer)
        client.shutdown(socket.SHUT_WR)

    return converse


def with_body(body: str, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "such as https://host/mcp"),
        ("mcp", "such as https://host/mcp"),
        ("zava.example/mcp", "such as https://host/mcp"),
        ("ftp://zava.example/mcp", "such as https://host/mcp"),
        ("file:///mcp", "such as https://host/mcp"),
        ("https:///mcp", "such as https://host/mcp"),
        ("https://zava.example:http/mcp", "URL: "),
        ("https://zava.example:0/mcp", "port 0"),
        ("https://zava.example:99999/mcp", "URL: "),
        ("https://[::1/mcp", "URL: "),
        ("https://[zava]/mcp", "URL: "),
        (f"https://{'a' * 70}.example/mcp", "URL: "),
        ("https://a..b/mcp", "URL: "),
        ("https://zava.example/mcp path", "a blank"),
        ("https://zava.example/mcp\r\nX-Header: 1", "a blank or a control character"),
        ("https://zava.example/müll", "URL: "),
        ("https://ann:secret@zava.example/mcp", "user name"),
        ("https://zava.example/mcp#tools", "fragment"),
        ("https://zava.example/mcp?code=1", "query; use https://zava.example/mcp"),
        ("https://zava.example/mcp?", "query; use https://zava.example/mcp"),
        ("https://zava.example", "use https://zava.example/mcp"),
        ("https://zava.example/", "use https://zava.example/mcp"),
        ("https://zava.example/mcp/", "use https://zava.example/mcp"),
        ("https://zava.example/api/mcp", "use https://zava.example/mcp"),
        ("HTTPS://ZAVA.example:443/", "use https://zava.example/mcp"),
        ("http://zava.example/mcp", "use https://"),
        ("http://192.0.2.1/mcp", "use https://"),
        ("https://zava.example/" + "x" * 5000, "use https://zava.example/mcp"),
    ],
)
def test_what_is_no_url_of_an_endpoint_is_refused_unsent(
    monkeypatch: pytest.MonkeyPatch, url: str, said: str
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", None)
    assert said in refusal(url)


@pytest.mark.parametrize("token", ["", "  ", "two words", "a\r\nX-Header: 1", "tökén", "a\x00b"])
def test_what_is_no_token_is_refused_unsent(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", None)
    assert refusal("https://zava.example/mcp", token).startswith("--token or ZAVA_TOKEN: ")


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("https://zava.example/mcp", "s3cret word"),
        ("https://ann:s3cret@zava.example/mcp", TOKEN),
        ("https://s3cret@@zava.example/mcp", TOKEN),
        ("https://ann:s3/cret@zava.example/mcp", TOKEN),
        ("https://zava.example/mcp?code=s3cret", TOKEN),
        ("https://zava.example/mcp?code=s3cret 1", TOKEN),
    ],
)
def test_refusal_repeats_no_secret(url: str, token: str) -> None:
    assert "s3" not in refusal(url, token)


@pytest.mark.parametrize(
    "answer",
    [
        with_body("<html>It works!</html>"),
        with_body("not here", "404 Not Found"),
        with_body("", "503 Service Unavailable"),
        with_body('{"status": "ok"}'),
        with_body('["alive"]'),
        with_body("[" * 100_000),
        with_body('{"resource": "https://other/mcp", "resource_name": "Other"}'),
        b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 3_000_000,
    ],
)
def test_other_web_server_is_named_as_such(answer: bytes) -> None:
    with answering(saying(answer)) as url:
        assert "is no Zava, or Zava did not start there: /health/live answered" in refusal(url)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirection_is_named_and_not_followed(status: int) -> None:
    head = f"HTTP/1.1 {status} X\r\nLocation: https://elsewhere.example/\x1b[31m\r\n"
    with answering(saying(f"{head}Content-Length: 0\r\n\r\n".encode())) as url:
        sentence = refusal(url)
    assert f"answers {status} and redirects to https://elsewhere.example/" in sentence


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "closed without an answer"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "not HTTP"),
        (b"\x00\x01\x02", "not HTTP"),
        (b"HTTP/1.1 abc X\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, "not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 200 + b"\r\n", "not HTTP"),
    ],
)
def test_what_is_no_answer_is_named(answer: bytes, said: str) -> None:
    with answering(saying(answer)) as url:
        assert said in refusal(url)


def test_refused_connection_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert refusal(f"http://127.0.0.1:{port}/mcp") == (
        f"http://127.0.0.1:{port}: the connection was refused."
    )


def test_unknown_name_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert refusal(f"https://{PUBLIC}/mcp").endswith("the name of the host does not resolve.")


def test_resolver_that_hangs_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: ended.wait(patient(10)))
    began = time.monotonic()
    assert "no answer in time" in refusal(f"https://{PUBLIC}/mcp", limits=Limits(first=IMPATIENT))
    ended.set()
    assert time.monotonic() - began < 5


def test_server_that_hangs_is_left_in_time() -> None:
    ended = threading.Event()
    began = time.monotonic()
    with answering(lambda _: ended.wait(patient(10))) as url:
        assert "no answer in time" in refusal(url, limits=Limits(first=IMPATIENT))
        ended.set()
    assert time.monotonic() - began < 5


def test_server_that_drips_is_left_in_time() -> None:
    ended = threading.Event()

    def converse(client: socket.socket) -> None:
        with suppress(OSError):
            for letter in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000:
                client.sendall(bytes([letter]))
                if ended.wait(0.02):
                    return

    began = time.monotonic()
    with answering(converse) as url:
        assert "no answer in time" in refusal(url, limits=Limits(first=IMPATIENT))
        ended.set()
    assert time.monotonic() - began < 5


def test_plain_server_behind_an_https_url_is_named() -> None:
    with answering(saying(with_body("hello", "400 Bad Request"))) as url:
        sentence = refusal(url.replace("http://127.0.0.1", "https://localhost"))
    assert "no TLS was agreed on" in sentence


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def served_by(authority: Authority, host: str, days: float = 90) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.certificate(host, days=days))
    return context


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Trust the authority, and have a public name lead to this machine."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.roots))
    original = socket.getaddrinfo

    def resolve(host: str, *rest: object, **named: object) -> object:
        return original("127.0.0.1" if host == PUBLIC else host, *rest, **named)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return authority.roots


def test_certificate_that_nobody_trusts_is_named(authority: Authority) -> None:
    with playing(host="localhost", tls=served_by(authority, "localhost")) as server:
        assert "the certificate is not accepted (" in refusal(server.url)
        assert server.seen == []


@pytest.mark.usefixtures("trusted")
def test_certificate_of_another_name_is_named(authority: Authority) -> None:
    with playing(host="localhost", tls=served_by(authority, "other.example")) as server:
        assert "the certificate is not accepted (" in refusal(server.url)


@pytest.mark.usefixtures("trusted")
def test_certificate_that_has_ended_is_named(authority: Authority) -> None:
    tls = served_by(authority, "localhost", days=-0.01)
    with playing(host="localhost", tls=tls) as server:
        assert "certificate has expired" in refusal(server.url)


@pytest.mark.usefixtures("trusted")
def test_public_server_shows_its_tls_and_hsts(authority: Authority) -> None:
    with playing(host=PUBLIC, tls=served_by(authority, PUBLIC)) as server:
        report = examine(server.url, TOKEN)
    rows = {row.what: row for row in report.rows}
    assert report.problems == []
    assert rows["TLS"].state is rows["HSTS"].state is State.OK
    assert rows["TLS"].seen.startswith("TLSv1.3, certificate valid for 89 days")
    assert rows["HSTS"].seen == "max-age=31536000"


@pytest.mark.usefixtures("trusted")
def test_missing_hsts_and_a_certificate_near_its_end_are_problems(authority: Authority) -> None:
    with playing("no HSTS", host=PUBLIC, tls=served_by(authority, PUBLIC, days=2)) as server:
        report = examine(server.url, TOKEN)
    assert {row.what for row in report.problems} == {"TLS", "HSTS"}
