"""A model for tests: the same vector for the same text, and every text that it was given."""

from collections.abc import Callable, Sequence

from tests.support.embedding.azure_openai import vector_of
from zava.errors import EmbeddingsUnavailable
from zava.infrastructure.embeddings.embedder import EmbeddingModel, TextRefused, Vector


class StandIn:
    """An embedder whose bad days are chosen: `before` runs ahead of each call and may raise."""

    def __init__(
        self,
        name: str = "stand-in",
        dimensions: int = 8,
        *,
        before: Callable[[], None] = lambda: None,
        refuses: str = "unspeakable",
    ) -> None:
        self.model = EmbeddingModel(name, dimensions, 0.2, 0.4)
        self.embedded: list[str] = []
        self._before = before
        self._refuses = refuses

    async def embed(self, texts: Sequence[str], *, within_seconds: float) -> list[Vector]:
        assert within_seconds > 0
        self._before()
        if any(self._refuses in text for text in texts):
            raise TextRefused
        self.embedded += texts
        return [vector_of(text, self.model.dimensions) for text in texts]

    async def is_answering(self, *, within_seconds: float) -> bool:
        try:
            await self.embed(["hammer"], within_seconds=within_seconds)
        except EmbeddingsUnavailable:
            return False
        return True

    async def close(self) -> None:
        return
