"""Product search on its bad days, while models change, and with an index."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import psycopg
import pytest

from tests.embedders.stand_in import StandIn
from tests.support.servers.database import Database
from zava.data.session.isolation_check import CANARIES, IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.errors import EmbeddingsUnavailable
from zava.infrastructure.embeddings.query_cache import QueryVectors
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.retail.data import index_job
from zava.retail.data import search_statement as search_module
from zava.retail.data.index_job import build_index, embed_catalogue
from zava.retail.data.search_statement import ProductData, statement
from zava.retail.declaration import RETAIL
from zava.retail.search_values import ProductMatches
from zava.retail.service.product_search import ProductSearch, question_of
from zava.retail.service.search_text.product_text import ReadText

pytestmark = pytest.mark.slow  # each test embeds a catalogue of its own

UNKNOWN = "qwertzu"


@dataclass
class Searching:
    """Search over a database of the test's own, and its parts."""

    database: Database
    tenancy: TenantDatabase
    caller: Caller

    def with_models(self, *embedders: StandIn, **options: Any) -> ProductSearch:
        return ProductSearch(ProductData(self.tenancy, **options), QueryVectors(embedders))

    async def ask(self, search: ProductSearch, text: str, **options: Any) -> ProductMatches:
        return await search.search(
            self.caller, text, max_rows=options.pop("max_rows", 10), **options
        )

    async def embed(self, embedder: StandIn, *, activate: bool = False) -> None:
        def run() -> None:
            with psycopg.connect(self.database.admin, autocommit=True) as admin:
                embed_catalogue(admin, embedder, activate=activate)

        await asyncio.to_thread(run)

    def change(self, query: str, *values: Any) -> None:
        with psycopg.connect(self.database.owner, autocommit=True) as owner:
            owner.execute(query, values)


