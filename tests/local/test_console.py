"""The console's doors: what it serves, to whom it gives a token, and where it does not exist."""

import re
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from tests.support.answers.rpc import MODERN, ask, request
from zava.app import Application
from zava.composition.local_site import local_site
from zava.infrastructure.local.state_dir import StateDirectory
from zava.protocol.console.console import POLICY, SIGN_IN_PATH, Console
from zava.protocol.http.endpoint import Endpoint
from zava.protocol.http_responses import HttpResponse
from zava.retail.demo.principals import demo_callers
from zava.settings import Settings

PORT = 7071
HOST = f"127.0.0.1:{PORT}"
OWN = {
    "host": HOST,
    "origin": f"http://{HOST}",
    "sec-fetch-site": "same-origin",
    "content-type": "application/json",
}


@pytest.fixture
def console(application: Application, home: StateDirectory) -> Console:
    site = local_site(application.endpoint, Settings.model_validate({"ZAVA_HOME": home.path}), PORT)
    assert isinstance(site, Console)
    return site


async def get(site: Console, path: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
    return await site.handle("GET", path, headers or {"host": HOST}, b"")


async def sign_in(
    site: Console, person: Any = "redmond", without: str = "", **headers: str
) -> tuple[int, Any]:
    sent = OWN | {name.replace("_", "-"): value for name, value in headers.items()}
    sent.pop(without, None)
    body = orjson.dumps({"person": person})
    answer = await site.handle("POST", SIGN_IN_PATH, sent, body)
    assert answer.headers["cache-control"] == "no-store"
    assert not {"access-control-allow-origin", "set-cookie"} & answer.headers.keys()
    return answer.status, orjson.loads(answer.body)


async def test_page_comes_under_a_policy_that_runs_nothing_else(console: Console) -> None:
    answer = await get(console, "/")
    assert answer.status == 200
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "'unsafe" not in POLICY
    page = answer.body.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", page)
    for path in re.findall(r'(?:src|href)="([^"]+)"', page):
        part = await get(console, path)
        assert part.status == 200, path
        assert part.headers["content-security-policy"] == POLICY
        assert b"innerHTML" not in part.body


async def test_every_module_that_a_page_imports_is_served(console: Console) -> None:
    seen, open_ = set(), ["/console/console.js"]
    while open_:
        path = open_.pop()
        seen.add(path)
        answer = await get(console, path)
        assert answer.status == 200, path
        assert answer.headers["content-type"].startswith("text/javascript")
        named = re.findall(r'^import .* from "([^"]+)";$', answer.body.decode(), re.MULTILINE)
        found = {f"/console/{name.removeprefix('/console/').removeprefix('./')}" for name in named}
        open_ += found - seen
    assert {"/console/chart.js", "/console/explore.js", "/console/client.js"} < seen


@pytest.mark.parametrize("person", ["redmond", "head-office"])
async def test_token_of_the_sign_in_speaks_for_that_person(
    console: Console, application: Application, person: str
) -> None:
    status, told = await sign_in(console, person)
    assert status == 200
    count = {"postgresql_query": "SELECT store_name FROM retail.stores"}
    call = {"name": "execute_sales_query", "arguments": count}
    _, body = await ask(application, told["token"], MODERN, "tools/call", call)
    scope = body["result"]["structuredContent"]["scope"]
    assert len(scope["stores"]) == (8 if person == "head-office" else 1)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"without": "origin"}, 403),
        ({"origin": "http://127.0.0.1:8080"}, 403),
        ({"origin": "http://localhost:7071"}, 403),
        ({"origin": "https://127.0.0.1:7071"}, 403),
        ({"origin": "null"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"content_type": "text/plain"}, 415),
        ({"content_type": "application/x-www-form-urlencoded"}, 415),
        (
            {"host": "zava.attacker.example:7071", "origin": "http://zava.attacker.example:7071"},
            421,
        ),
        ({"host": "127.0.0.1", "origin": "http://127.0.0.1"}, 421),
        ({"without": "host"}, 421),
        ({"person": "nobody"}, 400),
        ({"person": ["redmond"]}, 400),
        ({"person": None}, 400),
    ],
)
async def test_sign_in_gives_no_token_to_anybody_but_its_own_page(
    console: Console, headers: dict[str, Any], status: int
) -> None:
    refused, told = await sign_in(console, **headers)
    assert refused == status
    assert told.keys() == {"error"}


async def test_repeated_host_or_origin_is_refused(console: Console) -> None:
    for name in ("host", "origin"):
        sent = [*OWN.items(), (name, "http://attacker.example")]
        answer = await console.handle("POST", SIGN_IN_PATH, sent, b'{"person": "redmond"}')
        assert answer.status in {403, 421}
        assert b"token" not in answer.body


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("GET", SIGN_IN_PATH, "POST"), ("POST", "/", "GET, HEAD")]
)
async def test_other_methods_are_not_allowed(
    console: Console, method: str, path: str, allowed: str
) -> None:
    answer = await console.handle(method, path, OWN, b"")
    assert answer.status == 405
    assert answer.headers["allow"] == allowed


async def test_body_that_is_no_json_is_refused(console: Console) -> None:
    for body in (b"", b"person=redmond", b"[]", b'{"person": "redmond"' + b" " * 2000 + b"}"):
        assert (await console.handle("POST", SIGN_IN_PATH, OWN, body)).status == 400


async def test_everything_else_is_the_endpoint(console: Console) -> None:
    assert (await get(console, "/health/live")).status == 200
    assert (await get(console, "/console/../zava/settings.py")).status == 404
    headers, body = request(MODERN, "tools/list")
    assert (await console.handle("POST", "/mcp", headers, body)).status == 401


async def test_people_of_the_page_are_those_of_the_demo(console: Console) -> None:
    people = orjson.loads((await get(console, "/console/people.json")).body)
    assert [person["name"] for person in people] == list(demo_callers())


def test_where_a_directory_signs_there_is_no_console(application: Application) -> None:
    settings = Settings.model_validate(
        {
            "ZAVA_IDENTITY_ISSUER": "https://login.microsoftonline.com/{tid}/v2.0",
            "ZAVA_IDENTITY_AUDIENCE": "api://zava",
            "ZAVA_ALLOWED_TENANTS": "5a7a0000-0000-4000-8000-000000000001",
        }
    )
    assert isinstance(local_site(application.endpoint, settings, PORT), Endpoint)


async def test_endpoint_alone_has_neither_console_nor_sign_in(application: Application) -> None:
    for method, path in (("GET", "/"), ("POST", SIGN_IN_PATH), ("GET", "/console/console.js")):
        assert (await application.endpoint.handle(method, path, OWN, b"{}")).status == 404


async def test_head_of_a_page_is_get_without_its_body(console: Console) -> None:
    got = await console.handle("GET", "/", OWN, b"")
    head = await console.handle("HEAD", "/", OWN, b"")
    assert (head.status, head.headers, head.body) == (200, got.headers, b"")
    assert got.body
