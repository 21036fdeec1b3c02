"""Vectors of questions: remembered within bounds, asked for once, waited for only so long."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from tests.embedders.stand_in import StandIn
from zava.errors import EmbeddingsUnavailable
from zava.infrastructure.embeddings import query_cache
from zava.infrastructure.embeddings.embedder import Vector, vector_text
from zava.infrastructure.embeddings.query_cache import QueryVectors
from zava.infrastructure.telemetry.aggregator import InstrumentAggregator
from zava.model.core import Caller
from zava.telemetry import sinks
from zava.telemetry.instruments import CacheType

CALLER = Caller(UUID(int=1), UUID(int=2))
COLLEAGUE = Caller(UUID(int=1), UUID(int=3))
NAMESAKE = Caller(UUID(int=2), UUID(int=2))


class Held(StandIn):
    """A model that answers when it is let go."""

    def __init__(self, name: str = "stand-in") -> None:
        super().__init__(name)
        self.go = asyncio.Event()

    async def embed(self, texts: Sequence[str], *, within_seconds: float) -> list[Vector]:
        vectors = await super().embed(texts, within_seconds=within_seconds)
        await self.go.wait()
        return vectors


async def test_same_text_is_asked_for_once_by_each_model() -> None:
    first, second = StandIn("first"), StandIn("second", 16)
    vectors = QueryVectors([first, second])
    told = [await vectors.vector(CALLER, "first", "hammer") for _ in range(3)]
    assert told == [vector_text((await first.embed(["hammer"], within_seconds=1))[0])] * 3
    assert (await vectors.vector(CALLER, "second", "hammer")) != told[0]
    assert first.embedded == ["hammer", "hammer"]
    assert second.embedded == ["hammer"]
    assert vectors.models == ("first", "second")


async def test_no_caller_meets_what_another_one_asked() -> None:
    embedder = Held()
    vectors = QueryVectors([embedder])
    callers = [CALLER, COLLEAGUE, NAMESAKE]
    # At the same time, and later from memory.
    asking = [
        asyncio.create_task(vectors.vector(caller, "stand-in", "hammer")) for caller in callers
    ]
    while len(embedder.embedded) < len(callers):
        await asyncio.wait(asking, timeout=0.001)
    embedder.go.set()
    assert len(set(await asyncio.gather(*asking))) == 1
    for caller in callers:
        await vectors.vector(caller, "stand-in", "hammer")
    assert embedder.embedded == ["hammer"] * len(callers)


@pytest.mark.requirement("S121")
async def test_hits_and_misses_are_told() -> None:
    metrics = InstrumentAggregator()
    sinks.attach(metrics)
    vectors = QueryVectors([StandIn("first")])
    await asyncio.gather(*(vectors.vector(CALLER, "first", "hammer") for _ in range(3)))
    for text in ("hammer", "nail"):
        await vectors.vector(CALLER, "first", text)
    sinks.detach(metrics)
    told = [metrics.counter(name, CacheType.EMBEDDING) for name in ("cache_hit", "cache_miss")]
    assert told == [3, 2]


async def test_those_who_ask_at_once_share_one_request_though_the_first_leaves() -> None:
    embedder = Held()
    vectors = QueryVectors([embedder])
    asking = [asyncio.create_task(vectors.vector(CALLER, "stand-in", "hammer")) for _ in range(20)]
    while not embedder.embedded:
        await asyncio.wait(asking, timeout=0.001)
    asking[0].cancel()
    embedder.go.set()
    told = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(told[0], asyncio.CancelledError)
    assert len(set(told[1:])) == 1
    assert embedder.embedded == ["hammer"]


async def test_failure_is_told_to_all_and_not_remembered() -> None:
    bad_days = [True]

    def fail_once() -> None:
        if bad_days:
            raise EmbeddingsUnavailable("away")

    vectors = QueryVectors([StandIn(before=fail_once)])
    told = await asyncio.gather(
        *(vectors.vector(CALLER, "stand-in", "hammer") for _ in range(3)), return_exceptions=True
    )
    assert [type(error) for error in told] == [EmbeddingsUnavailable] * 3
    bad_days.clear()
    assert await vectors.vector(CALLER, "stand-in", "hammer")


async def test_refused_text_is_unavailable_by_meaning() -> None:
    with pytest.raises(EmbeddingsUnavailable, match="refuses"):
        await QueryVectors([StandIn()]).vector(CALLER, "stand-in", "unspeakable")


async def test_slow_model_is_not_waited_for_and_its_answer_serves_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr(query_cache, "_QUESTION_SECONDS", 0.05)
    embedder = Held()
    vectors = QueryVectors([embedder])
    with pytest.raises(EmbeddingsUnavailable, match="in time"):
        await vectors.vector(CALLER, "stand-in", "hammer")
    embedder.go.set()
    assert await vectors.vector(CALLER, "stand-in", "hammer")
    assert embedder.embedded == ["hammer"]


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    # No setting changes this bound, and a test cannot fill it.
    monkeypatch.setattr(query_cache, "_MAX_REMEMBERED", 10)
    embedder = StandIn()
    vectors = QueryVectors([embedder])
    for number in range(100):
        await vectors.vector(CALLER, "stand-in", f"hammer {number}")
    # That memory is bounded shows here alone.
    assert len(vectors._remembered) == 10
    await vectors.vector(CALLER, "stand-in", "hammer 99")
    assert len(embedder.embedded) == 100


async def test_close_drops_what_is_under_way() -> None:
    embedder = Held()
    vectors = QueryVectors([embedder])
    asking = asyncio.create_task(vectors.vector(CALLER, "stand-in", "hammer"))
    while not embedder.embedded:
        await asyncio.wait({asking}, timeout=0.001)
    await vectors.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
