"""What the console reads and writes of its own: a person's kept questions, the operator's page.

Each is one function of the database, which verifies the signed call. The first one changes and
returns the person's own list. The second one answers the head office alone.
"""

import time
from collections.abc import Mapping
from typing import Any, LiteralString

import orjson
import psycopg

from zava import call_context
from zava.data.session.audit_writer import AuditWriter
from zava.data.session.signed_context import ContextSigner, SignedCall
from zava.data.session.sqlstate import BUDGET_SPENT, translate
from zava.data.usage.budgets import Budgets
from zava.errors import Busy, InvalidInput, NotPermitted, ZavaError
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller

# The texts that the entries sign, each with what is asked as its values.
_KEEPS, _OPERATES = "keep questions", "operator page"
_STEP = "SELECT zava.keep_questions(%s, %s, %s, %s, %s, %s, %s)"
_PAGE = "SELECT zava.operator_page(%s, %s, %s, %s, %s, %s, %s)"
# Of the budgets alone: no statement of the caller runs here that could work on.
_ADMIT = "SELECT zava.admit(%s, %s, %s, false, %s, %s, %s, %s, %s)"
_OUTSIDE = ("23", "22")  # the classes of SQLSTATE for a broken check and a wrong value


class ConsoleRecords:
    """Changes and reads them, each in one round trip, within the caller's quota and budgets."""

    def __init__(
        self, pool: DatabasePool, signer: ContextSigner, budgets: Budgets, trail: AuditWriter
    ) -> None:
        self._pool = pool
        self._signer = signer
        self._budgets = budgets
        self._trail = trail

    async def change(self, caller: Caller, change: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Do one thing with a person's list and return the list, newest first.

        Raises:
            InvalidInput: the address, the title or the action breaks its rule.
            ZavaError: the person has no access, or the database does not answer.
        """
        try:
            items: list[dict[str, Any]] = orjson.loads(
                await self._called(caller, "BEGIN READ WRITE", _STEP, _KEEPS, change)
            )
        except psycopg.Error as error:
            if (error.sqlstate or "").startswith(_OUTSIDE):
                raise InvalidInput(
                    "The question cannot be kept.",
                    hint="An address is one of the console, with at most 20,000 characters. "
                    "A title has 1 to 100.",
                ) from None
            raise self._translated(caller, error) from error
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
            text = await self._called(caller, "BEGIN READ ONLY", _PAGE, _OPERATES, asked)
        except psycopg.Error as error:
            raise self._translated(caller, error) from error
        if not text:
            raise NotPermitted(
                "Only the head office may read this page.", hint="Request it from the head office."
            )
        page: dict[str, Any] = orjson.loads(text)
        return page

    async def _called(
        self,
        caller: Caller,
        begin: LiteralString,
        function: LiteralString,
        entry: str,
        asked: Mapping[str, Any],
    ) -> str:
        quota = self._budgets.quota
        is_spare = await quota.acquire(caller.identity, is_heavy=False)
        try:
            async with self._pool.connection(is_spare=is_spare) as connection:
                # Signed when a connection is there: the signature ages while one waits.
                signed = self._signer.sign(caller, entry, orjson.dumps(asked).decode())
                since = time.monotonic()
                try:
                    # The login's transactions only read, unless they state otherwise.
                    async with connection.pipeline():
                        await connection.execute(begin)
                        if self._budgets.budget.is_limited:
                            await connection.execute(_ADMIT, self._admission(caller, signed.nonce))
                        cursor = await connection.execute(function, _values(signed))
                        await connection.execute("COMMIT")
                    row = await cursor.fetchone()
                except psycopg.Error:
                    await connection.close()  # a failed transaction stands open on it
                    raise
                finally:
                    record = call_context.record()
                    if record is not None:
                        record.database_seconds += time.monotonic() - since
        finally:
            quota.release(caller.identity)
        return str(row[0]) if row is not None and row[0] is not None else ""

    def _admission(self, caller: Caller, nonce: str) -> tuple[Any, ...]:
        budget = self._budgets.budget
        return (
            *(str(caller.tenant_id), str(caller.object_id), nonce, budget.calls_at_once),
            *(budget.calls_per_minute, budget.database_seconds_per_hour * 1000.0),
            *self._trail.unwritten(caller),
        )

    def _translated(self, caller: Caller, error: psycopg.Error) -> ZavaError:
        fault = translate(error)
        if error.sqlstate == BUDGET_SPENT and isinstance(fault, Busy):
            what = (error.diag.message_primary or "").partition(" ")[0]
            self._budgets.close_until(caller, what, fault.retry_after_seconds)
        return fault


def _values(signed: SignedCall) -> tuple[Any, ...]:
    return (
        *(signed.key_id, signed.tenant_id, signed.object_id, signed.expires),
        *(signed.nonce, signed.mac, signed.params),
    )
