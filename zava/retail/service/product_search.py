"""The use case of product search: normalise the text, embed it, and judge the answer."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Protocol
from uuid import UUID

from zava.errors import Busy, EmbeddingsUnavailable, InvalidInput
from zava.model.core import Caller
from zava.model.search import (
    EmbeddingModel,
    ProductMatch,
    ProductMatches,
    ProductQuestion,
    SearchMatches,
    SearchRegistry,
)

MAX_CHARACTERS = 1000
REFERENCE_PERCENT = 30
"""The course's default threshold, a cosine of text-embedding-3-small in percent."""

_MAX_DESCRIPTION_CHARACTERS = 240
_LONGEST_SKU, _MAX_SKUS = 50, 16
_ATTEMPTS = 2
_HALF = 0.5
_LIKE = re.compile(
    r"(?:products? |items? |something |anything )?(?:similar to|like|alternatives? (?:to|for)) (.+)"
)


class SearchData(Protocol):
    """The catalogue in the data layer, as this use case sees it."""

    async def registry(self, caller: Caller) -> SearchRegistry:
        """Return the active model and the categories."""

    async def search(
        self, caller: Caller, question: ProductQuestion, registry: SearchRegistry
    ) -> SearchMatches | None:
        """Search with the model of `registry`; None when it is no longer the active one."""


class Vectors(Protocol):
    """The embedding models that this process can call."""

    @property
    def models(self) -> tuple[str, ...]:
        """Their names."""

    async def vector(self, caller: Caller, model: str, text: str) -> str:
        """Return the vector of a caller's text in the database's form."""

    async def is_answering(self, model: str, *, within_seconds: float) -> bool:
        """Whether this model is known here and answers."""


class ProductSearch:
    """Find products by SKU, by words and by meaning, and report which of them matched."""

    def __init__(self, data: SearchData, vectors: Vectors) -> None:
        self._data = data
        self._vectors = vectors

    async def search(
        self,
        caller: Caller,
        query_description: str,
        *,
        max_rows: int,
        similarity_threshold: float | None = None,
        category: str | None = None,
        in_stock_only: bool = False,
    ) -> ProductMatches:
        """Return the products that fit a description best.

        If the model does not respond, the search uses words alone, and a note reports it.

        Raises:
            InvalidInput: the description holds no word or too many, or the category is unknown.
            EmbeddingsUnavailable: the catalogue is embedded with a model this server does not have.
        """
        text = normalised(query_description)
        for _ in range(_ATTEMPTS):
            registry = await self._data.registry(caller)
            question = question_of(
                text,
                registry,
                max_rows=max_rows,
                similarity_threshold=similarity_threshold,
                category=category,
                in_stock_only=in_stock_only,
            )
            matches = await self._attempt(caller, question, registry)
            if matches is not None:
                return matches
        raise Busy("The search model is being changed just now.", hint="Try again in a moment.")

    async def is_answering(self, caller: Caller, *, within_seconds: float) -> bool:
        """Whether there is search by meaning: a model is active, has vectors, and answers."""
        registry = await self._data.registry(caller)
        return (
            registry.model is not None
            and registry.embedded > 0
            and await self._vectors.is_answering(registry.model.name, within_seconds=within_seconds)
        )

    async def _attempt(
        self, caller: Caller, question: ProductQuestion, registry: SearchRegistry
    ) -> ProductMatches | None:
        likened = _LIKE.fullmatch(question.text)
        if likened and registry.model:
            # Its own vector is mostly there: no model is asked. Its name's words would find itself.
            like = replace(question, text="", skus=(), like=likened[1])
            findings = await self._data.search(caller, like, registry)
            if findings is None:
                return None
            if findings.likened is not None and findings.best_similarity is not None:
                return _judged(findings, like, registry, [])
        vector, notes = await self._vector(caller, question.text, registry)
        question = replace(question, vector=vector)
        findings = await self._data.search(caller, question, registry)
        return None if findings is None else _judged(findings, question, registry, notes)

    async def _vector(
        self, caller: Caller, text: str, registry: SearchRegistry
    ) -> tuple[str | None, list[str]]:
        if registry.model is None or not self._vectors.models:
            return None, ["Searched by words only: no embedding model is in use."]
        if registry.model.name not in self._vectors.models:
            raise EmbeddingsUnavailable(
                f"The catalogue is embedded with {registry.model.name}, and this server has"
                f" {', '.join(self._vectors.models)}.",
                hint="An administrator runs `python -m zava embed --activate` with this server's"
                " settings.",
            )
        try:
            return await self._vectors.vector(caller, registry.model.name, text), []
        except EmbeddingsUnavailable as error:
            return None, [f"Searched by words only: {error.message}"]


