"""The vectors of the demo catalogue, computed once for all workers of a run.

A text is embedded alone, so its vector depends on nothing else. A catalogue costs twelve seconds
of processor time.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import psycopg

from zava.infrastructure.embeddings.embedder import Vector
from zava.infrastructure.embeddings.minilm import LocalEmbedder

_STORED = "SELECT content_hash, embedding::text FROM retail.product_embeddings"


class KnownVectors(LocalEmbedder):
    """The local model, run for those texts alone whose vectors are not in a file."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.computed = 0
        self._known: dict[str, Vector] = json.loads(file.read_text()) if file.exists() else {}

    async def embed(self, texts: Sequence[str], *, within_seconds: float) -> list[Vector]:
        known = {text: self._known.get(_key(text)) for text in texts}
        missing = [text for text in texts if known[text] is None]
        self.computed += len(missing)
        computed = await super().embed(missing, within_seconds=within_seconds) if missing else []
        vectors = {text: vector for text, vector in known.items() if vector is not None}
        vectors.update(zip(missing, computed, strict=True))
        return [vectors[text] for text in texts]


def keep_vectors(conninfo: str, file: Path) -> None:
    """Write what the local model has embedded in a database to a file, as a whole."""
    with psycopg.connect(conninfo) as connection:
        stored = {
            content_hash.hex(): json.loads(vector)
            for content_hash, vector in connection.execute(_STORED).fetchall()
        }
    written = file.with_suffix(".writing")
    written.write_text(json.dumps(stored))
    written.replace(file)


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
