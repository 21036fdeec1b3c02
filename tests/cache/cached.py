"""A cache as the metric tools ask it, over a tenant database that counts what runs."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tests.support.servers.seeded import result_cache
from zava.data.metrics.result_cache import KeptReading, ResultCache
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import ScopedRows, TenantDatabase
from zava.infrastructure.cache_backends import ByteStore
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.retail.declaration import RETAIL

SQL = "SELECT count(*) AS orders, sum(total_amount) AS revenue FROM retail.orders"


class CountingTenancy(TenantDatabase):
    """Counts statements on tenant data, and lets a test stand before each."""

    statements = 0
    before: Callable[[Caller], Any] | None = None

    async def read_hashed(
        self, caller: Caller, sql: str, params: Mapping[str, Any] | None = None
    ) -> tuple[ScopedRows, str]:
        self.statements += 1
        if self.before is not None:
            await self.before(caller)
        return await super().read_hashed(caller, sql, params)


class Asking:
    """A cache over a tenancy, asked as the metric tools ask it."""

    def __init__(self, tenancy: CountingTenancy, cache: ResultCache) -> None:
        self.tenancy = tenancy
        self.cache = cache

    async def __call__(self, caller: Caller, sql: str = SQL) -> KeptReading:
        return await self.cache.read(
            caller, await self.tenancy.effective_access(caller), sql, {"a": 1}
        )


@asynccontextmanager
async def asking(
    conninfo: str, signer: ContextSigner, store: ByteStore, **options: Any
) -> AsyncIterator[Asking]:
    pool = DatabasePool(conninfo, max_size=3, max_waiting=256)
    tenancy = CountingTenancy(pool, signer, IsolationCheck(pool, signer, RETAIL))
    try:
        yield Asking(tenancy, result_cache(tenancy, store, **options))
    finally:
        await pool.close()
