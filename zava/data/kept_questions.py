"""The questions that a person keeps in the console: addresses, in the database, for all instances.

One function of the database verifies the signed call, does one thing with the person's own list and
returns the list. No row of another person can be read or named here.
"""

from collections.abc import Mapping
from typing import Any

import orjson
import psycopg

from zava.data.session.signed_context import ContextSigner
from zava.data.session.sqlstate import translate
from zava.errors import InvalidInput
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller

_SIGNED = "keep questions"  # the text that this entry signs, with the change as its values
_STEP = "SELECT zava.keep_questions(%s, %s, %s, %s, %s, %s, %s)"
_OUTSIDE = ("23", "22")  # the classes of SQLSTATE for a broken check and a wrong value


class KeptQuestions:
    """Changes and reads the list of one person, each in one round trip."""

    def __init__(self, pool: DatabasePool, signer: ContextSigner) -> None:
        self._pool = pool
        self._signer = signer

    async def change(self, caller: Caller, change: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Do one thing with a person's list and return the list, newest first.

        Raises:
            InvalidInput: the address, the title or the action breaks its rule.
            ZavaError: the person has no access, or the database does not answer.
        """
        signed = self._signer.sign(caller, _SIGNED, orjson.dumps(change).decode())
        values = (
            signed.key_id,
            signed.tenant_id,
            signed.object_id,
            signed.expires,
            signed.nonce,
            signed.mac,
            signed.params,
        )
        try:
            return await self._changed(values)
        except psycopg.Error as error:
            if (error.sqlstate or "").startswith(_OUTSIDE):
                raise InvalidInput(
                    "The question cannot be kept.",
                    hint="An address has at most 20,000 characters, a title 1 to 100.",
                ) from None
            raise translate(error) from error

    async def _changed(self, values: tuple[Any, ...]) -> list[dict[str, Any]]:
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
        items: list[dict[str, Any]] = orjson.loads(row[0] if row else "[]")
        return items
