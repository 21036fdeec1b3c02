"""What the endpoint tells the audit and the log of each call, however it ends."""

import asyncio
from typing import Any

import orjson
import psycopg
import pytest

from tests.support.answers.rpc import LEGACY, MODERN, request
from tests.support.servers.database import Database
from zava.app import Application, compose
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LOCAL_CLIENT, LocalIssuer
from zava.protocol.request_context import client_name
from zava.protocol.tools.tool import ERROR_META
from zava.retail.demo.principals import demo_callers
from zava.settings import Settings
from zava.telemetry import events

SLEEP = {"postgresql_query": "SELECT 1"}


@pytest.fixture
def served(seeded_clone: Database, home: StateDirectory, context_keys: list[str]) -> Application:
    settings = Settings.model_validate({"ZAVA_HOME": home.path})
    return compose(settings, conninfo=seeded_clone.server, context_keys=context_keys)


def token(home: StateDirectory, name: str, scopes: str = "user_impersonation") -> str:
    caller = demo_callers()[name]
    return LocalIssuer(home).token(
        tenant_id=caller.tenant_id, object_id=caller.object_id, name=name, scopes=scopes
    )


async def call(
    served: Application, token: str, tool: str, arguments: Any, era: str = MODERN
) -> Any:
    headers, body = request(era, "tools/call", {"name": tool, "arguments": arguments}, token)
    answer = await served.endpoint.handle("POST", "/mcp", headers | {"user-agent": "ua\n/1"}, body)
    return orjson.loads(answer.body)


def told(database: Database) -> list[Any]:
    with psycopg.connect(database.owner) as owner:
        return owner.execute(
            "SELECT tool, outcome, client_id, client_name, row_count, correlation_id"
            " FROM zava.audit_log WHERE phase = 'outcome' ORDER BY called_at"
        ).fetchall()


@pytest.mark.requirement("S65")
@pytest.mark.requirement("S97")
async def test_every_ended_call_is_recorded_with_the_id_that_the_caller_was_given(
    served: Application, seeded_clone: Database, home: StateDirectory
) -> None:
    seattle = token(home, "seattle")
    rows = {"postgresql_query": "SELECT store_name FROM retail.stores"}
    # The first call of a process also reads the structure of the tables.
    await call(served, seattle, "execute_sales_query", rows)
    await call(served, seattle, "execute_sales_query", rows)
    await call(served, seattle, "get_current_utc_date", {}, era=LEGACY[-1])
    wrong = await call(served, seattle, "execute_sales_query", {"limit": 1})
    refused = await call(
        served, seattle, "execute_sales_query", {"postgresql_query": "SELECT pg_sleep(1)"}
    )
    narrow = token(home, "seattle", "products.read")
    beyond = await call(served, narrow, "execute_sales_query", rows)
    await call(served, seattle, "no_such_tool", {})  # no tool call: a protocol error
    await served.close()
    records = told(seeded_clone)[1:]
    assert [record[:5] for record in records] == [
        ("execute_sales_query", "OK", LOCAL_CLIENT, "tests", 1),
        ("get_current_utc_date", "OK", LOCAL_CLIENT, "ua/1", 0),
        ("execute_sales_query", "VALIDATION_ERROR", LOCAL_CLIENT, "tests", 0),
        ("execute_sales_query", "QUERY_REFUSED", LOCAL_CLIENT, "tests", 0),
        ("execute_sales_query", "AUTHORIZATION_ERROR", LOCAL_CLIENT, "tests", 0),
    ]
    for record, answer in ((records[2], wrong), (records[3], refused)):
        assert record[5] == answer["result"]["_meta"][ERROR_META]["correlation_id"]
    assert records[4][5] == beyond["error"]["data"]["correlation_id"]


async def read(served: Application, token: str, uri: str) -> Any:
    headers, body = request(MODERN, "resources/read", {"uri": uri}, token)
    answer = await served.endpoint.handle("POST", "/mcp", headers, body)
    return answer.status, orjson.loads(answer.body)


async def test_resource_needs_its_permission_and_leaves_a_record(
    served: Application, seeded_clone: Database, home: StateDirectory
) -> None:
    status, content = await read(served, token(home, "seattle"), "retail://tables/orders")
    assert status == 200
    assert "order_date" in content["result"]["contents"][0]["text"]
    status, content = await read(served, token(home, "seattle"), "retail://tables/nothing")
    assert content["error"]["message"] == "Resource not found"
    status, content = await read(served, token(home, "seattle", "sales.read"), "retail://schema")
    assert status == 403
    assert "sql.query" in content["error"]["data"]["hint"]
    headers, body = request(MODERN, "resources/list", {}, token(home, "seattle", "sales.read"))
    listed = await served.endpoint.handle("POST", "/mcp", headers, body)
    assert "retail://schema" not in listed.body.decode()
    await served.close()
    assert [record[:2] for record in told(seeded_clone)] == [
        ("retail://tables/{table}", "OK"),
        ("retail://tables/{table}", "VALIDATION_ERROR"),
        ("retail://schema", "AUTHORIZATION_ERROR"),
    ]


@pytest.mark.requirement("S103")
@pytest.mark.requirement("S104")
async def test_refusals_of_ours_are_warnings_that_name_person_and_operation(
    served: Application,
    home: StateDirectory,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The refusals of earlier tests are not counted here.
    monkeypatch.setattr(events, "_refusals", {})
    caller = demo_callers()["seattle"]
    await call(served, token(home, "seattle"), "execute_sales_query", {"limit": "secret value"})
    beyond = await call(served, token(home, "seattle", "sales.read"), "execute_sales_query", SLEEP)
    await call(served, "a.b.c", "execute_sales_query", SLEEP)
    await served.close()
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    warnings = [line for line in said if "refused: " in line]
    assert len(warnings) == 3
    for warning, code in zip(warnings, ("VALIDATION_ERROR", "AUTHORIZATION_ERROR"), strict=False):
        assert f"operation=execute_sales_query error_type={code} " in warning
        assert f"tenant={caller.tenant_id} object={caller.object_id}" in warning
    assert beyond["error"]["data"]["correlation_id"] in warnings[1]
    assert warnings[2] == (
        "request refused: bad_token (The token is not a JWT.), and 0 more of late"
    )
    assert "secret value" not in caplog.text


async def test_call_whose_client_leaves_is_recorded_as_cancelled(
    served: Application,
    seeded_clone: Database,
    home: StateDirectory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reached = asyncio.Event()

    async def wait_for_ever(*_: Any, **__: Any) -> None:
        reached.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(served.analytics.data, "run", wait_for_ever)
    asked = asyncio.ensure_future(
        call(served, token(home, "seattle"), "execute_sales_query", SLEEP)
    )
    await reached.wait()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await served.close()
    assert [record[:2] for record in told(seeded_clone)] == [("execute_sales_query", "CANCELLED")]


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ({}, "agent"),
        ({"params": None}, "agent"),
        ({"params": {"_meta": []}}, "agent"),
        ({"params": {"_meta": {"io.modelcontextprotocol/clientInfo": 7}}}, "agent"),
        ({"params": {"_meta": {"io.modelcontextprotocol/clientInfo": {"name": 7}}}}, "agent"),
        ({"params": {"_meta": {"io.modelcontextprotocol/clientInfo": {"name": "a\x00\nb"}}}}, "ab"),
        (
            {"params": {"_meta": {"io.modelcontextprotocol/clientInfo": {"name": "x" * 999}}}},
            "x" * 100,
        ),
    ],
)
def test_client_s_own_name_is_short_and_printable(message: Any, name: str) -> None:
    assert client_name(message, "agent") == name
