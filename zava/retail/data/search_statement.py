"""Product search in the database: one statement, composed of constant parts."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from zava.data import named_queries
from zava.data.session.tenant_database import TenantDatabase
from zava.infrastructure.embeddings.embedder import EmbeddingModel
from zava.model.core import Caller
from zava.retail.search_values import (
    CatalogueWords,
    PriceRange,
    ProductQuestion,
    SearchMatches,
    SearchRegistry,
)

_REGISTRY_SECONDS = 60.0
_WORDS_SECONDS = 600.0
_CENT, _HIGHEST_PRICE = Decimal("0.01"), Decimal(10**9)
_NEAREST = 51  # candidates by meaning: fifty, and the product that others are likened to

_CATEGORY = "FROM retail.products AS c WHERE c.category_id = ($1->>'category_id')::uuid"
_STOCK = "FROM retail.inventory AS i WHERE i.stock_level > 0"
_PRICE = (
    "FROM retail.products AS c WHERE c.base_price BETWEEN ($1->>'least')::numeric"
    " AND ($1->>'most')::numeric"
)
# What retail.rank_products is given after the question: a limit to some products, and the nearest.
_NO_LIMIT = "NULL"
_ALL_VECTORS = "NULL, NULL"
_NEAREST_FOUND = (
    "ARRAY(SELECT product_id FROM nearest ORDER BY distance, product_id),"
    " ARRAY(SELECT distance FROM nearest ORDER BY distance, product_id)"
)
_FILTERED = re.compile(r"/\*filters of (\S+)\*/")


class ProductData:
    """Reads the catalogue for search, as the caller."""

    def __init__(
        self, tenancy: TenantDatabase, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tenancy = tenancy
        self._clock = clock
        # Seen by every caller: a registry and names that are the same for all of them.
        self._registry: SearchRegistry | None = None
        self._learnt_at = 0.0
        # Also seen by every caller: words of products, which are the same for all of them.
        self._words: CatalogueWords | None = None
        self._words_learnt_at = 0.0
        # One asks for all who need it at once; a failed one leaves the next to ask by itself.
        self._learning = asyncio.Lock()

    async def registry(self, caller: Caller) -> SearchRegistry:
        """Return the active model and the categories, read again after a minute.

        Raises:
            ZavaError: it could not be read now, or the caller has no access.
        """
        known = self._fresh()
        if known is not None:
            return known
        async with self._learning:
            known = self._fresh()
            if known is None:
                rows, _ = await self._tenancy.read(caller, statement("search_registry"))
                known = self._registry = _registry(rows[0])
                self._learnt_at = self._clock()
            return known

    async def words(self, caller: Caller) -> CatalogueWords:
        """Return the words of the catalogue, read again after ten minutes.

        Raises:
            ZavaError: they could not be read now, or the caller has no access.
        """
        async with self._learning:
            known = self._words
            if known is None or self._clock() - self._words_learnt_at > _WORDS_SECONDS:
                rows, _ = await self._tenancy.read(caller, statement("search_words"))
                known = self._words = _words(rows[0])
                self._words_learnt_at = self._clock()
            return known

    def _fresh(self) -> SearchRegistry | None:
        is_old = self._clock() - self._learnt_at > _REGISTRY_SECONDS
        return None if is_old else self._registry

    async def search(
        self, caller: Caller, question: ProductQuestion, registry: SearchRegistry
    ) -> SearchMatches | None:
        """Search with the model of `registry`; None when another one became active meanwhile.

        Raises:
            ZavaError: it could not be run now, or the caller has no access.
        """
        is_filtered = (
            question.category_id is not None or question.in_stock_only or question.price is not None
        )
        sql = search_statement(
            registry.model.dimensions if registry.model and registry.is_indexed else None,
            is_in_category=question.category_id is not None,
            is_in_stock=question.in_stock_only,
            is_priced=question.price is not None,
        )
        params = {
            "text": question.text,
            "skus": question.skus,
            "word_count": max(1, len(question.text.split())),
            "like": question.like,
            "vector": question.vector,
            "model_id": registry.model_id,
            "threshold": question.threshold,
            "is_strict": question.is_strict,
            "category_id": question.category_id,
            "size_patterns": question.size_patterns,
            "max_rows": question.max_rows,
        } | _prices(question.price)
        rows, scope = await self._tenancy.read(caller, sql, params)
        summary = rows[0]
        if not summary["is_model_active"]:
            self._registry = None
            return None
        return SearchMatches(
            rows=[row for row in rows if row["sku"] is not None],
            found=summary["found"],
            of_size=summary["of_size"],
            words_found=summary["words_found"],
            best_similarity=summary["best_similarity"],
            likened=summary["likened"],
            nearest_categories=tuple(summary["nearest_categories"] or ()),
            # An index gives what it was asked for; under a filter its walk may end too early.
            is_exhaustive=summary["is_exact"]
            or (not is_filtered and summary["nearest_found"] == _NEAREST),
            scope=scope,
        )


def _registry(row: Mapping[str, Any]) -> SearchRegistry:
    model = None
    if row["model_id"] is not None:
        model = EmbeddingModel(
            row["name"], row["dimensions"], row["minimum_similarity"], row["weak_similarity"]
        )
    return SearchRegistry(
        model=model,
        model_id=UUID(row["model_id"]) if model else None,
        is_indexed=row["is_indexed"],
        embedded=row["embedded"],
        products=row["products"],
        categories={name: UUID(key) for name, key in (row["categories"] or {}).items()},
        currency=row["currency"],
    )


def statement(name: str) -> str:
    """Return the text of one of this package's `queries/{name}.sql`."""
    return named_queries.statement(name, "zava.retail.data")


