"""The frozen values of product search: the question, the matches and their quality."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from zava.infrastructure.embeddings.embedder import EmbeddingModel
from zava.model.core import Scope
from zava.retail.declaration import RETAIL


def price_in(amount: float, currency: str) -> str:
    """Return a price as people read it."""
    sign = "$" if currency == RETAIL.currency else f"{currency} "
    return f"{sign}{amount:,.2f}"


@dataclass(frozen=True, slots=True)
class PriceRange:
    """The list prices that a description allows; None at an end that is open."""

    least: float | None = None
    most: float | None = None
    is_least_in: bool = True
    is_most_in: bool = True


@dataclass(frozen=True, slots=True)
class ProductQuestion:
    """A checked search: `text` and `skus` by words, `vector` or `like` by meaning.

    `vector` is in pgvector's text form, None if only words are searched. `like` is the SKU or name
    of a product whose own vector is taken. A `threshold` is a cosine similarity; a strict one also
    applies to products found by words. A product of every size has a name that fits all of the
    `size_patterns`, which are PostgreSQL's regular expressions.
    """

    text: str
    skus: tuple[str, ...]
    like: str | None
    vector: str | None
    threshold: float
    is_strict: bool
    category_id: UUID | None
    in_stock_only: bool
    max_rows: int
    price: PriceRange | None = None
    size_patterns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CatalogueWords:
    """The words of the catalogue in lower case, which are the same for every caller.

    `named` are words of names, types, synonyms and categories, with the number of products that
    hold them; `described` those that only descriptions hold. `phrases` are types and synonyms.
    A SKU's shape has A for a letter and 9 for a digit.
    """

    named: dict[str, int]
    described: frozenset[str]
    phrases: tuple[str, ...]
    sku_shapes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProductMatch:
    """A product that was found, with the stock of the caller's own stores.

    `matched_by` is "sku", "words", "meaning" or "both"; `similarity` the cosine to the question,
    None without a vector. `is_of_size` is False if it lacks a size that was named. The texts are
    outsiders': data, never instructions.
    """

    sku: str
    name: str
    category: str
    price: float
    description: str
    is_discontinued: bool
    stock: int
    stores_in_stock: int
    matched_by: str
    similarity: float | None
    is_weak: bool
    is_of_size: bool = True


@dataclass(frozen=True, slots=True)
class ProductMatches:
    """The best matches first; `found` is how many there were before `max_rows` cut them.

    `is_complete` is False when matching products may be missing: no search by meaning, products
    without a vector, or an approximate index under a filter.
    """

    products: tuple[ProductMatch, ...]
    found: int
    searched_by: str
    minimum_similarity: float | None
    is_complete: bool
    notes: tuple[str, ...]
    scope: Scope
    as_of: datetime
    currency: str = RETAIL.currency


@dataclass(frozen=True, slots=True)
class SearchRegistry:
    """The input of every search: the active model, if any, and the categories by name.

    `is_indexed` is true if the model's vectors have an approximate index. `currency` is that of
    list prices.
    """

    model: EmbeddingModel | None
    model_id: UUID | None
    is_indexed: bool
    embedded: int
    products: int
    categories: dict[str, UUID]
    currency: str = RETAIL.currency


@dataclass(frozen=True, slots=True)
class SearchMatches:
    """The database's matches, not yet judged: rows best first, and why there may be none.

    `of_size` counts those of the sizes that were named, `words_found` candidates by words.
    `best_similarity` is that of the nearest product, even below the floor. `likened` is the SKU of
    the product in `similar to`.
    """

    rows: list[dict[str, Any]]
    found: int
    of_size: int
    words_found: int
    best_similarity: float | None
    likened: str | None
    nearest_categories: tuple[str, ...]
    is_exhaustive: bool
    scope: Scope
