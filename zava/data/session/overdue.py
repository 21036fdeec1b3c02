"""Watch statements whose backend still runs after their call has ended, and charge their time.

PostgreSQL looks for a cancellation between the steps of a plan, never inside one function call. So
a call may end, at its deadline or because its client left, while its backend still runs. Until that
backend is free, this process refuses new calls of its principal. After the deadline `zava.admit`
refuses them on every instance, even if the process that sent the statement has ended.
"""

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

import psycopg

from zava import call_context
from zava.data.session.audit_writer import AuditWriter
from zava.data.session.pipeline import Pipeline
from zava.data.session.results import read_working
from zava.data.usage.budgets import OVERDUE_SECONDS, spent
from zava.errors import ZavaError
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller, CallRecord

logger = logging.getLogger(__name__)

TOOL = "worked_after_its_end"
"""How the audit names the time that a statement took after its call."""

_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Statement:
    """A statement whose backend may work on; `since` is when its call ended."""

    caller: Caller
    record: CallRecord | None
    since: float


class Overdue:
    """The statements of this process that may work on; one task looks while there are any."""

    def __init__(
        self, pool: DatabasePool, trail: AuditWriter, *, use_prepared: bool = True
    ) -> None:
        self._pool = pool
        self._trail = trail
        self._use_prepared = use_prepared
        self._by_nonce: dict[str, _Statement] = {}
        self._seen_at = float("-inf")
        self._looking = asyncio.Lock()
        self._closing = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None

    @property
    def is_watching(self) -> bool:
        """Whether any statement is watched, of any caller."""
        return bool(self._by_nonce)

    def watch(self, caller: Caller, record: CallRecord | None, nonce: str) -> None:
        """Look after the statement of a call that has ended, until its backend is free."""
        self._by_nonce[nonce] = _Statement(caller, record, time.monotonic())
        self._seen_at = float("-inf")
        if self._watcher is None or self._watcher.done():
            with call_context.use(None):  # it outlives the call that starts it
                self._watcher = asyncio.create_task(self._watch())

    async def check(self, caller: Caller) -> None:
        """Let a caller pass who has no overdue statement.

        Raises:
            Busy: a statement of the caller still runs, or the database did not answer in time.
        """
        if not self._has(caller):
            return
        await self._look()
        if self._has(caller):
            raise spent("overdue", OVERDUE_SECONDS)

    async def close(self) -> None:
        """Charge what is known so far, and look no more."""
        self._closing.set()
        if self._watcher is not None:
            await self._watcher
            await self._trail.close()  # once more: what was charged just now

    def _has(self, caller: Caller) -> bool:
        # There are few: each costs its principal everything else.
        return any(each.caller.identity == caller.identity for each in self._by_nonce.values())

    async def _watch(self) -> None:
        while self._by_nonce and not self._closing.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._closing.wait()
            await self._look()
        for nonce in [*self._by_nonce]:
            self._end(nonce)

    async def _look(self) -> None:
        """Read which statements still run; at most once a second, once for concurrent callers."""
        async with self._looking:
            if time.monotonic() - self._seen_at < _LOOK_SECONDS:
                return
            nonces = [*self._by_nonce]
            # What cannot be asked now is asked again; its principal waits for the same database.
            with suppress(psycopg.Error, ZavaError, TimeoutError):
                try:
                    async with (
                        asyncio.timeout(_LOOK_SECONDS),
                        self._pool.connection(is_spare=True) as connection,
                    ):
                        pipeline = Pipeline(connection, use_prepared=self._use_prepared)
                        pipeline.add_working(nonces)
                        working = read_working(await pipeline.run())
                finally:
                    self._seen_at = time.monotonic()
                for nonce in nonces:
                    if nonce not in working:
                        self._end(nonce)

    def _end(self, nonce: str) -> None:
        statement = self._by_nonce.pop(nonce)
        seconds = time.monotonic() - statement.since
        record = statement.record
        logger.warning(
            "a statement worked on after its call: fingerprint=%s seconds=%.1f",
            record.fingerprint if record is not None else None,
            seconds,
        )
        if record is None:
            return
        after = replace(
            record,
            tool=TOOL,
            call_id=uuid4(),
            called_at=datetime.now(UTC),
            started=statement.since,
            row_count=0,
            byte_count=0,
            database_seconds=seconds,
            outcome="QUERY_TIMEOUT",
        )
        self._trail.record(after)
