"""The console's doors: what it serves, to whom it gives a token, and where it does not exist."""

import gzip
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.local.console_page import HOST, OWN, PORT, call, sign_in, site_of
from tests.support.answers.rpc import MODERN, ask, request
from zava.app import Application
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuer
from zava.protocol.console import console as console_module
from zava.protocol.console.console import POLICY, SIGN_IN_PATH, Console
from zava.protocol.console.console_calls import EXPORT_PATH, OPERATOR_PATH, SAVED_PATH
from zava.protocol.http.endpoint import Endpoint
from zava.protocol.http_responses import HttpResponse
from zava.retail.demo.principals import demo_callers
from zava.settings import Settings

MAX_TRANSFERRED_BYTES = 250_000
VENDORED = Path(console_module.__file__).parent


async def get(site: Console, path: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
    return await site.handle("GET", path, headers or {"host": HOST}, b"")


async def test_page_comes_under_a_policy_that_runs_nothing_else(console: Console) -> None:
    answer = await get(console, "/")
    assert answer.status == 200
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "'unsafe" not in POLICY
    page = answer.body.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", page)
    for path in re.findall(r'(?:src|href)="(/[^"]+)"', page):
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
    assert {"/console/chart.js", "/console/explorer_page.js", "/console/client.js"} < seen


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
    entry = orjson.loads((await get(console, "/console/people.json")).body)
    assert entry["signs_in"] is False
    people = entry["people"]
    callers = demo_callers()
    assert {person["name"]: person["id"] for person in people} == {
        name: str(caller.object_id) for name, caller in callers.items()
    }
    # The widest audience comes first: who manages the chain looks for themselves there.
    assert people[0]["name"] == "head-office"


async def test_person_is_signed_in_by_id_as_by_name(console: Console) -> None:
    status, told = await sign_in(console, str(demo_callers()["redmond"].object_id))
    assert status == 200
    assert told["token"]


async def test_every_address_of_a_question_is_the_page(console: Console) -> None:
    page = (await get(console, "/")).body
    for path in ("/console", "/console/explore", "/console/tools/query_metrics"):
        assert (await get(console, path)).body == page
    assert (await get(console, "/console/no-such-file.js")).status == 404


async def test_page_is_small_and_its_editor_is_the_one_that_was_pinned(console: Console) -> None:
    paths = [path for path in console.files if path.startswith("/console/")]
    sizes = [len(gzip.compress((await get(console, path)).body)) for path in [*paths, "/"]]
    assert sum(sizes) <= MAX_TRANSFERRED_BYTES
    editor = (await get(console, "/console/codemirror.js")).body
    pinned = orjson.loads((VENDORED / "codemirror.json").read_bytes())
    assert hashlib.sha256(editor).hexdigest() == pinned["sha256"]
    assert "MIT" in (VENDORED / "codemirror.LICENSE").read_text(encoding="utf-8")
    assert b"://" not in re.sub(rb"http://www\.w3\.org/\S+", b"", editor)


async def test_kept_questions_are_their_persons_alone(console: Console) -> None:
    kept = {"action": "save", "address": "/console/explore?metrics=units", "title": "Units"}
    status, answer = await call(console, SAVED_PATH, "redmond", kept)
    assert status == 200
    assert orjson.loads(answer.body)["items"] == [
        {"kind": "saved", "address": kept["address"], "title": "Units", "is_pinned": False}
    ]
    _, others = await call(console, SAVED_PATH, "kirkland", {"action": "list"})
    assert orjson.loads(others.body)["items"] == []
    _, pinned = await call(
        console, SAVED_PATH, "redmond", kept | {"action": "pin", "is_pinned": True}
    )
    assert orjson.loads(pinned.body)["items"][0]["is_pinned"] is True
    _, left = await call(console, SAVED_PATH, "redmond", kept | {"action": "remove"})
    assert orjson.loads(left.body)["items"] == []


@pytest.mark.parametrize(
    "content",
    [
        {"action": "drop", "address": "/console/explore"},
        {"action": "save"},
        {"action": "save", "address": "https://attacker.example", "title": "x"},
        {"action": "save", "address": "//attacker.example", "title": "x"},
        {"action": "save", "address": "/\\attacker.example", "title": "x"},
        {"action": "save", "address": "/\t/attacker.example", "title": "x"},
        {"action": "save", "address": "/console/../\\attacker.example", "title": "x"},
        {"action": "save", "address": "/console/sql?q=a b", "title": "x"},
        {"action": "save", "address": "/console/sql?q=\\", "title": "x"},
        {"action": "save", "address": "/mcp", "title": "x"},
        {"action": "save", "address": "/console/sql\u0000", "title": "x"},
        {"action": "pin", "address": "/console/sql", "is_pinned": 1},
        {"action": "save", "address": "/console/sql", "title": ""},
        {"action": "save", "address": "/console/sql", "title": 3},
        ["save"],
    ],
)
async def test_what_is_no_question_is_not_kept(console: Console, content: Any) -> None:
    status, answer = await call(console, SAVED_PATH, "redmond", content)
    assert status == 400
    assert orjson.loads(answer.body)["error"]["code"] == "VALIDATION_ERROR"


async def test_history_is_bounded(console: Console) -> None:
    for number in range(103):
        visited = {"action": "visit", "address": f"/console/sql?q={number}", "title": "SQL"}
        _, answer = await call(console, SAVED_PATH, "bellevue", visited)
    items = orjson.loads(answer.body)["items"]
    assert len(items) == 100
    assert items[0]["address"] == "/console/sql?q=102"
    _, cleared = await call(console, SAVED_PATH, "bellevue", {"action": "clear"})
    assert orjson.loads(cleared.body)["items"] == []


async def test_operators_page_is_the_head_offices_alone(console: Console) -> None:
    await call(console, EXPORT_PATH, "tacoma", {"postgresql_query": "DROP TABLE retail.orders"})
    status, answer = await call(console, OPERATOR_PATH, "tacoma", {})
    assert (status, orjson.loads(answer.body)["error"]["code"]) == (422, "AUTHORIZATION_ERROR")
    status, answer = await call(console, OPERATOR_PATH, "head-office", {"outcome": "not OK"})
    assert status == 200
    page = orjson.loads(answer.body)
    granted = {each["who"]: each for each in page["grants"]}
    assert granted.keys() == demo_callers().keys()
    assert granted["tacoma"]["is_valid"] is True
    assert granted["tacoma"]["since"] is not None
    assert all(each["outcome"] != "OK" for each in page["calls"])


@pytest.mark.parametrize(
    "content",
    [
        *({"hours": hours} for hours in ("many", True, 0, -1, 745, 10**12, 1.5, None)),
        *({"outcome": outcome} for outcome in (7, None, "OK\u0000", "ok; --", "X" * 41)),
    ],
)
async def test_operators_page_rejects_other_values(console: Console, content: Any) -> None:
    status, _ = await call(console, OPERATOR_PATH, "head-office", content)
    assert status == 400


@pytest.mark.parametrize("path", [EXPORT_PATH, SAVED_PATH, OPERATOR_PATH])
@pytest.mark.parametrize(
    "scopes", ["sales.read", "products.read", "sales.read products.read customers.read"]
)
async def test_narrow_token_calls_nothing_of_the_console(
    console: Console, home: StateDirectory, path: str, scopes: str
) -> None:
    person = demo_callers()["redmond"]
    token = LocalIssuer(home, PORT).token(
        tenant_id=person.tenant_id, object_id=person.object_id, name="redmond", scopes=scopes
    )
    sent = OWN | {"authorization": f"Bearer {token}"}
    answer = await console.handle("POST", path, sent, b'{"action": "list"}')
    assert answer.status == 403
    assert orjson.loads(answer.body)["error"]["code"] == "AUTHORIZATION_ERROR"


async def test_kept_questions_may_name_customers_so_their_token_may_too(
    console: Console, home: StateDirectory
) -> None:
    person = demo_callers()["redmond"]
    statuses = []
    for scopes in ("sql.query", "sql.query customers.read"):
        token = LocalIssuer(home, PORT).token(
            tenant_id=person.tenant_id, object_id=person.object_id, name="redmond", scopes=scopes
        )
        sent = OWN | {"authorization": f"Bearer {token}"}
        answer = await console.handle("POST", SAVED_PATH, sent, b'{"action": "list"}')
        statuses.append(answer.status)
    assert statuses == [403, 200]


@pytest.mark.parametrize(
    "body",
    [
        b'{"action": "list", "title": "' + b"x" * 1024 * 1024 + b'"}',
        b'{"action": "list", "more": ' + b"[" * 80 + b"]" * 80 + b"}",
        b'{"action": "list", "more": 1' + b"0" * 30 + b"}",
        b'{"action": "list"',
    ],
)
async def test_body_of_a_call_has_the_bounds_of_a_message(console: Console, body: bytes) -> None:
    _, told = await sign_in(console)
    sent = OWN | {"authorization": f"Bearer {told['token']}"}
    answer = await console.handle("POST", SAVED_PATH, sent, body)
    assert answer.status == 400
    assert orjson.loads(answer.body)["error"]["code"] == "VALIDATION_ERROR"


@pytest.mark.parametrize("path", [EXPORT_PATH, SAVED_PATH, OPERATOR_PATH])
async def test_calls_of_the_page_need_its_token_and_its_content_type(
    console: Console, path: str
) -> None:
    body = b'{"action": "list"}'
    assert (await console.handle("POST", path, OWN, body)).status == 401
    status, _ = await call(console, path, "redmond", {}, **{"content-type": "text/plain"})
    assert status == 415
    status, _ = await call(console, path, "redmond", {}, origin="http://attacker.example")
    assert status == 403
    assert (await console.handle("GET", path, OWN, b"")).status == 405


def test_where_a_directory_signs_there_is_no_console(application: Application) -> None:
    settings = Settings.model_validate(
        {
            "ZAVA_IDENTITY_ISSUER": "https://login.microsoftonline.com/{tid}/v2.0",
            "ZAVA_IDENTITY_AUDIENCE": "api://zava",
            "ZAVA_ALLOWED_TENANTS": "5a7a0000-0000-4000-8000-000000000001",
        }
    )
    assert isinstance(site_of(application, settings), Endpoint)


async def test_endpoint_alone_has_neither_console_nor_sign_in(application: Application) -> None:
    for method, path in (("GET", "/"), ("POST", SIGN_IN_PATH), ("GET", "/console/console.js")):
        assert (await application.endpoint.handle(method, path, OWN, b"{}")).status == 404


async def test_head_of_a_page_is_get_without_its_body(console: Console) -> None:
    got = await console.handle("GET", "/", OWN, b"")
    head = await console.handle("HEAD", "/", OWN, b"")
    assert (head.status, head.headers, head.body) == (200, got.headers, b"")
    assert got.body
