"""Which method reaches the database, what it needs, and that it leaves exactly one record."""

import asyncio
import logging
from collections.abc import AsyncIterator
from io import StringIO
from typing import Any

import orjson
import psycopg
import pytest

from tests.support.answers.rpc import ERAS, LEGACY, MODERN, UNUSUAL, request
from tests.support.servers.database import Database
from zava.app import Application, compose
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuer
from zava.infrastructure.telemetry.json_logs import JsonFormatter
from zava.retail.demo.principals import demo_callers
from zava.settings import Settings

TABLES = {"type": "ref/resource", "uri": "retail://tables/{table}"}
OF_A_PROMPT = {"type": "ref/prompt", "name": "explain_a_table"}
WITHOUT_VALUES = {"type": "ref/prompt", "name": "business_summary"}
SQL = "execute_sales_query"


def completion(ref: dict[str, str], name: str = "table") -> dict[str, Any]:
    return {"ref": ref, "argument": {"name": name, "value": ""}}


def query(sql: str) -> dict[str, Any]:
    return {"name": SQL, "arguments": {"postgresql_query": sql}}


# Each method with the names of the records that it leaves.
METHODS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("tools/call", query("SELECT 2"), [SQL]),
    ("tools/call", query("SELECT 2") | UNUSUAL, [SQL]),
    ("tools/call", query("selec"), [SQL]),
    ("tools/call", query("SELECT pg_sleep(1)"), [SQL]),
    ("tools/call", {"name": SQL, "arguments": {}}, [SQL]),
    ("tools/call", {"name": "get_current_utc_date", "arguments": {}}, ["get_current_utc_date"]),
    ("tools/call", {"name": "nothing", "arguments": {}}, []),
    ("tools/list", {}, []),
    ("prompts/list", {}, []),
    ("prompts/get", {"name": "business_summary"}, []),
    ("resources/list", {}, []),
    ("resources/templates/list", {}, []),
    ("resources/read", {"uri": "retail://schema"}, ["retail://schema"]),
    ("resources/read", {"uri": "retail://metrics"}, ["retail://metrics"]),
    ("resources/read", {"uri": "retail://tables/orders"}, ["retail://tables/{table}"]),
    ("resources/read", {"uri": "retail://tables/keyring"}, ["retail://tables/{table}"]),
    ("resources/read", {"uri": "zava://budget"}, ["zava://budget"]),
    ("resources/read", {"uri": "zava://nothing"}, []),
    ("completion/complete", completion(TABLES), ["completion/complete"]),
    ("completion/complete", completion(OF_A_PROMPT), ["completion/complete"]),
    ("completion/complete", completion(WITHOUT_VALUES, "period"), []),
    ("completion/complete", completion(OF_A_PROMPT, "nothing"), []),
]
HANDSHAKE_METHODS: list[tuple[str, dict[str, Any], list[str]]] = [("ping", {}, [])]


@pytest.fixture
async def required(
    seeded_clone: Database, home: StateDirectory, context_keys: list[str]
) -> AsyncIterator[Application]:
    """The app where every call has to be recorded."""
    settings = Settings.model_validate({"ZAVA_HOME": home.path, "ZAVA_AUDIT": "required"})
    application = compose(settings, conninfo=seeded_clone.server, context_keys=context_keys)
    yield application
    await application.close()


def token(home: StateDirectory, scopes: str = "user_impersonation") -> str:
    caller = demo_callers()["seattle"]
    return LocalIssuer(home).token(
        tenant_id=caller.tenant_id, object_id=caller.object_id, name="seattle", scopes=scopes
    )


def records(database: Database) -> list[Any]:
    with psycopg.connect(database.owner) as owner:
        return owner.execute(
            "SELECT tool, phase, outcome, correlation_id FROM zava.audit_log"
            " ORDER BY called_at, phase"
        ).fetchall()


async def send(
    application: Application, bearer: str, era: str, method: str, params: dict[str, Any]
) -> tuple[int, Any]:
    headers, body = request(era, method, params, bearer)
    answer = await application.endpoint.handle("POST", "/mcp", headers, body)
    return answer.status, orjson.loads(answer.body)


@pytest.mark.parametrize("era", [LEGACY[-1], MODERN])
async def test_each_call_leaves_one_named_record_and_nothing_else_does(
    required: Application, seeded_clone: Database, home: StateDirectory, era: str
) -> None:
    methods = METHODS + (HANDSHAKE_METHODS if era != MODERN else [])
    expected: list[str] = []
    for method, params, names in methods:
        await send(required, token(home), era, method, params)
        expected += names
    await required.close()
    found = records(seeded_clone)
    assert [name for name, phase, *_ in found if phase == "outcome"] == expected
    assert {name for name, phase, *_ in found if phase == "intent"} <= set(expected)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("ref", [TABLES, OF_A_PROMPT])
