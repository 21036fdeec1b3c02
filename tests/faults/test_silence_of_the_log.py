"""A full run's log at its most talkative holds nobody's name, value, statement or token."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import psycopg
import pytest

from tests.support.answers.rpc import ERAS, request
from tests.support.servers.breakable import Breakable, ask
from tests.support.servers.database import SERVER_PASSWORD, Database
from tests.support.servers.proxy import Proxy
from zava.app import Application
from zava.infrastructure.telemetry.json_logs import JsonFormatter

PLANTED = "hunter2planted"


@pytest.fixture
def log() -> Iterator[StringIO]:
    """Everything that any library logs, as the served app would write it."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    root, ours = logging.getLogger(), logging.getLogger("zava")
    levels = root.level, ours.level
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


def customers_of(database: Database) -> set[str]:
    with psycopg.connect(database.owner) as owner:
        rows = owner.execute("SELECT email, phone, last_name FROM retail.customers").fetchall()
    return {str(cell) for row in rows for cell in row if cell and len(str(cell)) > 5}


@pytest.mark.requirement("S105")
@pytest.mark.requirement("S113")
async def test_full_run_is_logged_without_a_word_of_anybody(
    over_the_line: Application,
    own_server: Breakable,
    line: Proxy,
    tokens: dict[str, str],
    log: StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logging.getLogger("zava").setLevel("DEBUG")
    logging.getLogger().setLevel("WARNING")
    over_the_line.tenancy._executor.monitor.slow_seconds = 0.0  # every statement is a slow one
    token = tokens["seattle"]
    statements = {
        f"SELECT first_name, last_name, email, phone, '{PLANTED}' FROM retail.customers": "OK",
        f"SELECT count(*) FROM retail.orders WHERE status = '{PLANTED}'": "OK",
        f'SELECT 1 AS "{PLANTED}" -- {PLANTED}': "OK",
        "SELECT email::int FROM retail.customers": "DATABASE_ERROR",
        f"SELECT '{PLANTED}'::date": "DATABASE_ERROR",
        f"SELECT {PLANTED} FROM retail.orders": "DATABASE_ERROR",
        f"SELEC {PLANTED}": "DATABASE_ERROR",
        f"SELECT pg_read_file('{PLANTED}')": "QUERY_REFUSED",
        f"/*{PLANTED}*/": "QUERY_REFUSED",
    }
    for sql, code in statements.items():
        assert (await ask(over_the_line, token, sql))[0] == code, sql
    calls: list[tuple[str, dict[str, Any]]] = [
        ("execute_sales_query", {"postgresql_query": 7, PLANTED: PLANTED}),
        ("get_multiple_table_schemas", {"table_names": [PLANTED]}),
        (PLANTED, {}),
    ]
    for name, arguments in calls:
        for era in ERAS:
            headers, body = request(
                era, "tools/call", {"name": name, "arguments": arguments}, token
            )
            await over_the_line.endpoint.handle("POST", "/mcp", headers, body)
    headers, _ = request(ERAS[0], "tools/list", token=f"{token}{PLANTED}")
    await over_the_line.endpoint.handle("POST", "/mcp", headers, PLANTED.encode())
    await over_the_line.endpoint.handle("GET", f"/{PLANTED}", {"host": PLANTED}, b"")
    monkeypatch.setattr(over_the_line.analytics, "current_utc_date", _fail)
    headers, body = request(ERAS[0], "tools/call", {"name": "get_current_utc_date"}, token)
    await over_the_line.endpoint.handle("POST", "/mcp", headers, body)
    line.refuses = True
    line.cut()
    assert (await ask(over_the_line, token, f"SELECT '{PLANTED}', count(*) FROM retail.orders"))[0]
    line.refuses = False

    written = log.getvalue()
    lines = [json.loads(text) for text in written.splitlines()]
    told = {entry["message"].partition(":")[0] for entry in lines}
    assert {"slow query", "request refused", "statement repeated"} <= told
    assert "execute_sales_query failed" in told
    assert "LookupError at" in written
    for secret in (PLANTED, SERVER_PASSWORD, *tokens.values(), "SELECT", "zava_server"):
        assert secret not in written, secret
    found = {name for name in customers_of(own_server.database) if name in written}
    assert not found
    ours = [entry for entry in lines if entry["logger"].startswith("zava")]
    assert all("correlation_id" in entry for entry in ours if "operation" in entry)


def _fail() -> Any:
    raise LookupError(PLANTED)
