"""The port that every embedding model stands behind."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from zava.errors import EmbeddingsUnavailable

Vector = Sequence[float]


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """A model that turns text into vectors, and the cosine similarities to judge its matches by.

    Below `minimum_similarity` a product does not match; below `weak_similarity` it is flagged.
    """

    name: str
    dimensions: int
    minimum_similarity: float
    weak_similarity: float


class Embedder(Protocol):
    """One embedding model."""

    @property
    def model(self) -> EmbeddingModel:
        """What the vectors are, and how similar is similar."""

    async def is_answering(self, *, within_seconds: float) -> bool:
        """Whether it answers; the model itself is called for this at most once a minute."""

    async def embed(self, texts: Sequence[str], *, within_seconds: float) -> list[Vector]:
        """Return one vector for each text, in order, or fail when the time is over.

        Raises:
            EmbeddingsUnavailable: the model does not answer; the same call may succeed later.
            TextRefused: one of the texts is not embedded, now or later.
        """

    async def close(self) -> None:
        """Give back connections and threads."""


class TextRefused(Exception):
    """The model will never embed one of these texts: too long, or against its rules."""


def check_vectors(vectors: Sequence[Vector], model: EmbeddingModel, *, count: int) -> None:
    """Refuse vectors that cannot be compared: a zero vector, or one of another dimension.

    Raises:
        EmbeddingsUnavailable: another number, another dimension, or a vector without direction.
    """
    if len(vectors) != count:
        raise EmbeddingsUnavailable(f"{model.name} returned {len(vectors)} vectors for {count}.")
    for vector in vectors:
        if len(vector) != model.dimensions:
            raise EmbeddingsUnavailable(
                f"{model.name} returned {len(vector)} dimensions; {model.dimensions} are expected.",
                hint="An administrator checks which model is deployed under that name.",
            )
        length = math.hypot(*vector)
        if not 0 < length < math.inf:
            raise EmbeddingsUnavailable(f"{model.name} returned a vector without direction.")


def vector_text(vector: Vector) -> str:
    """Return a vector as pgvector reads it; nine digits keep a 32-bit float whole."""
    return f"[{','.join(map('{:.9g}'.format, vector))}]"
