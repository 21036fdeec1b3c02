"""Renders the statements that a server over an adopted database sends beside those of callers."""

from collections.abc import Iterable, Mapping
from importlib.resources import files

from zava.adoption.declared_values import (
    AdoptionDeclaration,
    TableRule,
    literal,
    quoted,
    quoted_table,
)
from zava.adoption.seal_templates import filled
from zava.data.guard.vocabulary import TYPES
from zava.data.syntax.outside_text import HOLDS_NO_TEXT

MOST_LABELS = 20
"""How many tenants an answer names."""

LABEL_CHARACTERS = 100
"""The longest label of a tenant in an answer: customers of the application write them."""

MOST_VALUES = 50
"""The longest list of values that the structure of a table shows."""

_NOTHING = (
    "SELECT NULL::text AS table_name, NULL::text AS column_name, NULL::json AS values WHERE false"
)


def kept_names(declaration: AdoptionDeclaration) -> dict[str, TableRule]:
    """Return the declared tables by the name under which the server keeps each.

    That is the bare name. Of several tables with one name, the first schema's has it.
    """
    kept: dict[str, TableRule] = {}
    order = {schema: place for place, schema in enumerate(declaration.schemas)}
    rules = declaration.tables.values()
    for rule in sorted(rules, key=lambda each: order[each.name.partition(".")[0]]):
        bare = rule.name.partition(".")[2]
        kept[rule.name if bare in kept else bare] = rule
    return kept


def served_statements(declaration: AdoptionDeclaration) -> Mapping[str, str]:
    """Return the statements by the names under which the core sends its own."""
    kept = kept_names(declaration)
    names = ", ".join(f"({', '.join(_parts(name, rule))})" for name, rule in kept.items())
    rules = ", ".join(_outside_rule(name, rule, declaration) for name, rule in kept.items())
    outside = _filled(
        "outside_columns", {"rules": rules, "without_text": _array(sorted(HOLDS_NO_TEXT))}
    )
    path = (*declaration.schemas, *declaration.support_schemas)
    values = {
        "outside": outside,
        "path": _array(path),
        "types": _array(sorted(TYPES)),
        "trusted": _array(declaration.trusted_functions),
    }
    return {
        "scope": _scope(declaration),
        "enumerated_values": _enumerated(declaration, kept),
        "table_structure": _filled("table_structure", {"tables": names}),
        "field_names": _filled("field_names", values),
        "outside_text": _filled("outside_text", values),
    }


def _scope(declaration: AdoptionDeclaration) -> str:
    """Return what reads the labels of the caller's tenants; none where an audience may not."""
    tenant = declaration.tenant
    rule = declaration.tables.get(tenant.table)
    if rule is None or any(rule.hides(tenant.label, each.name) for each in declaration.audiences):
        return "SELECT NULL::text AS store_name, 0 AS store_count WHERE false"
    label = f"t.{quoted(tenant.label)}::text"
    cut = f"left({label}, {LABEL_CHARACTERS - 1}) || '…'"
    return (
        f"SELECT CASE WHEN length({label}) > {LABEL_CHARACTERS} THEN {cut} ELSE {label} END"
        " AS store_name, 0 AS store_count"
        f" FROM {quoted_table(tenant.table)} AS t"
        f" WHERE t.{quoted(tenant.label)} IS NOT NULL ORDER BY 1 LIMIT {MOST_LABELS}"
    )


def _enumerated(declaration: AdoptionDeclaration, kept: Mapping[str, TableRule]) -> str:
    """Return what reads the values of the columns that the declaration lists, as a caller."""
    parts = []
    for name, rule in kept.items():
        for column in _known_words(rule, declaration):
            if any(rule.hides(column, each.name) for each in declaration.audiences):
                continue
            some = (
                f"SELECT DISTINCT t.{quoted(column)}::text AS v FROM {quoted_table(rule.name)} AS t"
                f" WHERE t.{quoted(column)} IS NOT NULL ORDER BY 1 LIMIT {MOST_VALUES + 1}"
            )
            parts.append(
                f"SELECT {literal(name)} AS table_name, {literal(column)} AS column_name,"
                f" (SELECT CASE WHEN count(*) <= {MOST_VALUES} THEN json_agg(v) END"
                f" FROM ({some}) AS s) AS values"  # names of the declaration, quoted
            )
    return " UNION ALL ".join(parts) or _NOTHING


def _known_words(rule: TableRule, declaration: AdoptionDeclaration) -> tuple[str, ...]:
    """Return the columns with few values: those of the rule, and the attributes of a tenant."""
    attributes = declaration.tenant.attributes if rule.name == declaration.tenant.table else ()
    return tuple(dict.fromkeys((*rule.values, *attributes)))


def _outside_rule(name: str, rule: TableRule, declaration: AdoptionDeclaration) -> str:
    trusted = _known_words(rule, declaration)
    shared = "true" if rule.shared else "false"
    values = (*_parts(name, rule), shared, _array(rule.outside_text), _array(trusted))
    return f"({', '.join(values)})"


def _parts(name: str, rule: TableRule) -> tuple[str, str, str]:
    schema, _, table = rule.name.partition(".")
    return literal(name), literal(schema), literal(table)


def _array(values: Iterable[str]) -> str:
    return f"ARRAY[{', '.join(map(literal, values))}]::text[]"


def _filled(name: str, values: Mapping[str, str]) -> str:
    text = (files(__package__) / "queries" / f"{name}.sql").read_text(encoding="utf-8")
    return filled(text, values)