def question_of(
    text: str,
    registry: SearchRegistry,
    *,
    max_rows: int,
    similarity_threshold: float | None = None,
    category: str | None = None,
    in_stock_only: bool = False,
) -> ProductQuestion:
    """Return the question about a normalised text, its vector still to come.

    Raises:
        InvalidInput: the category is unknown.
    """
    return ProductQuestion(
        text=text,
        skus=_skus(text),
        like=None,
        vector=None,
        threshold=_threshold(similarity_threshold, registry.model),
        is_strict=similarity_threshold is not None,
        category_id=_category(category, registry),
        in_stock_only=in_stock_only,
        max_rows=max_rows,
    )


def normalised(description: str) -> str:
    """Return the text to search for: one line, lower case, no invisible characters.

    Raises:
        InvalidInput: the text has no letter or digit, or is too long.
    """
    if len(description) > MAX_CHARACTERS:
        raise InvalidInput(
            f"query_description has {len(description):,} characters; at most {MAX_CHARACTERS:,}"
            " are accepted.",
            hint="Describe the product in a sentence.",
        )
    kinds = {character: unicodedata.category(character) for character in description}
    seen = "".join(
        " " if kinds[character] == "Cc" else character
        for character in description
        if kinds[character] not in {"Cf", "Cs"}
    )
    text = " ".join(unicodedata.normalize("NFKC", seen).casefold().split())[:MAX_CHARACTERS]
    if not any(character.isalnum() for character in text):
        raise InvalidInput(
            "query_description holds no word.",
            hint="Name a product, what it is for, or a SKU.",
        )
    return text


def _skus(text: str) -> tuple[str, ...]:
    """Return what may be SKUs, in capitals: the text itself, and words with a digit or a hyphen."""
    words = (word.strip(".,;:!?()[]{}'\"") for word in text.split())
    maybe = [text, *(word for word in words if re.search(r"[\d-]", word))]
    short = (word.upper() for word in maybe if 0 < len(word) <= _LONGEST_SKU)
    return tuple(dict.fromkeys(short))[:_MAX_SKUS]


def _threshold(percent: float | None, model: EmbeddingModel | None) -> float:
    """Return the least cosine similarity for a percentage on the scale of the course's model.

    Its default of 30 % is every model's own floor, 100 % is identity; between, it is linear.
    """
    if model is None:
        return 0.0
    floor = model.minimum_similarity
    if percent is None:
        return floor
    if percent <= REFERENCE_PERCENT:
        return floor * percent / REFERENCE_PERCENT
    return floor + (1 - floor) * (percent - REFERENCE_PERCENT) / (100 - REFERENCE_PERCENT)


def _category(name: str | None, registry: SearchRegistry) -> UUID | None:
    """Return the category's id.

    Raises:
        InvalidInput: there is no such category; the nearest ones are offered.
    """
    if name is None:
        return None
    folded = {known.casefold(): known for known in registry.categories}
    wanted = " ".join(name.split()).casefold()
    if wanted in folded:
        return registry.categories[folded[wanted]]
    near = get_close_matches(wanted, folded, 3, 0.5) or [
        known for known in folded if wanted and wanted in known
    ]
    offered = ", ".join(folded[known] for known in near) or ", ".join(sorted(registry.categories))
    raise InvalidInput("category: there is no such category.", hint=f"Use one of: {offered}.")