@pytest.mark.parametrize("scopes", ["chain.compare", "products.read", "sales.read", "nothing"])
async def test_narrow_token_is_not_told_the_tables(
    warm: Application, home: StateDirectory, era: str, ref: dict[str, str], scopes: str
) -> None:
    status, body = await send(
        warm, token(home, scopes), era, "completion/complete", completion(ref)
    )
    assert status == 403
    assert "sql.query" in body["error"]["data"]["hint"]


async def test_token_for_sql_is_told_the_tables(warm: Application, home: StateDirectory) -> None:
    status, body = await send(
        warm, token(home, "sql.query"), MODERN, "completion/complete", completion(TABLES)
    )
    assert status == 200
    assert "orders" in body["result"]["completion"]["values"]


@pytest.mark.parametrize("scopes", ["chain.compare", "products.read", "nothing"])
@pytest.mark.parametrize("uri", ["retail://metrics", "retail://schema", "zava://performance"])
async def test_narrow_token_reads_no_resource_of_others(
    warm: Application, home: StateDirectory, scopes: str, uri: str
) -> None:
    status, _ = await send(warm, token(home, scopes), MODERN, "resources/read", {"uri": uri})
    assert status == 403


async def test_anonymous_readiness_leaves_no_record_and_asks_once(
    required: Application, seeded_clone: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    # Below the use cases no public name leads to the executor and its pool.
    ask = required.tenancy._executor.execute

    async def counted(caller: Any, question: Any, record: Any) -> Any:
        asked.append(question.statistics_text)
        return await ask(caller, question, record)

    monkeypatch.setattr(required.tenancy._executor, "execute", counted)

    async def thirty() -> list[str]:
        asked.clear()
        ready = [required.endpoint.handle("GET", "/health/ready", {}, b"") for _ in range(30)]
        assert {answer.status for answer in await asyncio.gather(*ready)} == {200}
        return [sql for sql in asked if "embedding_models" in sql]

    assert len(await thirty()) == 1
    assert not await thirty()
    # Time passes by moving what was noted, not by waiting.
    required.verification._proven_at -= 61
    # No public name leads to the reader, and the test looks at what it has read.
    # Time passes by moving what was noted, not by waiting.
    required.analytics.products._data._learnt_at -= 61  # type: ignore[attr-defined]  # a seam
    assert len(await thirty()) == 1
    await required.close()
    assert records(seeded_clone) == []


async def test_calls_of_one_client_s_trace_have_ids_of_their_own(
    required: Application, seeded_clone: Database, home: StateDirectory
) -> None:
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logging.getLogger().addHandler(handler)
    try:
        told = []
        for params in (query("selec"), query("selec") | UNUSUAL):
            headers, body = request(MODERN, "tools/call", params, token(home))
            headers["traceparent"] = f"00-{'ab' * 16}-{'cd' * 8}-01"
            answer = await required.endpoint.handle("POST", "/mcp", headers, body)
            told.append(answer.body.decode())
        await required.close()
    finally:
        logging.getLogger().removeHandler(handler)
    ids = [row[3] for row in records(seeded_clone) if row[1] == "outcome"]
    assert len(set(ids)) == 2
    assert all(each in text for each, text in zip(ids, told, strict=True))
    lines = [orjson.loads(line) for line in stream.getvalue().splitlines()]
    failed = [line for line in lines if line.get("operation") == SQL]
    assert [line["correlation_id"] for line in failed] == ids
    assert {line["trace_id"] for line in failed} == {"ab" * 16}
    assert "ab" * 16 not in ids
    with psycopg.connect(seeded_clone.owner) as owner:
        kept = owner.execute("SELECT phase, trace_id FROM zava.audit_log").fetchall()
    assert {phase for phase, _ in kept} == {"intent", "outcome"}
    assert {trace_id for _, trace_id in kept} == {"ab" * 16}


async def test_call_without_a_client_s_trace_is_recorded_without_one(
    required: Application, seeded_clone: Database, home: StateDirectory
) -> None:
    headers, body = request(MODERN, "tools/call", query("SELECT 1"), token(home))
    for traceparent in (None, "00-" + "0" * 32 + "-" + "cd" * 8 + "-01", "'; DROP TABLE x; --"):
        sent = headers if traceparent is None else headers | {"traceparent": traceparent}
        assert (await required.endpoint.handle("POST", "/mcp", sent, body)).status == 200
    await required.close()
    with psycopg.connect(seeded_clone.owner) as owner:
        kept = owner.execute("SELECT trace_id FROM zava.audit_log").fetchall()
    assert kept
    assert {trace_id for (trace_id,) in kept} == {None}
