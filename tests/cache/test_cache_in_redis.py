"""Kept answers in a real Redis: shared by instances, and right whatever happens to it."""

import asyncio
from typing import cast

import psycopg
from redis.asyncio import Redis

from tests.cache.cached import Asking, asking
from tests.cache.redis_server import RedisServer
from tests.support.servers.database import Database
from tests.support.servers.seeded import result_cache
from zava.data.session.signed_context import ContextSigner
from zava.infrastructure.cache_backends import MemoryStore, RedisStore
from zava.model.core import Caller


async def test_instances_share_redis_and_a_change_holds_on_all_of_them(
    seeded_clone: Database,
    changing: psycopg.Connection,
    signer: ContextSigner,
    callers: dict[str, Caller],
    server: RedisServer,
) -> None:
    stores = [RedisStore(server.url, 300, MemoryStore(300)) for _ in range(2)]
    async with (
        asking(seeded_clone.server, signer, stores[0]) as one,
        asking(seeded_clone.server, signer, stores[1]) as other,
    ):
        first = await one(callers["seattle"])
        second = await other(callers["seattle"])
        assert (first.is_cached, second.is_cached) == (False, True)
        assert second.reading == first.reading
        changing.execute("DELETE FROM retail.order_items")
        changing.execute("DELETE FROM retail.orders")
        for ask in (one, other):
            assert (await ask(callers["seattle"])).reading.rows[0]["orders"] == 0
    for store in stores:
        await store.close()


async def test_bytes_of_others_are_ignored(
    database: Database, signer: ContextSigner, callers: dict[str, Caller], server: RedisServer
) -> None:
    store = RedisStore(server.url, 300, MemoryStore(300))
    async with asking(database.server, signer, store) as ask, Redis.from_url(server.url) as redis:
        expected = {name: (await ask(callers[name])).reading for name in ("seattle", "redmond")}
        keys = sorted(cast("list[bytes]", await redis.keys("*")))
        assert len(keys) == 2
        entries = [bytes(await redis.get(key) or b"") for key in keys]  # type: ignore[arg-type]  # redis types its answer as awaitable or not
        forged = entries[0][:32] + entries[0][32:].replace(b'"orders":', b'"orders":9')
        for planted in (
            [b"garbage", b"\x80\x04\x95pickle"],
            [b"x" * 32 + b'{"rows":[]}', b""],
            [entries[1], entries[0]],  # each other's, well made
            [forged, entries[1][:-1]],
            [b"\xff" * 5_000_000, b"{}"],
        ):
            for key, value in zip(keys, planted, strict=True):
                await redis.set(key, value)
            ignored = ask.cache.statistics.ignored
            for name, reading in expected.items():
                answer = await ask(callers[name])
                assert answer.reading == reading
                assert not answer.is_cached
            assert ask.cache.statistics.ignored > ignored
        # Another deployment's key does not open ours.
        stranger = Asking(ask.tenancy, result_cache(ask.tenancy, store, secret=b"t" * 32))
        assert not (await stranger(callers["seattle"])).is_cached
    await store.close()


async def test_answers_stay_right_while_redis_dies_dawdles_and_comes_back(
    database: Database, signer: ContextSigner, callers: dict[str, Caller], server: RedisServer
) -> None:
    now = 1000.0
    store = RedisStore(server.url, 300, MemoryStore(300, clock=lambda: now), clock=lambda: now)
    async with asking(database.server, signer, store) as ask:
        expected = {name: (await ask(callers[name])).reading for name in ("seattle", "eastside")}

        async def all_right() -> None:
            for _ in range(5):
                answers = await asyncio.gather(*(ask(callers[name]) for name in expected))
                assert [answer.reading for answer in answers] == list(expected.values())

        for happens in (server.stop, server.start, server.freeze, server.thaw):
            happens()
            await all_right()
            now += 6  # the pause is over: it is asked again
            await all_right()
        assert ask.cache.statistics.hits > 60
    await store.close()
