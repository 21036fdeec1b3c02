"""The words of the demo catalogue, computed without a database."""

import re
from collections import Counter
from typing import Any

from zava.retail.demo.generated_rows import seed_catalogue, seed_products
from zava.retail.search_values import CatalogueWords

_WORD = re.compile(r"(?<!\w)[^\W\d_]{2,40}(?!\w)")
_NAMED = re.compile(rf"{_WORD.pattern}|(?<!\w)[0-9]{{1,3}}(?:x[0-9]{{1,3}})+(?!\w)")


def demo_products() -> list[dict[str, Any]]:
    """Return the demo products as they are loaded."""
    return list(seed_products(seed_catalogue()))


def demo_words() -> CatalogueWords:
    """Return what `search_words.sql` reads from them."""
    named: Counter[str] = Counter()
    described: set[str] = set()
    phrases: set[str] = set()
    for product in demo_products():
        kind = f"{product['type_name']}, {product['synonyms']}".lower()
        text = f"{product['product_name']} {kind} {product['category_name']}".lower()
        named.update(set(_NAMED.findall(text)))
        described |= set(_WORD.findall(product["product_description"].lower()))
        phrases |= {part.strip() for part in kind.split(",")}
    shapes = {re.sub(r"\d", "9", product["sku"].upper()) for product in demo_products()}
    return CatalogueWords(
        dict(named), frozenset(described - named.keys()), tuple(sorted(phrases)), tuple(shapes)
    )
