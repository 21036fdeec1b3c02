"""What clients send, through the played host, to the product behind it."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.functions.hosting import Hosted, functions_host
from tests.functions.raw_http import RawAnswer, chunked, get, post, send
from tests.support.answers.rpc import MODERN, UNUSUAL, request
from tests.support.products.serving import listening
from tests.support.servers.database import Database
from zava.app import Application, compose
from zava.infrastructure.local.state_dir import StateDirectory
from zava.protocol.http.addresses import PATHS
from zava.protocol.http.security_headers import secured
from zava.protocol.mcp.jsonrpc import MAX_BODY_BYTES
from zava.settings import Settings

ROOT = Path(__file__).parents[2]
SAMPLE: dict[str, str] = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
LIMIT = "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"
QUERY = {
    "name": "execute_sales_query",
    "arguments": {"postgresql_query": "SELECT store_name FROM retail.stores"},
}


@pytest.fixture(scope="module")
def hosted(database: Database, home: StateDirectory, context_keys: list[str]) -> Iterator[Hosted]:
    with functions_host(
        database=database,
        home=home,
        context_keys=context_keys,
        FUNCTIONS_REQUEST_BODY_SIZE_LIMIT=SAMPLE[LIMIT],
    ) as host:
        yield host


def asked(
    token: str | None, method: str = "tools/call", params: dict[str, Any] | None = None
) -> tuple[list[str], bytes]:
    """Return the head's lines, without the host, and the body of a call."""
    headers, body = request(MODERN, method, params, token)
    return [f"{name}: {value}" for name, value in headers.items() if name != "host"], body


def rows(answer: RawAnswer) -> Any:
    assert answer.status == 200, answer
    return orjson.loads(answer.body)["result"]["structuredContent"]["rows"]


def test_body_with_a_length_is_served(hosted: Hosted, tokens: dict[str, str]) -> None:
    lines, body = asked(tokens["kirkland"], params=QUERY)
    assert rows(send(hosted.url, post(body, *lines))) == [["Zava Retail Kirkland"]]
    for target in ("/mcp/", "/%6dcp", "/admin/../mcp", "/mcp?x=y"):
        assert rows(send(hosted.url, post(body, *lines, target=target)))


@pytest.mark.parametrize("with_token", [True, False])
def test_chunked_body_is_411_with_a_sentence_on_what_to_send(
    hosted: Hosted, tokens: dict[str, str], with_token: bool
) -> None:
    lines, body = asked(tokens["kirkland"] if with_token else None, params=QUERY)
    answer = send(hosted.url, chunked(body, *lines))
    assert answer.status == 411
    assert "Content-Length" in orjson.loads(answer.body)["error"]["message"]


async def test_chunked_body_is_served_where_it_arrives(
    application: Application, tokens: dict[str, str]
) -> None:
    lines, body = asked(tokens["kirkland"], params=QUERY)

    async def parts() -> AsyncIterator[bytes]:
        yield body[:10]
        yield body[10:]

    async with listening(application) as port, httpx.AsyncClient() as http:
        headers = dict(line.split(": ", 1) for line in lines)
        url = f"http://127.0.0.1:{port}/mcp"
        answer = await http.post(url, headers=headers, content=parts())
    assert answer.status_code == 200
    assert answer.json()["result"]["structuredContent"]["rows"] == [["Zava Retail Kirkland"]]


def test_body_limit_of_the_host_lets_the_apps_own_answer_and_no_more(
    hosted: Hosted, tokens: dict[str, str]
) -> None:
    lines, _ = asked(tokens["kirkland"])
    over = send(hosted.url, post(b" " * (MAX_BODY_BYTES + 1), *lines))
    assert over.status == 413
    far_over = send(hosted.url, get("/mcp", f"Content-Length: {MAX_BODY_BYTES + 2}", method="POST"))
    assert (far_over.status, far_over.body) == (500, b"")


def test_limit_is_the_same_on_azure_and_in_the_sample() -> None:
    assert int(SAMPLE[LIMIT]) == MAX_BODY_BYTES + 1
    bicep = (ROOT / "infra" / "modules" / "app.bicep").read_text(encoding="utf-8")
    assert f"{LIMIT}: '{MAX_BODY_BYTES + 1}'" in bicep


