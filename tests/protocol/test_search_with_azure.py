"""Search and readiness over Azure OpenAI, from its good days to its bad ones."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import orjson
import psycopg
import pytest

from tests.support.embedding.azure_openai import SILENCE, AzureOpenAI, Fault, azure_openai, no_entra
from tests.support.embedding.search import search
from tests.support.servers.database import Cluster, Database
from zava.app import Application, compose
from zava.composition.backends import embedders
from zava.infrastructure.local.state_dir import StateDirectory
from zava.retail.data.index_job import embed_catalogue
from zava.settings import Settings

pytestmark = pytest.mark.slow  # the service embeds a catalogue

QUERY = "claw hammer"
# A vector of 1,536 numbers costs 20 ms: three batches show what nine do.
REMOVED = """
TRUNCATE retail.order_items;
CREATE TEMP TABLE removed AS SELECT product_id FROM retail.products JOIN retail.categories
 USING (category_id) WHERE category_name NOT IN ('Hand Tools', 'Hardware', 'Plumbing');
DELETE FROM retail.inventory WHERE product_id IN (TABLE removed);
DELETE FROM retail.products WHERE product_id IN (TABLE removed)
"""


@pytest.fixture(scope="module", autouse=True)
def without_entra() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zava.infrastructure.embeddings.azure_openai.entra_token", no_entra)
        yield


def settings_of(service: AzureOpenAI, home: StateDirectory) -> Settings:
    return Settings.model_validate(
        {
            "ZAVA_HOME": home.path,
            "AZURE_OPENAI_ENDPOINT": service.endpoint,
            "EMBEDDING_TOKENS_PER_MINUTE": 10_000_000,
        }
    )


@pytest.fixture(scope="module")
async def embedded(
    cluster: Cluster, seeded_template: Database, home: StateDirectory
) -> AsyncIterator[Database]:
    """A catalogue that the service has embedded, busy at times."""
    with cluster.database("azure", template=seeded_template) as database:
        with psycopg.connect(database.owner) as owner:
            owner.execute(REMOVED)
        async with azure_openai() as service:
            service.faults.extend(
                [Fault(429, {"retry-after-ms": "10"}), Fault(500, {"retry-after-ms": "5"})]
            )

            def embed() -> None:
                with psycopg.connect(database.admin, autocommit=True) as admin:
                    report = embed_catalogue(admin, embedders(settings_of(service, home))[0])
                    assert (report.embedded, report.failed) == (192, ())

            await asyncio.to_thread(embed)
            assert len(service.requests) == 5  # three batches, two of them asked twice
        yield database


@pytest.fixture
async def service() -> AsyncIterator[AzureOpenAI]:
    async with azure_openai() as service:
        yield service


@pytest.fixture
async def app(
    service: AzureOpenAI, home: StateDirectory, embedded: Database, context_keys: list[str]
) -> AsyncIterator[Application]:
    application = compose(
        settings_of(service, home), conninfo=embedded.server, context_keys=context_keys
    )
    yield application
    await application.close()


async def readiness(application: Application) -> tuple[int, str, str]:
    started = time.monotonic()
    answer = await application.endpoint.handle("GET", "/health/ready", {}, b"")
    assert time.monotonic() - started < 2
    told = orjson.loads(answer.body)
    return answer.status, told["status"], told["checks"]["embeddings"]


@pytest.mark.requirement("S94")
async def test_service_that_fails_degrades_search_and_readiness_and_stops_neither(
    app: Application, service: AzureOpenAI, tokens: dict[str, str]
) -> None:
    result = await search(app, tokens["seattle"], QUERY)
    assert await readiness(app) == (200, "healthy", "healthy")
    assert result["structuredContent"]["searched_by"] == "words and meaning"
    asked = len(service.requests)
    await search(app, tokens["seattle"], f" {QUERY.upper()}\n")
    assert len(service.requests) == asked  # the same text of the same person
    service.always = Fault(429, {"retry-after": "60"})
    for number in range(5):
        result = await search(app, tokens["seattle"], f"{QUERY} {number}")
        content = result["structuredContent"]
        assert content["searched_by"] == "words"
        assert "Claw Hammer" in content["products"][0]["name"]
        assert "Searched by words only" in content["notes"][0]
        assert "127.0.0.1" not in str(result)
    assert len(service.requests) == asked + 3  # then it is left alone
    (azure, *_) = app.vectors._embedders.values()
    # Time passes by moving what was noted, not by waiting.
    azure._answered_at -= 61  # type: ignore[attr-defined]  # a seam
    assert await readiness(app) == (200, "degraded", "degraded")


@pytest.mark.requirement("S94")
async def test_service_that_says_nothing_is_waited_for_briefly(
    app: Application, service: AzureOpenAI, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.infrastructure.embeddings.query_cache._QUESTION_SECONDS", 0.2)
    service.always = SILENCE
    started = time.monotonic()
    result = await search(app, tokens["seattle"], QUERY)
    assert time.monotonic() - started < 2
    assert result["structuredContent"]["searched_by"] == "words"
    assert await readiness(app) == (200, "degraded", "degraded")


def test_two_deployments_are_known_while_one_replaces_the_other() -> None:
    both = Settings.model_validate(
        {
            "AZURE_OPENAI_ENDPOINT": "http://127.0.0.1",
            "EMBEDDING_MODEL_DEPLOYMENT_NAME": "text-embedding-3-large, text-embedding-3-small",
        }
    )
    names = [embedder.model.name for embedder in embedders(both)]
    assert names[:2] == ["text-embedding-3-large", "text-embedding-3-small"]
    assert embedders(Settings())[0].model.name == names[2] == "all-MiniLM-L6-v2-int8"
