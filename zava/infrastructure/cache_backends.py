"""Where bytes are kept for a while: Redis when there is one, else this process's own memory."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from cachetools import TTLCache

if TYPE_CHECKING:
    from redis.asyncio import Redis

logger = logging.getLogger(__name__)

MAX_MEMORY_BYTES = 32 * 1024 * 1024
MAX_ENTRY_BYTES = 2 * 1024 * 1024
_ENTRY_OVERHEAD_BYTES = 512  # the key and what a dictionary spends on it
# A cache that is slower than this saves nothing; the statement is asked instead.
_PATIENCE_SECONDS = 0.25
_PAUSE_SECONDS = 5.0
_MAX_CONNECTIONS = 8


class ByteStore(Protocol):
    """Keeps bytes under a key for at most its lifetime; any caller with the key may read them."""

    async def get(self, key: str) -> bytes | None:
        """Return what was put, or nothing; never raises for want of a store."""

    async def put(self, key: str, value: bytes) -> None:
        """Keep the value, or not; never raises for want of a store."""

    async def close(self) -> None:
        """Let go of what was opened."""


class MemoryStore:
    """This process's own, bounded in bytes: the least recently used goes first, the old go by."""

    def __init__(
        self,
        ttl_seconds: float,
        *,
        max_bytes: int = MAX_MEMORY_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._entries: TTLCache[str, bytes] = TTLCache(
            max_bytes, ttl_seconds, timer=clock, getsizeof=_cost
        )

    @property
    def size_bytes(self) -> int:
        """Return what is kept, in bytes."""
        return int(self._entries.currsize)

    async def get(self, key: str) -> bytes | None:
        """Return what was put less than a lifetime ago."""
        return self._entries.get(key)

    async def put(self, key: str, value: bytes) -> None:
        """Keep the value, unless it alone would fill the store."""
        if _cost(value) <= self._entries.maxsize:
            self._entries[key] = value

    async def close(self) -> None:
        """Forget everything."""
        self._entries.clear()


class RedisStore:
    """A Redis that all instances share; while it fails or dawdles, `fallback` serves.

    After a failure it is left alone for a few seconds, so that its slowness is paid once and not
    by every call.
    """

    def __init__(
        self,
        url: str,
        ttl_seconds: int,
        fallback: ByteStore,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._ttl_seconds = ttl_seconds
        self._fallback = fallback
        self._clock = clock
        self._client: Redis | None = None
        self._paused_until = -1.0

    async def get(self, key: str) -> bytes | None:
        """Return what was put, at most as many bytes as an entry may have."""
        if self._is_paused():
            return await self._fallback.get(key)
        # A range, because a foreign value may be of any size.
        value = await self._tried(lambda redis: redis.getrange(key, 0, MAX_ENTRY_BYTES))
        return value or await self._fallback.get(key)

    async def put(self, key: str, value: bytes) -> None:
        """Keep the value in Redis, or in the fallback while Redis is away."""
        if len(value) > MAX_ENTRY_BYTES:
            return
        if not self._is_paused() and await self._tried(
            lambda redis: redis.set(key, value, ex=self._ttl_seconds)
        ):
            return
        await self._fallback.put(key, value)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()
        await self._fallback.close()

    def _is_paused(self) -> bool:
        return self._clock() < self._paused_until

    async def _tried(self, command: "Callable[[Redis], Any]") -> Any:
        from redis.exceptions import RedisError, ResponseError

        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await command(self._opened())
        except ResponseError as error:  # it lives: a key of another type, or no room
            logger.info("cache refused: %s", type(error).__name__)
        except (RedisError, OSError, TimeoutError) as error:
            # By its kind alone: the words may name hosts and users.
            logger.warning("cache unavailable: %s", type(error).__name__)
            self._paused_until = self._clock() + _PAUSE_SECONDS
        return None

    def _opened(self) -> "Redis":
        if self._client is None:
            # At first need: a start without Redis does not load its client.
            from redis.asyncio import BlockingConnectionPool, Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff

            settings: dict[str, Any] = {
                "max_connections": _MAX_CONNECTIONS,
                "timeout": _PATIENCE_SECONDS,
                "socket_timeout": _PATIENCE_SECONDS,
                "socket_connect_timeout": _PATIENCE_SECONDS,
                # Once: a connection of before a restart is dead, the next is not.
                "retry": Retry(NoBackoff(), 1),
            }
            self._client = Redis.from_pool(BlockingConnectionPool.from_url(self._url, **settings))
        return self._client


def _cost(value: bytes) -> int:
    return len(value) + _ENTRY_OVERHEAD_BYTES
