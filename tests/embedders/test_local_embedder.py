"""The local model: what was tested, loaded late, off the event loop, the same for the same text."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from zava.errors import EmbeddingsUnavailable
from zava.infrastructure.embeddings import minilm
from zava.infrastructure.embeddings.embedder import Vector, vector_text
from zava.infrastructure.embeddings.minilm import MINILM, LocalEmbedder


@pytest.fixture
async def embedder() -> AsyncIterator[LocalEmbedder]:
    embedder = LocalEmbedder()
    yield embedder
    await embedder.close()


def cosine(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


async def test_meaning_is_near_and_everything_has_length_one(embedder: LocalEmbedder) -> None:
    texts = [
        "containers for paint",
        "a bucket that holds paint",
        "quarterly tax return",
        "",
        "🔨" * 9,
    ]
    vectors = await embedder.embed(texts, within_seconds=30)
    assert all(len(vector) == MINILM.dimensions for vector in vectors)
    assert all(cosine(vector, vector) == pytest.approx(1, abs=1e-5) for vector in vectors)
    assert cosine(vectors[0], vectors[1]) > 0.6
    assert cosine(vectors[0], vectors[2]) < MINILM.minimum_similarity


async def test_vector_does_not_depend_on_the_company_it_keeps(embedder: LocalEmbedder) -> None:
    (alone,) = await embedder.embed(["claw hammer"], within_seconds=30)
    among = await embedder.embed(["x " * 2000, "claw hammer", ""], within_seconds=30)
    assert among[1] == alone


async def test_event_loop_goes_on_while_texts_are_embedded(embedder: LocalEmbedder) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while not embedding.done():
            turns += 1
            await asyncio.wait({embedding}, timeout=0.001)

    embedding = asyncio.ensure_future(embedder.embed(["claw hammer"] * 40, within_seconds=30))
    await count()
    assert turns > 10


async def test_busy_model_is_given_up_on_in_time(embedder: LocalEmbedder) -> None:
    with pytest.raises(EmbeddingsUnavailable):
        await embedder.embed(["claw hammer"] * 200, within_seconds=0.05)


@pytest.mark.parametrize("name", ["_MODEL_SHA256", "_VOCABULARY_SHA256"])
async def test_other_file_than_the_tested_one_is_refused(
    embedder: LocalEmbedder, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minilm, name, "0" * 64)
    with pytest.raises(EmbeddingsUnavailable, match="not the file that was tested"):
        await embedder.embed(["claw hammer"], within_seconds=30)


def test_making_either_embedder_imports_nothing_heavy() -> None:
    made = (
        "import sys\n"
        "from zava.infrastructure.embeddings.azure_openai import AzureEmbedder, entra_token\n"
        "from zava.infrastructure.embeddings.minilm import LocalEmbedder\n"
        "LocalEmbedder()\n"
        "token = entra_token(lambda: None)\n"
        "AzureEmbedder(endpoint='https://x', deployment='d', token=token)\n"
        "print({'numpy', 'onnxruntime', 'tokenizers', 'openai', 'azure.identity'} & set(sys.modules))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", made],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "set()\n"


def test_vector_keeps_every_bit_on_its_way() -> None:
    import struct

    value = struct.unpack("f", struct.pack("f", 0.123456789))[0]
    read = float(vector_text([value, -value])[1:-1].split(",")[1])
    assert struct.pack("f", read) == struct.pack("f", -value)
