"""A client that leaves in the middle of a call takes nothing along and leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator
from math import ceil
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from tests.functions.hosting import functions_host
from tests.functions.raw_http import parsed
from tests.support.answers.rpc import ERAS, MODERN, request
from tests.support.products.serving import listening
from tests.support.servers.breakable import nothing_is_lent
from tests.support.servers.database import Database
from tests.support.suite.patience import patient
from zava.app import Application, compose
from zava.infrastructure.local.state_dir import StateDirectory
from zava.settings import Settings

# Counts for hours, if nobody stops it.
# The planner reckons a recursion at ten rounds, so that it is admitted.
ENDLESS = (
    "WITH RECURSIVE n (i) AS (VALUES (1::bigint) UNION ALL SELECT i + 1 FROM n WHERE i < 10 ^ 12)"
    " SELECT max(i) FROM n"
)
POOL = 2


def http_request(era: str, sql: str, token: str, meta: Any = None) -> bytes:
    params = {"name": "execute_sales_query", "arguments": {"postgresql_query": sql}}
    headers, body = request(era, "tools/call", params | ({"_meta": meta} if meta else {}), token)
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = ["POST /mcp HTTP/1.1", *lines, f"content-length: {len(body)}", "connection: close"]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def leave_in_the_middle(port: int, sent: bytes, database: Database) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    await database.wait_for_statements(1)
    writer.close()
    await writer.wait_closed()


async def answered(port: int, sent: bytes) -> Any:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    said = await reader.read()
    writer.close()
    return orjson.loads(parsed(said).body)["result"]["structuredContent"]


@pytest.fixture
async def own(
    seeded_clone: Database, home: StateDirectory, context_keys: list[str]
) -> AsyncIterator[Application]:
    """The app with two connections, over a database on which nobody else runs anything."""
    settings = Settings.model_validate({"ZAVA_HOME": home.path, "ZAVA_POOL_MAX": POOL})
    application = compose(settings, conninfo=seeded_clone.server, context_keys=context_keys)
    yield application
    await application.close()


async def test_client_that_leaves_takes_its_statement_along_and_no_connection(
    own: Application, seeded_clone: Database, tokens: dict[str, str]
) -> None:
    token = tokens["head-office"]
    leaving = [http_request(era, ENDLESS, token) for era in ERAS]
    leaving += [http_request(era, ENDLESS, token, {"progressToken": 1}) for era in ERAS]
    count = http_request(MODERN, "SELECT count(*) AS n FROM retail.stores", token)
    async with listening(own) as port:
        await answered(port, count)  # so that nothing but theirs runs afterwards
        for sent in leaving:
            await leave_in_the_middle(port, sent, seeded_clone)
            assert await seeded_clone.wait_for_statements(0) < 5, "long before its deadline"
        # Each of them would have lost one of two connections.
        answers = await asyncio.gather(*(answered(port, count) for _ in range(POOL * 3)))
        assert [answer["rows"] for answer in answers] == [[[8]]] * (POOL * 3)
    resting = await nothing_is_lent(own.pool)
    # The driver's pool lies below ours; its waits and its figures have no other name.
    stats = own.pool._pool.get_stats()
    assert stats["pool_size"] == stats["pool_available"] + resting <= POOL


async def test_on_functions_the_statement_ends_at_its_deadline_and_no_connection_is_lost(
    seeded_clone: Database, home: StateDirectory, context_keys: list[str], tokens: dict[str, str]
) -> None:
    # Nobody tells the worker that a client has left: the invocation runs on.
    token = tokens["head-office"]
    deadline = ceil(patient(2))  # the first call has to meet it, too
    with functions_host(
        database=seeded_clone,
        home=home,
        context_keys=context_keys,
        ZAVA_POOL_MAX=str(POOL),
        ZAVA_STATEMENT_TIMEOUT_SECONDS=str(deadline),
    ) as hosted:
        port = urlsplit(hosted.url).port
        assert port is not None
        count = http_request(MODERN, "SELECT count(*) AS n FROM retail.stores", token)
        await answered(port, count)
        for _ in range(POOL + 1):
            await leave_in_the_middle(port, http_request(MODERN, ENDLESS, token), seeded_clone)
            assert await seeded_clone.wait_for_statements(0) < deadline + 8
        answers = await asyncio.gather(*(answered(port, count) for _ in range(POOL * 3)))
        assert [answer["rows"] for answer in answers] == [[[8]]] * (POOL * 3)
    assert hosted.started["pool_opened"] == 1