@pytest.fixture
async def searching(
    seeded_clone: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> AsyncIterator[Searching]:
    pool = DatabasePool(seeded_clone.server, max_size=2)
    tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
    yield Searching(seeded_clone, tenancy, callers["seattle"])
    await pool.close()


def away() -> None:
    raise EmbeddingsUnavailable("The model is away.")


@pytest.mark.requirement("S20")
async def test_words_alone_answer_while_the_model_is_away(searching: Searching) -> None:
    await searching.embed(StandIn())
    found = await searching.ask(searching.with_models(StandIn(before=away)), "claw hammer")
    assert "Claw Hammer" in found.products[0].name
    assert found.searched_by == "words"
    assert {product.matched_by for product in found.products} == {"words"}
    assert {product.similarity for product in found.products} == {None}
    assert not found.is_complete
    assert found.minimum_similarity is None
    assert found.notes == ("Searched by words only: The model is away.",)


async def test_model_away_and_no_words_says_so_and_lists_the_categories(
    searching: Searching,
) -> None:
    await searching.embed(StandIn())
    found = await searching.ask(searching.with_models(StandIn(before=away)), UNKNOWN)
    assert found.products == ()
    told = " ".join(found.notes)
    for said in ("The model is away.", "No product holds any of these words.", "Hand Tools"):
        assert said in told


async def test_meaning_alone_answers_where_no_word_does(searching: Searching) -> None:
    await searching.embed(StandIn())
    found = await searching.ask(searching.with_models(StandIn()), UNKNOWN, similarity_threshold=0)
    assert found.products
    assert found.searched_by == "meaning"
    assert "found by meaning" in " ".join(found.notes)


async def test_similar_products_need_no_model(searching: Searching) -> None:
    await searching.embed(StandIn())
    search = searching.with_models(StandIn(before=away))
    found = await searching.ask(search, "similar to hnd-0101", similarity_threshold=0)
    assert found.products
    assert found.searched_by == "meaning"
    assert "HND-0101" not in [product.sku for product in found.products]


async def test_product_without_a_vector_is_likened_by_its_words(searching: Searching) -> None:
    await searching.embed(StandIn())
    searching.change("DELETE FROM retail.product_embeddings")
    found = await searching.ask(searching.with_models(StandIn()), "similar to hnd-0101")
    assert found.products[0].sku == "HND-0101"
    assert found.notes == ("576 of 576 products are found by words only.",)


async def test_nothing_similar_is_told_without_the_product_itself(searching: Searching) -> None:
    await searching.embed(StandIn())
    found = await searching.ask(
        searching.with_models(StandIn()), "similar to hnd-0101", similarity_threshold=100
    )
    assert found.products == ()
    assert "below 1.00" in " ".join(found.notes)
    assert "similarity 1.00" not in " ".join(found.notes)


async def test_catalogue_without_embeddings_is_searched_by_words(searching: Searching) -> None:
    for search in (searching.with_models(StandIn()), searching.with_models()):
        found = await searching.ask(search, "claw hammer")
        assert "Claw Hammer" in found.products[0].name
        assert "no embedding model" in found.notes[0]
        found = await searching.ask(search, "similar to HND-0101")
        assert found.searched_by == "words"


async def test_words_of_a_catalogue_too_large_for_an_answer_are_read_in_part(
    searching: Searching,
) -> None:
    # 576 products of 90 words each that no other one has.
    searching.change(
        "UPDATE retail.products SET (synonyms, product_description) ="
        " (SELECT string_agg(left(word, 12), ', '), string_agg(right(word, 20), ' ')"
        "  FROM (SELECT translate(md5(concat(sku, n)), '0123456789', 'ghijklmnop') AS word"
        "        FROM generate_series(1, 90) AS n) AS made)"
    )
    words = await ProductData(searching.tenancy).words(searching.caller)
    assert {"hammer", "paint"} <= words.named.keys()
    for some in (words.named, words.described, words.phrases):
        assert 10_000 < len(some) < 40_000
    found = await searching.ask(searching.with_models(), "hamer")
    assert any("hammer" in product.name.lower() for product in found.products)


async def test_other_model_than_the_active_one_is_refused_by_name(searching: Searching) -> None:
    await searching.embed(StandIn("old"))
    with pytest.raises(EmbeddingsUnavailable, match="with old, and this server has new") as caught:
        await searching.ask(searching.with_models(StandIn("new")), "claw hammer")
    assert "zava embed --activate" in caught.value.hint


async def test_models_are_changed_without_a_failed_search(searching: Searching) -> None:
    old, new = StandIn("old"), StandIn("new", 16)
    await searching.embed(old)
    search = searching.with_models(StandIn("new", 16), StandIn("old"))
    asked = asyncio.Event()
    stop = asyncio.Event()
    models = set()

    async def keep_asking() -> int:
        count = 0
        while not stop.is_set():
            found = await searching.ask(search, f"claw hammer {count}")
            assert found.products
            assert found.searched_by == "words and meaning"
            # No public name leads to the reader, and the test looks at what it has read.
            registry = await search._data.registry(searching.caller)
            assert registry.model is not None
            models.add(registry.model.name)
            count += 1
            asked.set()
        return count

    asking = asyncio.create_task(keep_asking())
    await asked.wait()
    await searching.embed(new)
    assert models == {"old"}
    await searching.embed(new, activate=True)
    while "new" not in models and not asking.done():
        asked.clear()
        await asyncio.wait(
            {asking, asyncio.ensure_future(asked.wait())}, return_when="FIRST_COMPLETED"
        )
    stop.set()
    assert await asking > 1
    assert models == {"old", "new"}


async def test_products_without_a_vector_are_found_by_words_and_the_answer_is_not_complete(
    searching: Searching,
) -> None:
    await searching.embed(StandIn())
    searching.change(
        "DELETE FROM retail.product_embeddings USING retail.products AS p"
        " WHERE p.product_id = product_embeddings.product_id AND p.sku LIKE 'HND-01%%'"
    )
    found = await searching.ask(searching.with_models(StandIn()), "claw hammer", max_rows=50)
    hammers = [product for product in found.products if "Claw Hammer" in product.name]
    assert {(product.matched_by, product.similarity) for product in hammers} == {("words", None)}
    assert len(hammers) == 8
    assert not found.is_complete
    assert "8 of 576 products are found by words only." in found.notes


async def test_change_of_the_registry_is_seen_after_a_minute(searching: Searching) -> None:
    now = 0.0
    await searching.embed(StandIn())
    search = searching.with_models(StandIn(), clock=lambda: now)
    searching.change("UPDATE retail.embedding_models SET minimum_similarity = 0.1")
    assert (await searching.ask(search, "saw")).minimum_similarity == pytest.approx(0.1)
    searching.change("UPDATE retail.embedding_models SET minimum_similarity = 0.15")
    assert (await searching.ask(search, "saw")).minimum_similarity == pytest.approx(0.1)
    now += 61
    assert (await searching.ask(search, "saw")).minimum_similarity == pytest.approx(0.15)


async def test_readiness_tells_whether_there_is_search_by_meaning(searching: Searching) -> None:
    async def is_answering(*embedders: StandIn) -> bool:
        search = searching.with_models(*embedders)
        return await search.is_answering(CANARIES[0], within_seconds=1)

    assert not await is_answering(StandIn())
    await searching.embed(StandIn())
    assert await is_answering(StandIn())
    assert not await is_answering(StandIn(before=away))
    assert not await is_answering(StandIn("another"))
    assert not await is_answering()


@pytest.fixture
async def indexed(searching: Searching, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StandIn]:
    """A model whose vectors have an index, though they are few."""
    embedder = StandIn(dimensions=64)
    await searching.embed(embedder)
    monkeypatch.setattr(index_job, "INDEX_FROM_PRODUCTS", 100)
    with psycopg.connect(searching.database.admin, autocommit=True) as admin:
        build_index(admin, embedder.model)
    yield embedder
    search_module.search_statement.cache_clear()


def exact(database: Database, vector: str, where: str = "true") -> list[str]:
    """The ten nearest, by numpy over every vector."""
    with psycopg.connect(database.owner) as owner:
        rows = owner.execute(
            f"SELECT p.sku, e.embedding::text FROM retail.product_embeddings e JOIN retail.products p USING (product_id) WHERE {where}"
        ).fetchall()

    def read(text: str) -> list[float]:
        return [float(number) for number in text[1:-1].split(",")]

    vectors = np.array([read(text) for _, text in rows])
    asked = np.array(read(vector))
    distances = vectors @ asked / np.linalg.norm(vectors, axis=1) / np.linalg.norm(asked)
    return [rows[number][0] for number in np.argsort(-distances)[:10]]


@pytest.mark.requirement("S67")
@pytest.mark.requirement("S73")
@pytest.mark.parametrize("most_scanned_exactly", [30_000, 20])
@pytest.mark.usefixtures("indexed")
async def test_indexed_search_finds_what_an_exact_one_does_or_says_that_it_may_not(
    searching: Searching,
    monkeypatch: pytest.MonkeyPatch,
    most_scanned_exactly: int,
) -> None:
    def with_limit(name: str) -> str:
        text = statement(name)
        return text.replace("30001", str(most_scanned_exactly + 1)).replace(
            "30000", str(most_scanned_exactly)
        )

    monkeypatch.setattr(search_module, "statement", with_limit)
    data = ProductData(searching.tenancy)
    registry = await data.registry(searching.caller)
    assert registry.is_indexed
    in_stock = (
        "EXISTS (SELECT FROM retail.inventory i JOIN retail.stores s USING (store_id) WHERE"
        " i.product_id = p.product_id AND stock_level > 0 AND store_name = 'Zava Retail Seattle')"
    )
    category = "p.sku LIKE 'HND-%%'"
    vectors = QueryVectors([StandIn(dimensions=64)])
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "true"),
        ({"in_stock_only": True}, in_stock),
        ({"category": "Hand Tools"}, category),
        ({"category": "Hand Tools", "in_stock_only": True}, f"{category} AND {in_stock}"),
    ]
    for options, where in cases:
        question = question_of(ReadText("x"), registry, max_rows=10, **options)
        recalls = []
        for number in range(10):
            vector = await vectors.vector(searching.caller, "stand-in", f"question {number}")
            asked = replace(question, text="", skus=(), vector=vector, threshold=-1.0)
            findings = await data.search(searching.caller, asked, registry)
            assert findings is not None
            found = [row["sku"] for row in findings.rows]
            wanted = exact(searching.database, vector, where)
            recalls.append(len(set(found) & set(wanted)) / len(wanted))
            if options and most_scanned_exactly == 20:
                assert not findings.is_exhaustive
            else:
                assert findings.is_exhaustive
        assert float(np.mean(recalls)) >= 0.95, options


