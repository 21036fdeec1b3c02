"""The first peer: it keeps the same promise, as a good engineer writes it on the SDK and a pool.

The caller's token is verified in each request. A tool call is one transaction of five statements:
BEGIN READ ONLY, the caller's store as transaction-local context, a timeout, the statement, COMMIT.
Row policies compare with the context. Rows are capped. A line of audit is written in batches.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import jwt
from mcp.server import MCPServer
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from pydantic import AnyHttpUrl

from bench.servers.web import serve

_ENVIRONMENT = os.environ  # noqa: TID251  # a process of its own
_POOL_MAX = int(_ENVIRONMENT["ZAVA_POOL_MAX"])
_ISSUER, _AUDIENCE = _ENVIRONMENT["PEER_ISSUER"], _ENVIRONMENT["PEER_AUDIENCE"]
_KEYS = {key.key_id: key for key in jwt.PyJWKSet.from_json(_ENVIRONMENT["PEER_KEYS"]).keys}
_MAX_ROWS = 1000
_BATCH_SECONDS = 1.0
_CONTEXT = (
    "SELECT set_config('app.store_id', store_id::text, true) FROM app.grants WHERE object_id = %s"
)
_TIMEOUT = "SET LOCAL statement_timeout = '30s'"
_RECORD = "INSERT INTO app.audit_log (called_at, object_id, tool, rows) VALUES (%s, %s, %s, %s)"


async def _read_only(connection: AsyncConnection[Any]) -> None:
    await connection.set_read_only(True)


pool = AsyncConnectionPool[AsyncConnection[dict[str, Any]]](
    _ENVIRONMENT["DATABASE_URL"],
    kwargs={"row_factory": dict_row},
    min_size=_POOL_MAX,
    max_size=_POOL_MAX,
    configure=_read_only,
    open=False,
)
_records: list[tuple[datetime, str, str, int]] = []


class Verifier:
    """Verifies the directory's tokens, as the SDK asks for each request."""

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what a valid token states, None for any other."""
        try:
            key = _KEYS[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(token, key, ["RS256"], audience=_AUDIENCE, issuer=_ISSUER)
        except (jwt.PyJWTError, KeyError):
            return None
        return AccessToken(
            token=token,
            client_id=claims["azp"],
            scopes=claims["scp"].split(),
            expires_at=claims["exp"],
            subject=claims["oid"],
        )


@asynccontextmanager
async def lifespan(_server: Any) -> AsyncIterator[None]:
    """Hold the pool open, and write the audit, while the server runs."""
    async with pool:
        writing = asyncio.create_task(_write_records())
        try:
            yield
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing


async def _write_records() -> None:
    while True:
        await asyncio.sleep(_BATCH_SECONDS)  # noqa: TID251  # a peer, as one writes it
        batch = [*_records]
        _records.clear()
        if batch:
            async with pool.connection() as connection:
                await connection.execute("SET TRANSACTION READ WRITE")
                await connection.cursor().executemany(_RECORD, batch)


mcp = MCPServer[Any](
    "Retail",
    lifespan=lifespan,
    log_level="WARNING",
    subscriptions=False,
    token_verifier=Verifier(),
    auth=AuthSettings(issuer_url=AnyHttpUrl(_ISSUER), resource_server_url=None, required_scopes=[]),
)


@mcp.tool()
async def execute_sales_query(postgresql_query: str, max_rows: int = 50) -> list[dict[str, Any]]:
    """Run one read-only PostgreSQL SELECT over the retail data of your store."""
    caller = get_access_token()
    if caller is None or caller.subject is None:
        raise PermissionError("A token is required.")
    async with pool.connection() as connection:
        context = await connection.execute(_CONTEXT, [caller.subject])
        if context.rowcount != 1:
            raise PermissionError("You have no store.")
        await connection.execute(_TIMEOUT)
        cursor = await connection.execute(postgresql_query.encode())
        rows = await cursor.fetchmany(min(max_rows, _MAX_ROWS))
    _records.append((datetime.now(UTC), caller.subject, "execute_sales_query", len(rows)))
    return rows


if __name__ == "__main__":
    serve(mcp.streamable_http_app(json_response=True, stateless_http=True), int(sys.argv[1]))
