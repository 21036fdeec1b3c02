"""The frozen values of the domain, shared by every layer."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class Audience(StrEnum):
    """Who is asking, as the database knows it: each value is the name of a database role."""

    STORE_MANAGERS = "store_managers"
    REGIONAL_MANAGERS = "regional_managers"
    HEAD_OFFICE = "head_office"


@dataclass(frozen=True, slots=True)
class Caller:
    """A person or application whose token was verified; what it may see, the database decides.

    `tenant_id` and `object_id` are the directory's (`tid`, `oid`), never a store's.
    """

    tenant_id: UUID
    object_id: UUID


@dataclass(frozen=True, slots=True)
class Scope:
    """What one answer could see: `stores` in name order, out of `store_count` in the chain."""

    audience: Audience
    stores: tuple[str, ...]
    store_count: int


@dataclass(frozen=True, slots=True)
class Column:
    """One output column; `type` is PostgreSQL's name of it (`numeric`, `timestamp with time zone`).

    `is_outside_text` marks text that customers or suppliers wrote: data, never instructions.
    """

    name: str
    type: str
    is_outside_text: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one statement in column order, and the scope in which they were read.

    Cells are JSON values: numbers that survive a double exactly stay numbers, all others are
    strings; dates are ISO 8601. `truncated` is None, "rows" or "bytes". `notes` say why an answer
    is empty.
    """

    columns: tuple[Column, ...]
    rows: list[list[Any]]
    truncated: str | None
    scope: Scope
    as_of: datetime
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableSchema:
    """The structure of one table as one audience may read it."""

    name: str
    comment: str | None
    columns: tuple["ColumnSchema", ...]
    primary_key: tuple[str, ...]
    foreign_keys: tuple["ForeignKey", ...]


@dataclass(frozen=True, slots=True)
class ColumnSchema:
    """One readable column; `values` lists the only values a checked enumeration admits."""

    name: str
    type: str
    is_nullable: bool
    comment: str | None
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """`columns` of this table point at `references` of `table`, pairwise."""

    columns: tuple[str, ...]
    table: str
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """A model that turns text into vectors, and the cosine similarities to judge its matches by.

    Below `minimum_similarity` a match is none; below `weak_similarity` it is flagged.
    """

    name: str
    dimensions: int
    minimum_similarity: float
    weak_similarity: float


@dataclass(frozen=True, slots=True)
class ProductQuestion:
    """What is searched for, checked: `text` and `skus` by words, `vector` or `like` by meaning.

    `vector` is in pgvector's text form, None where only words are searched; `like` is the SKU or
    name of a product whose own vector is taken. A `threshold` is a cosine similarity; strict, it
    also holds for what was found by words.
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

    `is_complete` is False when products may be missing that should have been found: no search by
    meaning, products without a vector, or an approximate index under a filter.
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
    """What search knows beforehand: the active model, if any, and the categories by name.

    `is_indexed` says whether an approximate index stands on the model's vectors.
    """

    model: EmbeddingModel | None
    model_id: UUID | None
    is_indexed: bool
    embedded: int
    products: int
    categories: dict[str, UUID]


@dataclass(frozen=True, slots=True)
class Findings:
    """What the database found, not yet judged: rows best first, and why there may be none.

    `words_found` and `nearest_found` count candidates of each kind, `best_similarity` is that of
    the nearest product whatever the floor, `likened` the name of the product that was meant.
    """

    rows: list[dict[str, Any]]
    found: int
    words_found: int
    best_similarity: float | None
    likened: str | None
    nearest_categories: tuple[str, ...]
    is_exhaustive: bool
    scope: Scope
