"""The day and the size of the demo data in the tests' database, and a cache over it."""

from datetime import date

from zava.data.metrics.result_cache import ResultCache
from zava.data.session.tenant_database import TenantDatabase
from zava.infrastructure.cache_backends import ByteStore

TODAY = date(2026, 6, 30)
SCALE = 0.02


def result_cache(
    tenancy: TenantDatabase, store: ByteStore, *, ttl_seconds: int = 300, secret: bytes = b"s" * 32
) -> ResultCache:
    return ResultCache(tenancy, store, ttl_seconds=ttl_seconds, secret=secret, code_version="tests")
