"""Which codes and refresh tokens were used, in the database, for all instances.

The one function that this login may execute takes a step and returns whether it was allowed. No
row of the table can be read here.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from zava.errors import Busy
from zava.infrastructure.postgres.pool import DatabasePool

_STEP = "SELECT zava.sign_in(%s, %s, %s, %s, %s, %s, %s, %s)"


class SignInLedger:
    """Takes the steps of sign-ins, each in one round trip."""

    def __init__(self, pool: DatabasePool, *, seconds: int) -> None:
        self._pool = pool
        self._seconds = seconds

    async def begin(
        self, sign_in: UUID, following: str, tenant_id: UUID, object_id: UUID, client: str
    ) -> bool:
        """Redeem a code; return False, and end the sign-in, where it was redeemed before.

        `following` is the id of the refresh token whose turn it then is.

        Raises:
            Busy: the database does not answer.
        """
        return await self._take(
            "begin", sign_in, None, following, tenant_id, object_id, client, self._seconds
        )

    async def turn(self, sign_in: UUID, given: str, following: str) -> bool:
        """Use a refresh token; return False, and end the sign-in, where it is not the next one.

        Raises:
            Busy: the database does not answer.
        """
        return await self._take("turn", sign_in, given, following, None, None, None, None)

    async def _take(self, *values: Any) -> bool:
        # A step that was sent is taken to its end, though its client leaves: one that is cut costs
        # the connection, and whether it was taken would be left open.
        step = asyncio.create_task(self._taken(values))
        step.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(step)

    async def _taken(self, values: Sequence[Any]) -> bool:
        try:
            async with self._pool.connection() as connection:
                try:
                    # The login's transactions only read, unless they state otherwise.
                    async with connection.pipeline():
                        await connection.execute("BEGIN READ WRITE")
                        cursor = await connection.execute(_STEP, values)
                        await connection.execute("COMMIT")
                    row = await cursor.fetchone()
                except psycopg.Error:
                    await connection.close()  # a failed transaction stands open on it
                    raise
        except psycopg.OperationalError:
            # Not repeated: a step that was taken must not be taken for a second use.
            raise Busy(
                "The database does not answer at present.", hint="Try again in a few seconds."
            ) from None
        return row == (True,)
