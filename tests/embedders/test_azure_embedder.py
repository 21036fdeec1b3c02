"""The Azure OpenAI embedder against a stand-in of the service, with its bad days."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from email.utils import formatdate
from typing import Any

import pytest

from tests.support.embedding.azure_openai import (
    CUT,
    PATH,
    SILENCE,
    AzureOpenAI,
    Fault,
    azure_openai,
    vector_of,
)
from tests.support.suite.patience import patient
from zava.errors import EmbeddingsUnavailable
from zava.infrastructure.azure.entra_credentials import azure_credential
from zava.infrastructure.embeddings.azure_openai import AzureEmbedder, entra_token
from zava.infrastructure.embeddings.embedder import TextRefused
from zava.settings import Settings

MODEL = "text-embedding-3-small"


class Patience:
    """Notes how long was to be waited, and does not wait; its clock is moved by hand."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.now = 1000.0

    def later(self) -> float:
        self.now += 31
        return 31

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
async def service() -> AsyncIterator[AzureOpenAI]:
    async with azure_openai() as service:
        yield service


@pytest.fixture
def patience() -> Patience:
    return Patience()


@pytest.fixture
async def embedder(service: AzureOpenAI, patience: Patience) -> AsyncIterator[AzureEmbedder]:
    embedder = make(service, patience)
    yield embedder
    await embedder.close()


def make(service: AzureOpenAI, patience: Patience, **options: Any) -> AzureEmbedder:
    async def token() -> str:
        return "a-token-of-entra"

    return AzureEmbedder(
        endpoint=service.endpoint,
        deployment=options.pop("deployment", MODEL),
        token=token,
        sleep=patience.sleep,
        clock=lambda: patience.now,
        **options,
    )


async def test_batch_is_one_request_with_the_callers_identity_and_keeps_its_order(
    embedder: AzureEmbedder, service: AzureOpenAI
) -> None:
    texts = ["hammer", "paint", "saw"]
    vectors = await embedder.embed(texts, within_seconds=patient(10))
    assert [list(vector) for vector in vectors] == [vector_of(text, 1536) for text in texts]
    ((path, headers, body),) = service.requests
    assert path == PATH
    assert headers["authorization"] == "Bearer a-token-of-entra"
    assert "api-key" not in headers
    assert body["input"] == texts


async def test_storm_of_busy_answers_is_ridden_out_at_the_pace_that_was_asked_for(
    embedder: AzureEmbedder, service: AzureOpenAI, patience: Patience
) -> None:
    in_three_seconds = formatdate(time.time() + 3, usegmt=True)
    service.faults.extend(
        [
            Fault(429, {"retry-after": "2"}),
            Fault(429, {"retry-after-ms": "1500"}),
            Fault(429, {"retry-after": in_three_seconds}),
            Fault(429, {"retry-after": "soon"}),
            *[Fault(429)] * 6,
            Fault(503),
            Fault(500),
        ]
    )
    assert len(await embedder.embed(["hammer"], within_seconds=600)) == 1
    assert len(service.requests) == 13
    least = [2, 1.5, 1.5, 0, *[0.2] * 8]
    assert all(waited >= asked for waited, asked in zip(patience.waits, least, strict=True))
    assert patience.waits[0] < 3
    assert max(patience.waits) < 21


async def test_cut_connection_is_tried_again(embedder: AzureEmbedder, service: AzureOpenAI) -> None:
    service.faults.extend([CUT, CUT])
    assert len(await embedder.embed(["hammer"], within_seconds=patient(10))) == 1