def test_func_start_restarts_for_no_file_of_ours() -> None:
    # The host takes a new directory, or a deleted file, below the app for a change of the app.
    assert SAMPLE["PYTHONDONTWRITEBYTECODE"] == "1"
    assert not (ROOT / SAMPLE["ZAVA_HOME"]).resolve().is_relative_to(ROOT)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_head_and_options_are_the_endpoints_to_answer(
    hosted: Hosted, path: str, method: str
) -> None:
    answer = send(hosted.url, get(path, method=method))
    is_served = method == "HEAD" and path != "/mcp"
    assert answer.status == (200 if is_served else 405)
    assert is_served or answer.headers["allow"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not [name for name in answer.headers if name.startswith("access-control-")]


DOUBLED = {
    "authorization": (401, b"not a JWT"),
    "mcp-protocol-version": (400, b"-32020"),
    "mcp-method": (400, b"-32020"),
    "mcp-name": (400, b"-32020"),
    "content-type": (415, b"application/json"),
    "origin": (403, b"origin"),
}


@pytest.mark.parametrize("name", DOUBLED)
def test_header_that_decides_and_is_sent_twice_is_one_value_that_does_not_hold(
    hosted: Hosted, tokens: dict[str, str], name: str
) -> None:
    lines, body = asked(tokens["kirkland"], params=QUERY)
    lines.append("origin: http://localhost")
    twice = next(line for line in lines if line.startswith(f"{name}:"))
    answer = send(hosted.url, post(body, *lines, twice))
    status, words = DOUBLED[name]
    assert answer.status == status
    assert words in answer.body


def test_accept_that_is_sent_twice_is_read_whole(hosted: Hosted, tokens: dict[str, str]) -> None:
    lines, body = asked(tokens["kirkland"], params=QUERY)
    lines = [line for line in lines if not line.startswith("accept")]
    answer = send(hosted.url, post(body, *lines, "accept: text/html", "accept: application/json"))
    assert rows(answer)


def test_host_of_another_is_421_and_a_header_in_utf_8_is_no_obstacle(
    hosted: Hosted, tokens: dict[str, str]
) -> None:
    assert send(hosted.url, get("/mcp", host="example.org", method="POST")).status == 421
    lines, body = asked(tokens["kirkland"], params=QUERY)
    assert rows(send(hosted.url, post(body, *lines, "user-agent: K\xc3\xa4se")))


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(["a", "www-authenticate"]), st.text(), max_size=2))
def test_every_header_value_is_printable_ascii_whatever_it_came_from(
    headers: Mapping[str, str],
) -> None:
    for name, value in secured(headers, is_local=True).items():
        assert value.isascii()
        assert value.isprintable()
        if headers.get(name, "").isascii() and headers.get(name, "").isprintable():
            assert value == headers.get(name, value)


METHODS = ("GET", "POST", "HEAD", "OPTIONS", "DELETE")
HOSTILE = 'K\u00e4se\r\nSet-Cookie: a=b\t"\u2028'


async def test_no_header_of_an_answer_repeats_what_a_client_or_an_operator_wrote(
    database: Database, home: StateDirectory, context_keys: list[str], tokens: dict[str, str]
) -> None:
    hostile = Settings.model_validate(
        {
            "ZAVA_IDENTITY_ISSUER": "http://localhost/{tid}/v2.0",
            "ZAVA_IDENTITY_AUDIENCE": f"api://{HOSTILE}",
            "ZAVA_ALLOWED_TENANTS": "5a7a0000-0000-4000-8000-00000000de30",
            "ZAVA_ALLOWED_HOSTS": HOSTILE,
            "ZAVA_HOME": home.path,
        }
    )
    application = compose(hostile, conninfo=database.server, context_keys=context_keys)
    seen = set()
    names = ("x", "origin", "mcp-name", "mcp-protocol-version", "user-agent", "host")
    authorizations = (None, tokens["seattle"], HOSTILE, f"a.{HOSTILE}.b")
    try:
        for path, method, token, name in product(PATHS, METHODS, authorizations, names):
            headers, body = request(MODERN, "tools/call", QUERY | UNUSUAL, token)
            answer = await application.endpoint.handle(
                method, path, headers | {name: HOSTILE}, body
            )
            seen.add(answer.status)
            for value in answer.headers.values():
                assert value.isascii()
                assert value.isprintable()
    finally:
        await application.close()
    assert seen >= {200, 401, 403, 405, 421}
