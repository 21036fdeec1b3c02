"""The vectors of questions: remembered, requested once, and awaited for a bounded time."""

import asyncio
from collections.abc import Sequence

from cachetools import LRUCache

from zava.errors import EmbeddingsUnavailable
from zava.infrastructure.embeddings.embedder import Embedder, TextRefused, vector_text
from zava.model.core import Caller
from zava.telemetry import events
from zava.telemetry.instruments import CacheType

_MAX_REMEMBERED = 1024  # of 1,536 dimensions about 20 kB each
_QUESTION_SECONDS = 2.0
_MODEL_SECONDS = 10.0  # the model may end what nobody waits for any more: the next one finds it

_Key = tuple[bytes, str, str]


class QueryVectors:
    """Embeds questions with the requested one of its models."""

    def __init__(self, embedders: Sequence[Embedder]) -> None:
        self._embedders = {embedder.model.name: embedder for embedder in embedders}
        # By person, model and text: an answer that comes sooner reveals that the text was asked
        # before, so only the same person may meet what a question left behind.
        self._remembered: LRUCache[_Key, str] = LRUCache(_MAX_REMEMBERED)
        self._under_way: dict[_Key, asyncio.Task[str]] = {}

    @property
    def models(self) -> tuple[str, ...]:
        """Return the names of the known models."""
        return tuple(self._embedders)

    async def vector(self, caller: Caller, model: str, text: str) -> str:
        """Return the vector of a text in pgvector's form.

        Requests of one person for the same text at the same time share one request to the model.

        Raises:
            EmbeddingsUnavailable: the model does not answer in time, or refuses the text.
        """
        key = (caller.identity, model, text)
        if (known := self._remembered.get(key)) is not None:
            events.cache_hit(CacheType.EMBEDDING)
            return known
        task = self._under_way.get(key)
        if task is not None:
            events.cache_hit(CacheType.EMBEDDING)
        else:
            events.cache_miss(CacheType.EMBEDDING)
            task = asyncio.create_task(self._embed(key))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        try:
            async with asyncio.timeout(_QUESTION_SECONDS):
                # One who leaves or gives up takes nothing from the others.
                return await asyncio.shield(task)
        except TimeoutError as error:
            raise EmbeddingsUnavailable("The embedding model did not respond in time.") from error

    async def is_answering(self, model: str, *, within_seconds: float) -> bool:
        """Whether this model is known here and answers."""
        embedder = self._embedders.get(model)
        return embedder is not None and await embedder.is_answering(within_seconds=within_seconds)

    async def close(self) -> None:
        """Drop what is under way and close every model."""
        under_way = list(self._under_way.values())
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        for embedder in self._embedders.values():
            await embedder.close()

    async def _embed(self, key: _Key) -> str:
        _, model, text = key
        try:
            (vector,) = await self._embedders[model].embed([text], within_seconds=_MODEL_SECONDS)
        except TextRefused as error:
            raise EmbeddingsUnavailable("The embedding model refuses this text.") from error
        self._remembered[key] = vector_text(vector)
        return self._remembered[key]

    def _forget(self, key: _Key, done: asyncio.Task[str]) -> None:
        del self._under_way[key]
        if not done.cancelled():
            done.exception()  # seen, though all who waited have left
