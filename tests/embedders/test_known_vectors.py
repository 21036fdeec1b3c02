"""Vectors that one worker leaves to the others."""

import hashlib
import json
from pathlib import Path

from tests.support.embedding.vectors import KnownVectors
from zava.infrastructure.embeddings.minilm import MINILM, LocalEmbedder


async def test_only_a_text_without_a_known_vector_is_computed(tmp_path: Path) -> None:
    known = [1.0] + [0.0] * (MINILM.dimensions - 1)
    file = tmp_path / "vectors.json"
    file.write_text(json.dumps({hashlib.sha256(b"known").hexdigest(): known}))
    embedder, model = KnownVectors(file), LocalEmbedder()
    vectors = await embedder.embed(["hammer", "known", "hammer"], within_seconds=60)
    (hammer,) = await model.embed(["hammer"], within_seconds=60)
    assert vectors == [hammer, known, hammer]
    assert embedder.computed == 2
    assert await embedder.embed(["known"], within_seconds=60) == [known]
    assert embedder.computed == 2
    await embedder.close()
    await model.close()
