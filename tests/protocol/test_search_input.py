"""What a model may send to product search, and the clear word it gets where it may not."""

import math
from typing import Any

import pytest

from tests.support.embedding.search import products, search
from zava.app import Application
from zava.infrastructure.embeddings.minilm import MINILM
from zava.protocol.tools.tool import ERROR_META

BUCKETS = "containers for paint"


async def test_category_narrows_and_an_unknown_one_offers_the_nearest(
    search_app: Application, tokens: dict[str, str]
) -> None:
    found = await products(
        search_app, tokens["seattle"], "pipe", category=" plumbing ", max_rows=50
    )
    assert {p["category"] for p in found} == {"Plumbing"}
    refused = await search(search_app, tokens["seattle"], "lock", category="Paints & Finish")
    assert refused["_meta"][ERROR_META]["code"] == "VALIDATION_ERROR"
    assert "Paint & Finishes" in refused["_meta"][ERROR_META]["hint"]
    refused = await search(search_app, tokens["seattle"], "lock", category="Groceries")
    assert "Hand Tools" in refused["_meta"][ERROR_META]["hint"]


@pytest.mark.requirement("S69")
@pytest.mark.requirement("S73")
async def test_threshold_is_a_boundary_that_holds_for_words_too(
    search_app: Application, tokens: dict[str, str]
) -> None:
    every = await products(
        search_app, tokens["seattle"], BUCKETS, max_rows=50, similarity_threshold=0
    )
    floor = MINILM.minimum_similarity
    for percent in (30, 40, 60, 75):
        cosine = floor + (1 - floor) * (percent - 30) / 70
        found = await products(
            search_app, tokens["seattle"], BUCKETS, max_rows=50, similarity_threshold=percent
        )
        assert all(p["similarity"] >= round(cosine, 2) for p in found)
        above = [p["sku"] for p in every if p["similarity"] > cosine + 0.005]
        assert set(above) <= {p["sku"] for p in found}
    none = await search(search_app, tokens["seattle"], BUCKETS, similarity_threshold=100)
    assert none["structuredContent"]["products"] == []
    assert "similarity 0." in " ".join(none["structuredContent"]["notes"])


@pytest.mark.requirement("S69")
@pytest.mark.requirement("S70")
@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("similarity_threshold", 101),
        ("similarity_threshold", -1),
        ("similarity_threshold", "high"),
        ("max_rows", -1),
        ("max_rows", 0),
        ("max_rows", 51),
        ("max_rows", 10**6),
        ("max_rows", "many"),
        ("category", 7),
        ("in_stock_only", "perhaps"),
        ("colour", "red"),
    ],
)
async def test_argument_out_of_its_range_is_refused_by_name(
    search_app: Application, tokens: dict[str, str], argument: str, value: Any
) -> None:
    result = await search(search_app, tokens["seattle"], BUCKETS, **{argument: value})
    assert result["_meta"][ERROR_META]["code"] == "VALIDATION_ERROR"
    assert argument in result["_meta"][ERROR_META]["message"]


@pytest.mark.parametrize(
    "query", ["", "  ", "?!*'\"&|:;()", "\x00\x01", "\u200b\u202e", "x" * 1001, "hammer " * 1500]
)
async def test_query_without_a_word_or_with_too_many_is_refused(
    search_app: Application, tokens: dict[str, str], query: str
) -> None:
    result = await search(search_app, tokens["seattle"], query)
    assert result["_meta"][ERROR_META]["code"] == "VALIDATION_ERROR"
    assert "query_description" in result["_meta"][ERROR_META]["message"]
    assert result["_meta"][ERROR_META]["hint"]


@pytest.mark.parametrize(
    "query",
    [
        "o'brien's | & ! :*",
        "'; DROP TABLE retail.products; --",
        "hammer') OR 1=1 --",
        "$1 %s {0} \\' \\\\ ",
        "' | 'a' & !'b' <-> 'c':*A",
        "hammer\x00\r\n\tsaw",
        "seau de peinture",
        "Farbeimer für Wände",
        "油漆桶",
        "דלי צבע",
        "\u202edliub",
        "\ufb01x \uff57\uff41\uff4c\uff4c",
        "🔨 hammer",
        "a" * 1000,
        "../../etc/passwd http://x.example/a?b=c&d a@b.example",
        "similar to ",
        "similar to '; SELECT 1",
        "hammer " * 142,
        "15 16 17 18 19 2x4",
    ],
)
async def test_any_words_get_a_sensible_answer(
    search_app: Application, tokens: dict[str, str], query: str
) -> None:
    result = await search(search_app, tokens["seattle"], query)
    assert not result["isError"], result
    content = result["structuredContent"]
    assert content["products"] or content["notes"]
    assert all(
        p["similarity"] is None or math.isfinite(p["similarity"]) for p in content["products"]
    )


async def test_unpaired_surrogate_is_no_failure_of_the_server(
    search_app: Application, callers: Any
) -> None:
    found = await search_app.analytics.products.search(
        callers["seattle"], "hammer \ud800", max_rows=1
    )
    assert "Hammer" in found.products[0].name
