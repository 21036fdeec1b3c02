"""Answer a statement of ours from memory, when nothing that it depends on has changed.

The caller passes the entry first, in each call. It returns audience, scope and version of the data.
The key consists of these, the statement, its values and the version of the code. So a revocation
and a change of data take effect at the next call on every instance, without any invalidation.
"""

import asyncio
import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson

from zava import call_context
from zava.data.session.results import EffectiveAccess
from zava.data.session.tenant_database import ScopedRows, TenantDatabase
from zava.errors import AccessDenied, Busy, QueryTimeout
from zava.infrastructure.cache_backends import ByteStore
from zava.model.core import Caller, CallRecord, Scope
from zava.telemetry import events
from zava.telemetry.instruments import CacheType

logger = logging.getLogger(__name__)

_MAC_BYTES = 32


@dataclass(frozen=True, slots=True)
class KeptReading:
    """A reading and when it was read; `is_cached` when it was kept from an earlier call."""

    reading: ScopedRows
    scope_hash: str
    as_of: datetime
    is_cached: bool = False


@dataclass(slots=True)
class CacheStatistics:
    """How often an answer was kept, computed, or shared with a call that ran just then."""

    hits: int = 0
    misses: int = 0
    joined: int = 0
    ignored: int = 0

    @property
    def hit_ratio(self) -> float:
        """Return the share of calls that ran no statement on tenant data, 0 to 1."""
        calls = self.hits + self.misses + self.joined
        return (self.hits + self.joined) / calls if calls else 0.0


@dataclass(slots=True)
class _Running:
    """A statement that calls wait for; `starter` is the record that its time is charged to."""

    task: asyncio.Task[KeptReading]
    starter: CallRecord | None
    seconds_before: float
    waiting: int = 0
    is_left: bool = False

    def leave(self, record: CallRecord | None) -> None:
        """Note that a call no longer waits: the record of one that has left is written already."""
        self.is_left = self.is_left or record is self.starter

    def charge(self, record: CallRecord | None) -> None:
        """Charge the statement's time to a call that waited, if the call that started it left.

        Otherwise two calls, of which the first is cancelled, would read without a charge.
        """
        if record is None or self.starter is None or record is self.starter:
            return
        if self.is_left and self.task.done():
            self.is_left = False
            record.database_seconds += self.starter.database_seconds - self.seconds_before


