"""The judged queries: which products answer which words, by rule, so that none is unjudged."""

import re
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).with_name("judged.txt")


@dataclass(frozen=True)
class Product:
    """What a rule looks at."""

    sku: str
    name: str
    type_name: str


@dataclass(frozen=True)
class Rule:
    """A grade for the products of one type (or all) whose name fits, or for one SKU."""

    grade: int
    type_name: str | None = None
    name: re.Pattern[str] | None = None
    sku: str | None = None

    def fits(self, product: Product) -> bool:
        """Whether the rule is about this product."""
        if self.sku is not None:
            return product.sku == self.sku
        return (self.type_name is None or product.type_name == self.type_name) and (
            self.name is None or self.name.search(product.name) is not None
        )


@dataclass(frozen=True)
class JudgedQuery:
    """One query; the first rule that fits a product decides."""

    kind: str
    text: str
    rules: tuple[Rule, ...]

    def grade(self, product: Product) -> int:
        """Return 0 (not relevant) to 3 (what was asked for)."""
        return next((rule.grade for rule in self.rules if rule.fits(product)), 0)


def judged_queries() -> list[JudgedQuery]:
    """Read the file."""
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    return [_query(line) for line in lines if line and not line.startswith("#")]


def _query(line: str) -> JudgedQuery:
    kind, text, rules = (part.strip() for part in line.split("|", 2))
    return JudgedQuery(kind, text, tuple(_rule(rule) for rule in rules.split(";") if rule.strip()))


def _rule(text: str) -> Rule:
    what, _, grade = (part.strip() for part in text.rpartition("="))
    if what.startswith("sku "):
        return Rule(int(grade), sku=what.removeprefix("sku "))
    type_name, _, name = (part.strip() for part in what.partition("~"))
    return Rule(
        int(grade),
        type_name=None if type_name == "*" else type_name,
        name=re.compile(name) if name else None,
    )