def _words(row: Mapping[str, Any]) -> CatalogueWords:
    named: dict[str, int] = row["named"] or {}
    phrases = {part.strip() for kind in row["kinds"] or () for part in kind.split(",")}
    return CatalogueWords(
        named=named,
        described=frozenset(row["described"] or ()) - named.keys(),
        phrases=tuple(sorted(phrases)),
        sku_shapes=tuple(row["sku_shapes"] or ()),
    )


def _prices(price: PriceRange | None) -> dict[str, str]:
    """Return the least and the most of a range in whole cents, both of them in it."""
    if price is None:
        return {}
    least, most = Decimal(0), _HIGHEST_PRICE
    if price.least is not None:
        least = Decimal(f"{price.least:.2f}") + (0 if price.is_least_in else _CENT)
    if price.most is not None:
        most = Decimal(f"{price.most:.2f}") - (0 if price.is_most_in else _CENT)
    return {"least": str(least), "most": str(most)}


@cache
def search_statement(
    indexed_dimensions: int | None,
    *,
    is_in_category: bool,
    is_in_stock: bool,
    is_priced: bool = False,
) -> str:
    """Return the statement, of constant parts and one number of the registry.

    Without an index the function compares all vectors, and applies every filter but the stock.
    """
    filters = ""
    if is_in_category:
        filters += f"AND EXISTS (SELECT {_CATEGORY} AND c.product_id = \\1)"
    if is_in_stock:
        filters += f" AND EXISTS (SELECT {_STOCK} AND i.product_id = \\1)"
    if is_priced:
        filters += f" AND EXISTS (SELECT {_PRICE} AND c.product_id = \\1)"
    # Drawn is the narrowest of the filters, which the others then narrow further.
    drawn = _CATEGORY if is_in_category else _PRICE if is_priced else _STOCK
    available = _NO_LIMIT
    if indexed_dimensions is None:
        nearest, near, is_exact = "", _ALL_VECTORS, "true"
        if is_in_stock:
            available = f"ARRAY(SELECT i.product_id {_STOCK})"
    else:
        near = _NEAREST_FOUND
        if is_in_stock:
            available = statement("available_by_words").rstrip()
        if filters:
            nearest, is_exact = statement("nearest_filtered"), "(SELECT is_few FROM few)"
        else:
            nearest, is_exact = statement("nearest_indexed"), "false"
    composed = (
        statement("search_products")
        .replace("/*nearest*/", nearest.rstrip())
        .replace("/*drawn*/", f"SELECT product_id {drawn}")
        .replace("/*dimensions*/", str(indexed_dimensions))
        .replace("/*is_exact*/", is_exact)
        .replace("/*available*/", available)
        .replace("/*near*/", near)
    )
    return _FILTERED.sub(filters, composed)
