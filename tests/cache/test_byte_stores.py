"""Where answers are kept: bounded memory, and a real Redis that may die, dawdle or hold garbage."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from tests.cache.redis_server import RedisServer
from zava.infrastructure.cache_backends import MAX_ENTRY_BYTES, MemoryStore, RedisStore


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> MemoryStore:
    return MemoryStore(300, clock=clock)


@pytest.fixture
async def store(
    server: RedisServer, memory: MemoryStore, clock: Clock
) -> AsyncIterator[RedisStore]:
    store = RedisStore(server.url, 300, memory, clock=clock)
    yield store
    await store.close()


@pytest.mark.slow
@pytest.mark.requirement("S117")
async def test_memory_is_bounded_whatever_is_put(clock: Clock) -> None:
    memory = MemoryStore(300, max_bytes=100_000, clock=clock)
    for number in range(100_000):
        await memory.put(f"key {number}", b"x" * (number % 900))
        assert memory.size_bytes <= 100_000
    assert await memory.get("key 99999") is not None
    assert await memory.get("key 0") is None


@pytest.mark.requirement("S117")
async def test_memory_serves_nothing_that_expired_and_nothing_larger_than_itself(
    clock: Clock,
) -> None:
    memory = MemoryStore(300, max_bytes=10_000, clock=clock)
    await memory.put("a", b"1")
    clock.now += 299
    assert await memory.get("a") == b"1"
    clock.now += 2
    assert await memory.get("a") is None
    await memory.put("b", b"x" * 10_000)
    assert await memory.get("b") is None


async def test_memory_forgets_what_was_not_read_longest(clock: Clock) -> None:
    memory = MemoryStore(300, max_bytes=3 * 612, clock=clock)
    for key in "abc":
        await memory.put(key, b"x" * 100)
    await memory.get("a")
    await memory.put("d", b"x" * 100)
    assert await memory.get("a") is not None
    assert await memory.get("b") is None


@pytest.mark.requirement("S116")
async def test_redis_keeps_what_was_put_for_its_lifetime(
    store: RedisStore, server: RedisServer, memory: MemoryStore
) -> None:
    await store.put("key", b"\x00value")
    assert await store.get("key") == b"\x00value"
    assert await store.get("another") is None
    assert memory.size_bytes == 0
    async with Redis.from_url(server.url) as redis:
        assert 290 < await redis.ttl("key") <= 300


@pytest.mark.requirement("S120")
async def test_redis_that_died_is_replaced_by_memory_and_found_again(
    store: RedisStore, server: RedisServer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    await store.put("before", b"1")
    server.stop()
    for number in range(5):
        await store.put(f"during {number}", b"2")
        assert await store.get(f"during {number}") == b"2"
    # One outage, one line: for some seconds nobody asks it again.
    assert [r.levelname for r in caplog.records if "cache unavailable" in r.getMessage()] == [
        "WARNING"
    ]
    assert server.url not in caplog.text
    server.start()
    assert await store.get("before") is None
    clock.now += 6
    await store.put("after", b"3")
    assert await store.get("after") == b"3"
    async with Redis.from_url(server.url) as redis:
        assert await redis.get("after") == b"3"
        assert await redis.get("during 1") is None


@pytest.mark.requirement("S116")
async def test_redis_that_restarts_between_two_calls_costs_nothing(
    store: RedisStore, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    await store.put("key", b"1")
    server.stop()
    server.start()
    await store.put("key", b"2")  # over a connection of before the restart
    assert await store.get("key") == b"2"
    assert "cache unavailable" not in caplog.text


async def test_redis_that_dawdles_is_waited_for_once(
    store: RedisStore, server: RedisServer, clock: Clock
) -> None:
    await store.put("key", b"1")
    server.freeze()
    loop = asyncio.get_running_loop()
    try:
        began = loop.time()
        assert await store.get("key") is None
        waited = loop.time() - began
        began = loop.time()
        for number in range(100):
            await store.put(f"key {number}", b"2")
        assert await store.get("key 99") == b"2"
        assert loop.time() - began < waited
    finally:
        server.thaw()
    assert 0.2 < waited < 5  # the bound, and room for a busy machine
    clock.now += 6
    assert await store.get("key") == b"1"


async def test_key_of_another_type_and_an_endless_value_are_not_read(
    store: RedisStore, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with Redis.from_url(server.url) as redis:
        await redis.lpush("list", "x")
        await redis.set("huge", b"x" * (MAX_ENTRY_BYTES * 3))
    assert await store.get("list") is None
    read = await store.get("huge")
    assert read is not None
    assert len(read) <= MAX_ENTRY_BYTES + 1
    assert "cache unavailable" not in caplog.text  # it lives
    await store.put("too large", b"x" * (MAX_ENTRY_BYTES + 1))
    assert await store.get("too large") is None


async def test_many_at_once_share_few_connections(store: RedisStore, server: RedisServer) -> None:
    await store.put("key", b"1")
    answers = await asyncio.gather(*(store.get("key") for _ in range(200)))
    assert set(answers) <= {b"1", None}  # on a busy machine some give up waiting: a miss
    async with Redis.from_url(server.url) as redis:
        assert len(await redis.client_list()) <= 9


async def test_closing_twice_is_closing(store: RedisStore) -> None:
    await store.put("key", b"1")
    await store.close()
    await store.close()