class ResultCache:
    """Keeps readings for a lifetime; `ttl_seconds` 0 keeps none.

    A caller may see an entry that was read under the same audience and scope. The database has to
    return these in the same call first. An entry is authenticated with `secret`, so bytes that
    another program put under its key are ignored.
    """

    def __init__(
        self,
        tenancy: TenantDatabase,
        store: ByteStore,
        *,
        ttl_seconds: int,
        secret: bytes,
        code_version: str,
    ) -> None:
        self.statistics = CacheStatistics()
        self._tenancy = tenancy
        self._store = store
        self._is_on = ttl_seconds > 0
        self._keyed = hmac.new(secret, digestmod=sha256)
        self._code_version = code_version
        # Seen by the callers that wait in it: all of the scope that its key names.
        self._running: dict[str, _Running] = {}

    async def read(
        self, caller: Caller, access: EffectiveAccess, sql: str, params: Mapping[str, Any]
    ) -> KeptReading:
        """Return the statement's rows, from memory or from the database.

        `access` is what the database returned for this caller in this call. Errors are never kept.

        Raises:
            ZavaError: the statement could not be run, or the caller has no access any more.
        """
        if not self._is_on:
            return await self._read(caller, sql, params)
        key = cache_key(self._code_version, access, sql, params)
        kept = self._read_entry(key, await self._store.get(key))
        if kept is not None:
            self.statistics.hits += 1
            events.cache_hit(CacheType.QUERY)
            return kept
        running = self._running.get(key)
        if running is None:
            self.statistics.misses += 1
            events.cache_miss(CacheType.QUERY)
            return await self._wait(key, self._start(key, caller, access, sql, params))
        self.statistics.joined += 1
        events.cache_hit(CacheType.QUERY)
        try:
            shared = await self._wait(key, running)
        except (AccessDenied, Busy, QueryTimeout):
            # The access, budget and deadline were those of the caller who ran it.
            return await self._read(caller, sql, params)
        if shared.scope_hash != access.scope_hash:  # that caller's scope changed meanwhile
            return await self._read(caller, sql, params)
        return shared

    async def close(self) -> None:
        """Let go of the store."""
        await self._store.close()

    def _start(
        self, key: str, caller: Caller, access: EffectiveAccess, sql: str, params: Mapping[str, Any]
    ) -> _Running:
        record = call_context.record()
        running = _Running(
            asyncio.create_task(self._compute(key, caller, access, sql, params)),
            record,
            0.0 if record is None else record.database_seconds,
        )
        self._running[key] = running
        running.task.add_done_callback(lambda _: self._forget(key, running))
        return running

    async def _wait(self, key: str, running: _Running) -> KeptReading:
        record = call_context.record()
        running.waiting += 1
        try:
            # One that leaves must not end what others wait for.
            return await asyncio.shield(running.task)
        except asyncio.CancelledError:
            if running.waiting == 1:  # the last one: the statement is cancelled, too
                self._forget(key, running)
                running.task.cancel()
                await asyncio.wait([running.task])  # then its time is in the record
            else:
                running.leave(record)
            raise
        finally:
            running.waiting -= 1
            running.charge(record)

    def _forget(self, key: str, running: _Running) -> None:
        if self._running.get(key) is running:
            del self._running[key]

    async def _compute(
        self, key: str, caller: Caller, access: EffectiveAccess, sql: str, params: Mapping[str, Any]
    ) -> KeptReading:
        kept = await self._read(caller, sql, params)
        if kept.scope_hash == access.scope_hash:  # else it belongs under another key
            await self._store.put(key, self._entry(key, kept))
        return kept

    async def _read(self, caller: Caller, sql: str, params: Mapping[str, Any]) -> KeptReading:
        reading, scope_hash = await self._tenancy.read_hashed(caller, sql, params)
        return KeptReading(reading, scope_hash, datetime.now(UTC))

    def _entry(self, key: str, kept: KeptReading) -> bytes:
        reading = kept.reading
        body = orjson.dumps(
            {
                "rows": reading.rows,
                "audience": reading.scope.audience.name,
                "stores": reading.scope.stores,
                "store_count": reading.scope.store_count,
                "reads_personal": reading.scope.reads_personal,
                "zones": reading.scope.zones,
                "currencies": reading.scope.currencies,
                "scope_hash": kept.scope_hash,
                "as_of": kept.as_of.isoformat(),
            }
        )
        return self._mac(key, body) + body

    def _read_entry(self, key: str, entry: bytes | None) -> KeptReading | None:
        if entry is None:
            return None
        body = entry[_MAC_BYTES:]
        if not hmac.compare_digest(self._mac(key, body), entry[:_MAC_BYTES]):
            self.statistics.ignored += 1
            logger.warning("cache entry ignored: not one of ours")
            return None
        entry_values = orjson.loads(body)
        scope = Scope(
            self._tenancy.domain.audiences.named(entry_values["audience"]),
            tuple(entry_values["stores"]),
            entry_values["store_count"],
            entry_values["reads_personal"],
            zones=tuple(entry_values["zones"]),
            currencies=tuple(entry_values["currencies"]),
        )
        return KeptReading(
            ScopedRows(entry_values["rows"], scope),
            entry_values["scope_hash"],
            datetime.fromisoformat(entry_values["as_of"]),
            is_cached=True,
        )

    def _mac(self, key: str, body: bytes) -> bytes:
        mac = self._keyed.copy()
        mac.update(key.encode() + body)  # a key has one length
        return mac.digest()


def cache_key(
    code_version: str, access: EffectiveAccess, sql: str, params: Mapping[str, Any]
) -> str:
    """Return the key of an answer: each part with its length before it, so that none runs over.

    Two calls share a key only when every part is the same.
    """
    parts = [
        code_version.encode(),
        access.role.name.encode(),
        access.scope_hash.encode(),
        access.data_version.encode(),
        sql.encode(),
        orjson.dumps(params, option=orjson.OPT_SORT_KEYS),
    ]
    digest = sha256()
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return f"zava:result:{digest.hexdigest()}"
