"""The use case of product search: normalise the text, embed it, and judge the answer."""

import asyncio
import re
from dataclasses import replace
from difflib import get_close_matches
from typing import Protocol
from uuid import UUID

from zava.errors import Busy, EmbeddingsUnavailable, InvalidInput
from zava.infrastructure.embeddings.embedder import EmbeddingModel
from zava.model.core import Caller
from zava.retail.search_values import (
    CatalogueWords,
    ProductMatches,
    ProductQuestion,
    SearchMatches,
    SearchRegistry,
    price_in,
)
from zava.retail.service.match_notes import about_sizes, about_sku, judged, match_of
from zava.retail.service.search_text.product_text import ReadText, TextReader

REFERENCE_PERCENT = 30
"""The course's default threshold, a cosine of text-embedding-3-small in percent."""

_ATTEMPTS = 2
_LIKE = re.compile(
    r"(?:products? |items? |something |anything )?(?:similar to|like|alternatives? (?:to|for)) (.+)"
)


class SearchData(Protocol):
    """The catalogue in the data layer, as this use case sees it."""

    async def registry(self, caller: Caller) -> SearchRegistry:
        """Return the active model and the categories."""

    async def words(self, caller: Caller) -> CatalogueWords:
        """Return the words of the catalogue."""

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
        # Seen by every caller: made of the words of products, which are the same for all of them.
        self._reader: TextReader | None = None

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
        reader = await self._reader_of(await self._data.words(caller))
        currency = (await self._data.registry(caller)).currency
        text = reader.read(query_description, currency)
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
            matches = await self._attempt(caller, text, question, registry)
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

    async def _reader_of(self, words: CatalogueWords) -> TextReader:
        reader = self._reader
        if reader is None or reader.words is not words:
            # Off the event loop: the words of a large catalogue take most of a second.
            reader = self._reader = await asyncio.to_thread(TextReader, words)
        return reader

    async def _attempt(
        self, caller: Caller, text: ReadText, question: ProductQuestion, registry: SearchRegistry
    ) -> ProductMatches | None:
        likened = _LIKE.fullmatch(text.plain)
        if likened and registry.model:
            # Its own vector is mostly there: no model is asked. Its name's words would find itself.
            like = replace(
                question, text="", skus=(), like=likened[1], price=None, size_patterns=()
            )
            findings = await self._data.search(caller, like, registry)
            if findings is None:
                return None
            if findings.likened is not None and findings.best_similarity is not None:
                return judged(findings, like, registry, [])
        vector, notes = await self._vector(caller, question.text, registry)
        question = replace(question, vector=vector)
        findings = await self._data.search(caller, question, registry)
        if findings is None:
            return None
        notes += [*about_sku(findings, question, text), *text.notes, *about_sizes(findings, text)]
        if question.price is not None:
            notes += await self._about_other_prices(caller, question, registry, findings)
        return judged(findings, question, registry, notes)

    async def _about_other_prices(
        self,
        caller: Caller,
        question: ProductQuestion,
        registry: SearchRegistry,
        priced: SearchMatches,
    ) -> list[str]:
        """Return what the best match costs, if only the price leaves it out."""
        found = await self._data.search(caller, replace(question, price=None, max_rows=1), registry)
        if found is None or not found.rows:
            return []
        best = match_of(found.rows[0], registry.model, has_others_of_size=False)
        if best.is_weak or best.sku in {row["sku"] for row in priced.rows}:
            return []
        price = price_in(best.price, registry.currency)
        return [f"The best match without the price is {best.sku}, at {price}."]

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
    text: ReadText,
    registry: SearchRegistry,
    *,
    max_rows: int,
    similarity_threshold: float | None = None,
    category: str | None = None,
    in_stock_only: bool = False,
) -> ProductQuestion:
    """Return the question about a text, its vector still to come.

    Raises:
        InvalidInput: the category is unknown.
    """
    return ProductQuestion(
        text=text.text,
        skus=text.skus,
        like=None,
        vector=None,
        threshold=_threshold(similarity_threshold, registry.model),
        is_strict=similarity_threshold is not None,
        category_id=_category(category, registry),
        in_stock_only=in_stock_only,
        max_rows=max_rows,
        price=text.price,
        size_patterns=text.size_patterns,
    )


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
