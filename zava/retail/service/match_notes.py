"""Judge the matches of a product search, and note how good they are."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from zava.infrastructure.embeddings.embedder import EmbeddingModel
from zava.retail.declaration import RETAIL
from zava.retail.search_values import (
    ProductMatch,
    ProductMatches,
    ProductQuestion,
    SearchMatches,
    SearchRegistry,
)
from zava.retail.service.search_text.product_text import ReadText

_MAX_DESCRIPTION_CHARACTERS = 240
_HALF = 0.5


def judged(
    findings: SearchMatches,
    question: ProductQuestion,
    registry: SearchRegistry,
    notes: Sequence[str],
) -> ProductMatches:
    """Return the answer with notes on how good its matches are."""
    has_meaning = question.vector is not None or findings.likened is not None
    products = tuple(
        match_of(row, registry.model, has_others_of_size=findings.of_size > 0)
        for row in findings.rows
    )
    missing = registry.products - registry.embedded
    texts = list(notes)
    if registry.currency != RETAIL.currency:
        texts.append(f"List prices are in {registry.currency}.")
    if findings.likened is not None:
        texts.append(f"Products similar to {findings.likened}, which is left out.")
    elif not findings.words_found and {p.matched_by for p in products} == {"meaning"}:
        under = _under(_filters(question))
        texts.append(f"No product{under} holds any of these words; these were found by meaning.")
    if not products:
        texts += _why_empty(findings, question, registry)
    elif all(product.is_weak for product in products):
        texts.append(
            "Every match is weak: the catalogue may not have the product. Its categories:"
            f" {', '.join(sorted(registry.categories))}."
        )
    if has_meaning and missing > 0:
        texts.append(f"{missing:,} of {registry.products:,} products are found by words only.")
    if has_meaning and not findings.is_exhaustive:
        texts.append("Found through an approximate index: others may fit as well.")
    return ProductMatches(
        products=products,
        found=findings.found,
        searched_by=_searched_by(findings, has_meaning=has_meaning),
        minimum_similarity=question.threshold if has_meaning else None,
        is_complete=has_meaning and missing <= 0 and findings.is_exhaustive,
        notes=tuple(texts),
        scope=findings.scope,
        as_of=datetime.now(UTC),
        currency=registry.currency,
    )


def about_sizes(findings: SearchMatches, text: ReadText) -> list[str]:
    """Return a note on the sizes that were read from the text and found in names."""
    if not text.sizes or not findings.rows:
        return []
    sizes = ", ".join(text.sizes)
    if not findings.of_size:
        return [f"Size read: {sizes}. No product found has it in its name."]
    if findings.of_size == findings.found:
        return [f"Size read: {sizes}. Every product found has it."]
    counted = f"{findings.of_size:,} of {findings.found:,} products found have it"
    return [f"Size read: {sizes}. {counted}; the others are marked weak."]


def about_sku(findings: SearchMatches, question: ProductQuestion, text: ReadText) -> list[str]:
    """Return a note on a SKU in the text that no product has, where nothing else left it out."""
    if text.coded is None or _filters(question) or any(row["is_sku"] for row in findings.rows):
        return []
    return [f"No product has the SKU {text.coded}."]


def match_of(
    row: dict[str, Any], model: EmbeddingModel | None, *, has_others_of_size: bool
) -> ProductMatch:
    """Return a product that was found, and whether it matches weakly."""
    similarity, is_whole = row["similarity"], row["coverage"] == 1
    is_of_size = row["is_of_size"] or not has_others_of_size
    if not is_of_size and not row["is_sku"]:
        is_weak = True
    elif row["is_sku"] or is_whole:
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
        is_of_size=is_of_size,
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


def _filters(question: ProductQuestion) -> list[str]:
    """Return what narrows a search, as its arguments and its text name it."""
    return [
        name
        for name, is_set in (
            ("category", question.category_id is not None),
            ("in_stock_only", question.in_stock_only),
            ("the price", question.price is not None),
        )
        if is_set
    ]


def _under(filters: Sequence[str]) -> str:
    return f" within {' and '.join(filters)}" if filters else ""


def _why_empty(
    findings: SearchMatches, question: ProductQuestion, registry: SearchRegistry
) -> list[str]:
    texts = []
    filters = _filters(question)
    under = _under(filters)
    if not question.like:
        texts.append(
            f"No product{under} holds enough of these words."
            if findings.words_found
            else f"No product{under} holds any of these words."
        )
    if findings.best_similarity is not None:
        texts.append(
            f"The nearest by meaning has similarity {findings.best_similarity:.2f}, below"
            f" {question.threshold:.2f}."
        )
    if filters:
        texts.append(f"Try without {' and '.join(filters)}.")
    else:
        near = findings.nearest_categories or sorted(registry.categories)
        texts.append(
            f"Nearest categories: {', '.join(near)}." if near else "There are no products."
        )
    return texts
