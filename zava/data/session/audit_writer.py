"""Write one record of each call, in the mode that the deployment sets.

`required`: the intent is sent in the call's own round trip and committed before the statement runs.
A call that cannot be recorded is not run. The outcome is written with the next call, or after a
second.
`best-effort`: outcomes are written in batches of at most 100 records or a second. A process that
is killed loses the batch being gathered and the batch being written. Calls wait for a moment, so
that no more than that gathers. Without a connection, a bounded number of records waits.
"""

import asyncio
import logging
import time
from collections import deque
from contextlib import suppress
from typing import Any

import orjson
import psycopg

from zava import call_context
from zava.data.session.isolation_check import CANARIES
from zava.data.session.pipeline import Pipeline
from zava.data.session.results import raise_error
from zava.errors import ZavaError
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller, CallRecord

logger = logging.getLogger(__name__)

BATCH_RECORDS = 100
BATCH_SECONDS = 1.0
MAX_WAITING = 1000
_MAKE_ROOM_SECONDS = 2.0
_WRITE_TIMEOUT_SECONDS = 10.0
_UNNAMED = "unnamed"

Entry = dict[str, Any]


class AuditWriter:
    """The records of one process that are not written yet, and what writes them."""

    def __init__(
        self, pool: DatabasePool, *, is_required: bool = False, use_prepared: bool = True
    ) -> None:
        self._pool = pool
        self._is_required = is_required
        self._use_prepared = use_prepared
        self._pending: deque[Entry] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._is_full = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._is_closing = False
        # By identity: what the database does not know of yet, for the budgets.
        self._unwritten: dict[bytes, tuple[int, float]] = {}
        self.dropped = 0
        """Records that could not be written: each loss is also an error in the log."""

    def intent(self, caller: Caller, record: CallRecord | None) -> list[Entry]:
        """Return what has to be committed before a statement of this call may run.

        Outcomes of earlier calls ride along. Nothing, unless every call has to be recorded.
        """
        if not self._is_required or caller in CANARIES:
            return []  # the canaries' reads are no calls
        if record is not None and record.is_recorded:
            return []
        return [*self._take(), _entry(record or CallRecord(caller, _UNNAMED), "intent")]

    def intended(
        self, record: CallRecord | None, entries: list[Entry], *, is_committed: bool
    ) -> None:
        """Record whether an intent was committed; outcomes that were not committed wait again."""
        if not entries:
            return
        if is_committed:
            self._forget(entries[:-1])
            if record is not None:
                record.is_recorded = True
        else:
            # Should they have been committed after all: the database keeps the first of two equal
            # records, and the budgets count these calls twice.
            self._pending.extendleft(reversed(entries[:-1]))

    def record(self, record: CallRecord) -> None:
        """Keep the outcome of a call until it is written."""
        entry = _entry(record, "outcome")
        self._pending.append(entry)
        self._count(record.caller.identity, entry, 1)
        if len(self._pending) >= BATCH_RECORDS:
            self._is_full.set()
            self._has_room.clear()
        if self._writer is None or self._writer.done():
            with call_context.use(None):  # it has more time than the call that starts it
                self._writer = asyncio.create_task(self._write())

    def unwritten(self, caller: Caller) -> tuple[int, float]:
        """Return the caller's calls, and their milliseconds, that the database has not counted."""
        return self._unwritten.get(caller.identity, (0, 0.0))

    async def wait_for_capacity(self) -> None:
        """Wait, for a moment, while a whole batch is gathered and another one is being written."""
        if self._has_room.is_set():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_MAKE_ROOM_SECONDS):
                await self._has_room.wait()

    async def close(self) -> None:
        """Write what is left, and count as lost what cannot be written now."""
        self._is_closing = True
        self._is_full.set()
        if self._writer is not None:
            await self._writer

    async def _write(self) -> None:
        while self._pending:
            with suppress(TimeoutError):
                async with asyncio.timeout(BATCH_SECONDS):
                    await self._is_full.wait()
            batch = self._take()
            self._has_room.set()
            if len(self._pending) < BATCH_RECORDS and not self._is_closing:
                self._is_full.clear()
            if batch:
                await self._send(batch)

    def _take(self) -> list[Entry]:
        count = min(len(self._pending), BATCH_RECORDS)
        return [self._pending.popleft() for _ in range(count)]

    def _forget(self, entries: list[Entry]) -> None:
        for entry in entries:
            self._count(entry["tenant_id"].bytes + entry["object_id"].bytes, entry, -1)

    def _count(self, identity: bytes, entry: Entry, sign: int) -> None:
        calls, milliseconds = self._unwritten.get(identity, (0, 0.0))
        if calls + sign:
            self._unwritten[identity] = (
                calls + sign,
                milliseconds + sign * entry["database_milliseconds"],
            )
        else:
            self._unwritten.pop(identity, None)

    async def _send(self, batch: list[Entry]) -> None:
        try:
            async with (
                asyncio.timeout(_WRITE_TIMEOUT_SECONDS),
                self._pool.connection() as connection,
            ):
                pipeline = Pipeline(connection, use_prepared=self._use_prepared)
                pipeline.add_record(orjson.dumps(batch))
                results = await pipeline.run()
                try:
                    for _, result in results:
                        raise_error(result)
                except psycopg.Error:
                    await connection.close()  # a failed transaction stands open on it
                    raise
        except (psycopg.OperationalError, ZavaError, TimeoutError) as error:
            if self._is_closing or len(self._pending) + len(batch) > MAX_WAITING:
                self._lose(batch, error)
            else:
                self._pending.extendleft(reversed(batch))
                self._is_full.clear()  # and try again after a second
        except psycopg.Error as error:
            self._lose(batch, error)
        else:
            self._forget(batch)

    def _lose(self, batch: list[Entry], error: Exception) -> None:
        self._forget(batch)
        self.dropped += len(batch)
        # By its kind alone: a driver's words may name hosts and users.
        logger.error(
            "audit: %d records lost: %s %s",
            len(batch),
            type(error).__name__,
            getattr(error, "sqlstate", ""),
        )


def _entry(record: CallRecord, phase: str) -> Entry:
    caller = record.caller
    entry: Entry = {
        "call_id": record.call_id,
        "phase": phase,
        "called_at": record.called_at,
        "tenant_id": caller.tenant_id,
        "object_id": caller.object_id,
        "client_id": caller.client_id,
        "client_name": record.client_name,
        "tool": record.tool,
        "fingerprint": record.fingerprint,
        "trace_id": record.trace_id,
    }
    if phase == "outcome":
        entry |= {
            "audience": record.audience and record.audience.name,
            "store_ids": record.store_ids,
            "row_count": record.row_count,
            "byte_count": record.byte_count,
            "duration_milliseconds": (time.monotonic() - record.started) * 1000,
            "database_milliseconds": record.database_seconds * 1000,
            "outcome": record.outcome,
            "correlation_id": record.correlation_id or record.call_id.hex,
        }
    return entry
