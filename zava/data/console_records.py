"""What the console reads and writes of its own: a person's kept questions, the operator's page.

Each is one function of the database, which verifies the signed call. The first one changes and
returns the person's own list. The second one answers the head office alone.
"""

from collections.abc import Mapping
from typing import Any, LiteralString

import orjson
import psycopg

from zava.data.session.signed_context import ContextSigner
from zava.data.session.sqlstate import translate
from zava.errors import InvalidInput, NotPermitted
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller

# The texts that the entries sign, each with what is asked as its values.
_KEEPS, _OPERATES = "keep questions", "operator page"
_STEP = "SELECT zava.keep_questions(%s, %s, %s, %s, %s, %s, %s)"
_PAGE = "SELECT zava.operator_page(%s, %s, %s, %s, %s, %s, %s)"
_OUTSIDE = ("23", "22")  # the classes of SQLSTATE for a broken check and a wrong value


class ConsoleRecords:
    """Changes and reads them, each in one round trip."""

    def __init__(self, pool: DatabasePool, signer: ContextSigner) -> None:
        self._pool = pool
        self._signer = signer

    async def change(self, caller: Caller, change: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Do one thing with a person's list and return the list, newest first.

        Raises:
            InvalidInput: the address, the title or the action breaks its rule.
            ZavaError: the person has no access, or the database does not answer.
        """
        try:
            items: list[dict[str, Any]] = orjson.loads(
                await self._called("BEGIN READ WRITE", _STEP, self._signed(caller, _KEEPS, change))
            )
        except psycopg.Error as error:
            if (error.sqlstate or "").startswith(_OUTSIDE):
                raise InvalidInput(
                    "The question cannot be kept.",
                    hint="An address has at most 20,000 characters, a title 1 to 100.",
                ) from None
            raise translate(error) from error
        return items

    async def operator_page(self, caller: Caller, *, hours: int, outcome: str) -> dict[str, Any]:
        """Read the calls of the last hours, everyone's budgets and the grants.

        `outcome` selects the calls: all, those that are not OK, or those of one code.

        Raises:
            NotPermitted: the caller is of another audience.
            ZavaError: the caller has no access, or the database does not answer.
        """
        asked = {"hours": hours, "outcome": outcome}
        try:
            text = await self._called(
                "BEGIN READ ONLY", _PAGE, self._signed(caller, _OPERATES, asked)
            )
        except psycopg.Error as error:
            raise translate(error) from error
        if not text:
            raise NotPermitted(
                "Only the head office may read this page.", hint="Request it from the head office."
            )
        page: dict[str, Any] = orjson.loads(text)
        return page

    def _signed(self, caller: Caller, entry: str, asked: Mapping[str, Any]) -> tuple[Any, ...]:
        signed = self._signer.sign(caller, entry, orjson.dumps(asked).decode())
        return (
            signed.key_id,
            signed.tenant_id,
            signed.object_id,
            signed.expires,
            signed.nonce,
            signed.mac,
            signed.params,
        )

    async def _called(self, begin: LiteralString, entry: LiteralString, values: Any) -> str:
        async with self._pool.connection() as connection:
            try:
                # The login's transactions only read, unless they state otherwise.
                async with connection.pipeline():
                    await connection.execute(begin)
                    cursor = await connection.execute(entry, values)
                    await connection.execute("COMMIT")
                row = await cursor.fetchone()
            except psycopg.Error:
                await connection.close()  # a failed transaction stands open on it
                raise
        return str(row[0]) if row is not None and row[0] is not None else ""