async def test_silent_service_is_tried_again_after_the_requests_own_timeout(
    embedder: AzureEmbedder, service: AzureOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.infrastructure.embeddings.azure_openai._REQUEST_SECONDS", 0.2)
    service.faults.extend([SILENCE, SILENCE])
    assert len(await embedder.embed(["hammer"], within_seconds=patient(10))) == 1
    assert len(service.requests) == 3


async def test_wait_that_would_outlast_the_time_is_not_begun(
    embedder: AzureEmbedder, service: AzureOpenAI, patience: Patience
) -> None:
    service.always = Fault(429, {"retry-after": "60"})
    with pytest.raises(EmbeddingsUnavailable):
        await embedder.embed(["hammer"], within_seconds=2)
    assert patience.waits == []
    assert len(service.requests) == 1


async def test_silence_ends_with_the_time_that_was_given(
    embedder: AzureEmbedder, service: AzureOpenAI
) -> None:
    service.always = SILENCE
    started = time.monotonic()
    with pytest.raises(EmbeddingsUnavailable):
        await embedder.embed(["hammer"], within_seconds=0.2)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_wrong_configuration_is_told_at_once_and_by_its_kind_alone(
    embedder: AzureEmbedder, service: AzureOpenAI, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    service.always = Fault(status, body='{"error": {"message": "secret host"}}')
    with pytest.raises(EmbeddingsUnavailable) as caught:
        await embedder.embed(["hammer"], within_seconds=patient(10))
    assert len(service.requests) == 1
    assert "secret" not in caught.value.message
    assert "secret" not in caplog.text
    assert str(status) in caplog.text


async def test_refused_text_is_told_apart_from_a_service_that_is_down(
    embedder: AzureEmbedder, service: AzureOpenAI
) -> None:
    for _ in range(4):
        with pytest.raises(TextRefused):
            await embedder.embed(["something unspeakable"], within_seconds=patient(10))
    assert await embedder.is_answering(within_seconds=patient(10))
    assert len(service.requests) == 5


async def test_after_three_failures_the_service_is_left_alone_then_tried_by_one(
    embedder: AzureEmbedder, service: AzureOpenAI, patience: Patience
) -> None:
    service.always = Fault(401)
    for _ in range(5):
        with pytest.raises(EmbeddingsUnavailable):
            await embedder.embed(["hammer"], within_seconds=patient(10))
    assert len(service.requests) == 3
    patience.later()
    service.always = SILENCE
    first = asyncio.create_task(embedder.embed(["hammer"], within_seconds=5))
    while len(service.requests) < 4:
        await asyncio.wait({first}, timeout=0.01)
    with pytest.raises(EmbeddingsUnavailable):  # half open: one at a time
        await embedder.embed(["saw"], within_seconds=5)
    assert len(service.requests) == 4
    first.cancel()
    service.always = None
    patience.later()
    await embedder.embed(["hammer"], within_seconds=patient(10))
    await embedder.embed(["hammer"], within_seconds=patient(10))
    asked = len(service.requests)
    assert await embedder.is_answering(within_seconds=patient(10))
    assert len(service.requests) == asked


async def test_probe_asks_once_a_minute_and_says_when_nothing_answers(
    embedder: AzureEmbedder, service: AzureOpenAI, patience: Patience
) -> None:
    assert await embedder.is_answering(within_seconds=patient(10))
    assert await embedder.is_answering(within_seconds=patient(10))
    assert len(service.requests) == 1
    service.always = Fault(500)
    assert await embedder.is_answering(within_seconds=0.1)
    patience.now += 61
    assert not await embedder.is_answering(within_seconds=0.1)


async def test_tokens_are_paced_to_what_the_deployment_is_granted(
    service: AzureOpenAI, patience: Patience
) -> None:
    embedder = make(service, patience, tokens_per_minute=1000)
    text = "x" * 2900  # all of a minute's tokens but a few
    await embedder.embed([text], within_seconds=patient(10))
    with pytest.raises(EmbeddingsUnavailable):
        await embedder.embed([text], within_seconds=0.1)
    assert len(service.requests) == 1
    await embedder.close()


@pytest.mark.requirement("S66")
@pytest.mark.requirement("S72")
@pytest.mark.parametrize("body", ["dimensions", "zero", "count"])
async def test_answer_that_is_no_embedding_is_refused(
    embedder: AzureEmbedder, service: AzureOpenAI, body: str
) -> None:
    data: list[dict[str, Any]] = [{"index": 0, "object": "embedding", "embedding": [0.0] * 1536}]
    if body == "dimensions":
        data[0]["embedding"] = [0.5] * 384
    elif body == "count":
        data = []
    import json

    service.always = Fault(
        200, body=json.dumps({"object": "list", "data": data, "model": "m", "usage": None})
    )
    with pytest.raises(EmbeddingsUnavailable):
        await embedder.embed(["hammer"], within_seconds=patient(10))


async def test_larger_model_is_asked_for_dimensions_that_the_table_holds(
    service: AzureOpenAI, patience: Patience
) -> None:
    embedder = make(service, patience, deployment="text-embedding-3-large")
    (vector,) = await embedder.embed(["hammer"], within_seconds=patient(10))
    assert len(vector) == embedder.model.dimensions == 1536
    assert service.requests[0][2]["dimensions"] == 1536
    await embedder.close()


async def test_missing_identity_is_an_unavailable_model_and_no_traceback(
    service: AzureOpenAI, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.CRITICAL, logger="azure")
    monkeypatch.setenv("PATH", "")  # no azd, no az
    embedder = AzureEmbedder(
        endpoint=service.endpoint,
        deployment=MODEL,
        token=entra_token(lambda: azure_credential(Settings())),
    )
    with pytest.raises(EmbeddingsUnavailable):
        await embedder.embed(["hammer"], within_seconds=patient(10))
    assert service.requests == []
    await embedder.close()