def _judged(
    findings: SearchMatches,
    question: ProductQuestion,
    registry: SearchRegistry,
    notes: Sequence[str],
) -> ProductMatches:
    """Return the answer with notes on how good its matches are."""
    has_meaning = question.vector is not None or findings.likened is not None
    products = tuple(_match(row, registry.model) for row in findings.rows)
    missing = registry.products - registry.embedded
    told = list(notes)
    if findings.likened is not None:
        told.append(f"Products similar to {findings.likened}, which is left out.")
    elif not findings.words_found and {p.matched_by for p in products} == {"meaning"}:
        told.append("No product holds any of these words; these were found by meaning.")
    if not products:
        told += _why_empty(findings, question, registry)
    elif all(product.is_weak for product in products):
        told.append(
            "Every match is weak: the catalogue may not have the product. Its categories:"
            f" {', '.join(sorted(registry.categories))}."
        )
    if has_meaning and missing > 0:
        told.append(f"{missing:,} of {registry.products:,} products are found by words only.")
    if has_meaning and not findings.is_exhaustive:
        told.append("Found through an approximate index: others may fit as well.")
    return ProductMatches(
        products=products,
        found=findings.found,
        searched_by=_searched_by(findings, has_meaning=has_meaning),
        minimum_similarity=question.threshold if has_meaning else None,
        is_complete=has_meaning and missing <= 0 and findings.is_exhaustive,
        notes=tuple(told),
        scope=findings.scope,
        as_of=datetime.now(UTC),
    )


def _match(row: dict[str, Any], model: EmbeddingModel | None) -> ProductMatch:
    similarity, is_whole = row["similarity"], row["coverage"] == 1
    if row["is_sku"] or is_whole:
        is_weak = False
    elif similarity is None or model is None:
        is_weak = (row["coverage"] or 0) < _HALF
    else:
        is_weak = similarity < model.weak_similarity
    description = row["description"]
    if len(description) > _MAX_DESCRIPTION_CHARACTERS:
        description = f"{description[: _MAX_DESCRIPTION_CHARACTERS - 1].rstrip()}…"
    return ProductMatch(
        sku=row["sku"],
        name=row["product_name"],
        category=row["category_name"],
        price=row["base_price"],
        description=description,
        is_discontinued=row["discontinued"],
        stock=row["stock"],
        stores_in_stock=row["stores_in_stock"],
        matched_by=_matched_by(row),
        similarity=similarity,
        is_weak=is_weak,
    )


def _matched_by(row: dict[str, Any]) -> str:
    if row["is_sku"]:
        return "sku"
    if row["is_word"]:
        return "both" if row["is_meaning"] else "words"
    return "meaning"


def _searched_by(findings: SearchMatches, *, has_meaning: bool) -> str:
    if not has_meaning:
        return "words"
    return "words and meaning" if findings.words_found else "meaning"


def _why_empty(
    findings: SearchMatches, question: ProductQuestion, registry: SearchRegistry
) -> list[str]:
    told = []
    filters = [
        name
        for name, is_set in (
            ("category", question.category_id is not None),
            ("in_stock_only", question.in_stock_only),
        )
        if is_set
    ]
    under = f" under {' and '.join(filters)}" if filters else ""
    if not question.like:
        told.append(
            f"No product{under} holds enough of these words."
            if findings.words_found
            else f"No product{under} holds any of these words."
        )
    if findings.best_similarity is not None:
        told.append(
            f"The nearest by meaning has similarity {findings.best_similarity:.2f}, below"
            f" {question.threshold:.2f}."
        )
    if filters:
        told.append(f"Try without {' and '.join(filters)}.")
    else:
        near = findings.nearest_categories or sorted(registry.categories)
        told.append(f"Nearest categories: {', '.join(near)}." if near else "There are no products.")
    return told