@pytest.mark.requirement("S67")
@pytest.mark.requirement("S74")
async def test_plan_of_a_large_catalogue_walks_the_index_in_the_order_of_distance(
    searching: Searching, indexed: StandIn
) -> None:
    sql = search_module.search_statement(64, is_in_category=False, is_in_stock=False)
    nearest = re.search(r"SELECT e\.product_id, e\.embedding\s+FROM.*?LIMIT 51", sql, re.DOTALL)
    assert nearest
    (vector,) = await indexed.embed(["x"], within_seconds=1)
    with psycopg.connect(searching.database.owner, autocommit=True) as owner:
        owner.execute("SET enable_seqscan = off")
        owner.execute("SET enable_sort = off")
        model_id = (
            owner.execute("SELECT model_id FROM retail.embedding_models").fetchone() or [""]
        )[0]
        text = (
            nearest[0]
            .replace("($1->>'model_id')", f"'{model_id}'")
            .replace("(SELECT vector FROM asked)", f"'{list(vector)}'::extensions.vector")
        )
        plan = "\n".join(row[0] for row in owner.execute(f"EXPLAIN {text}").fetchall())
    assert re.search(r"Index Scan using product_embeddings_\w+_idx", plan)
    assert "Order By: ((embedding)::extensions.halfvec(64) OPERATOR(extensions.<=>)" in plan
