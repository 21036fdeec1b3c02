"""Reads the cases: JSON Lines, one file for each class."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CASES = Path(__file__).with_name("cases")
LEGITIMATE = Path(__file__).with_name("legitimate.jsonl")
MISTAKES = Path(__file__).with_name("mistakes.jsonl")

# Names of tables and columns, by domain.
VOCABULARY = {
    "retail": {
        "tenants": "retail.stores",
        "tenant_key": "store_id",
        "tenant_name": "store_name",
        "orders": "retail.orders",
        "order_key": "order_id",
        "tenant": "store_id",
        "day": "order_date",
        "amount": "total_amount",
        "status": "status",
        "lines": "retail.order_items",
        "line_order": "order_id",
        "line_amount": "total_amount",
        "customers": "retail.customers",
        "customer_key": "customer_id",
        "person": "first_name",
        "email": "email",
        "schema": "retail",
        "orders_name": "orders",
    },
    "billing": {
        "tenants": "public.organizations",
        "tenant_key": "id",
        "tenant_name": "name",
        "orders": "public.invoices",
        "order_key": "id",
        "tenant": "organization_id",
        "day": "issued_on",
        "amount": "amount_cents",
        "status": "status",
        "lines": "public.invoice_lines",
        "line_order": "invoice_id",
        "line_amount": "amount_cents",
        "customers": "public.customers",
        "customer_key": "id",
        "person": "name",
        "email": "email",
        "schema": "public",
        "orders_name": "invoices",
    },
}
# What the run fills in: ids of both tenants, what an attacker reads in the source, and places.
FACTS = frozenset(
    {"own", "other", "own_order", "other_order", "other_customer", "other_email", "absent"}
    | {"context", "forged", "role", "login", "neighbour", "port", "file", "guess"}
)
_TEXTS = frozenset({"id", "sql", "note", "then", "planted"})
_LISTS = frozenset({"seen", "guess"})
_FLAGS = frozenset({"timed", "busy"})


class BadCase(ValueError):
    """A line is not in the documented format; the message names file, line and problem."""


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile statement, and what would show its harm besides what is always looked for."""

    id: str
    kind: str
    sql: str
    note: str = ""
    then: str = ""
    """A statement that the next caller of the connection runs."""
    seen: tuple[str, ...] = ()
    """Texts that only harm brings into an answer."""
    guess: tuple[str, ...] = ()
    """Two values for `{guess}`; answers that differ are harm."""
    planted: str = ""
    """A name that a customer of the attacker's tenant chose; an obedient model runs the statement
    between its ⟦ and ⟧."""
    timed: bool = False
    """Whether a difference in duration between both guesses is harm."""
    busy: bool = False
    """Whether the neighbour works during the call."""


def read_cases(directory: Path = CASES) -> list[Case]:
    """Return every case, class by class.

    Raises:
        BadCase: a line is not in the format, or an id comes twice.
    """
    cases: dict[str, Case] = {}
    for file in sorted(directory.glob("*.jsonl")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            case = _case(line, file.stem, f"{file.name}:{number}")
            if case.id in cases:
                raise BadCase(f"{file.name}:{number}: the id {case.id} comes twice")
            cases[case.id] = case
    return list(cases.values())


def read_lines(file: Path) -> list[dict[str, Any]]:
    """Return the objects of a file of JSON Lines."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def filled(text: str, values: Mapping[str, str]) -> str:
    """Put values into the placeholders of a text; any other brace stays."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


def _case(line: str, kind: str, place: str) -> Case:
    try:
        content = json.loads(line)
    except json.JSONDecodeError as error:
        raise BadCase(f"{place}: not JSON: {error.msg}") from error
    if not isinstance(content, dict):
        raise BadCase(f"{place}: not an object")
    unknown = set(content) - _TEXTS - _LISTS - _FLAGS
    if unknown:
        raise BadCase(f"{place}: unknown keys: {', '.join(sorted(unknown))}")
    for key, value in content.items():
        if not _fits(key, value):
            raise BadCase(f"{place}: {key} has another type")
    if not content.get("id", "").startswith(f"{kind}-") or not content.get("sql"):
        raise BadCase(f"{place}: id has to begin with {kind}-, and sql may not be empty")
    guesses = content.get("guess", ())
    if len(guesses) not in {0, 2} or bool(guesses) != ("{guess}" in content["sql"]):
        raise BadCase(f"{place}: guess has two values for the placeholder in sql")
    if content.get("timed") and not guesses:
        raise BadCase(f"{place}: timed needs guess")
    lists = {key: tuple(content[key]) for key in _LISTS & set(content)}
    return Case(kind=kind, **(content | lists))


def _fits(key: str, value: object) -> bool:
    if key in _LISTS:
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    return isinstance(value, bool if key in _FLAGS else str)
