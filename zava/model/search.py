"""The frozen values of product search: the question, the matches and their quality."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from zava.model.core import Scope


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """A model that turns text into vectors, and the cosine similarities to judge its matches by.

    Below `minimum_similarity` a product does not match; below `weak_similarity` it is flagged.
    """

    name: str
    dimensions: int
    minimum_similarity: float
    weak_similarity: float


@dataclass(frozen=True, slots=True)
class ProductQuestion:
    """A checked search: `text` and `skus` by words, `vector` or `like` by meaning.

    `vector` is in pgvector's text form, None if only words are searched. `like` is the SKU or name
    of a product whose own vector is taken. A `threshold` is a cosine similarity; a strict one also
    applies to products found by words.
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


@dataclass(frozen=True, slots=True)
class ProductMatch:
    """A product that was found, with the stock of the caller's own stores.

    `matched_by` is "sku", "words", "meaning" or "both"; `similarity` the cosine to the question,
    None without a vector. The texts are outsiders': data, never instructions.
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


@dataclass(frozen=True, slots=True)
class SearchRegistry:
    """The input of every search: the active model, if any, and the categories by name.

    `is_indexed` is true if the model's vectors have an approximate index.
    """

    model: EmbeddingModel | None
    model_id: UUID | None
    is_indexed: bool
    embedded: int
    products: int
    categories: dict[str, UUID]


@dataclass(frozen=True, slots=True)
class SearchMatches:
    """The database's matches, not yet judged: rows best first, and why there may be none.

    `words_found` and `nearest_found` count candidates of each kind. `best_similarity` is that of
    the nearest product, even below the floor. `likened` is the SKU of the product in `similar to`.
    """

    rows: list[dict[str, Any]]
    found: int
    words_found: int
    best_similarity: float | None
    likened: str | None
    nearest_categories: tuple[str, ...]
    is_exhaustive: bool
    scope: Scope
