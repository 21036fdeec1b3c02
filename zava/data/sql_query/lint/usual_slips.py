"""Slips in one call that PostgreSQL runs without an error: its figure is another than is meant."""

import re
from collections.abc import Iterator

from zava.data.sql_query.lint.declarations import LintFacts
from zava.data.sql_query.lint.name_resolution import Tree
from zava.data.syntax.parser import Node
from zava.model.sql_findings import Finding, FindingKind

# Signs of strftime and of .NET or Java, which to_char copies or reads as something else.
_STRFTIME = re.compile(r"%[YymdBbHMSjAa]")
_MINUTES_AS_MONTH = re.compile(r"hh(?:12|24)?:mm", re.ASCII | re.IGNORECASE)
_COMPARISONS = frozenset({"=", "<>", "<", ">", "<=", ">="})
_YIELDS_TRUTH = ("NullTest", "BooleanTest")


def counted_conditions(tree: Tree, _facts: LintFacts) -> Iterator[Finding]:
    """Yield one fact if a count takes in the rows that do not meet its condition.

    The count of a condition takes each row where it is true or false. So does that of a CASE
    that has a value in each branch.
    """
    for query in tree.queries:
        for call in query.calls:
            if call.name != "count" or len(call.arguments) != 1 or "agg_distinct" in call.node:
                continue
            if _is_condition(call.arguments[0]) or _has_each_value(call.arguments[0]):
                yield Finding(
                    FindingKind.COUNTED_CONDITION,
                    "count(x) counts each row where x is not NULL, whether true, false or 0:"
                    " count(*) FILTER (WHERE condition).",
                )
                return


def other_templates(tree: Tree, _facts: LintFacts) -> Iterator[Finding]:
    """Yield one fact if a template of to_char is that of another language."""
    for query in tree.queries:
        for call in query.calls:
            if call.name != "to_char" or len(call.arguments) <= 1:
                continue
            template = _text(call.arguments[1])
            if _STRFTIME.search(template):
                yield Finding(
                    FindingKind.OTHER_TEMPLATE,
                    "to_char takes YYYY-MM-DD HH24:MI, and copies the % of %Y-%m.",
                )
                return
            if _MINUTES_AS_MONTH.search(template):
                yield Finding(
                    FindingKind.OTHER_TEMPLATE,
                    "MM of to_char is the month, also after HH: minutes are MI.",
                )
                return


def _is_condition(value: Node) -> bool:
    ((kind, part),) = value.items()
    if kind == "A_Expr":
        if part["kind"] != "AEXPR_OP":
            return part["kind"] in {"AEXPR_IN", "AEXPR_LIKE", "AEXPR_ILIKE", "AEXPR_BETWEEN"}
        return part["name"][-1]["String"]["sval"] in _COMPARISONS
    return kind in _YIELDS_TRUTH or (kind == "BoolExpr" and part["boolop"] == "AND_EXPR")


def _has_each_value(value: Node) -> bool:
    """Whether a CASE has a constant other than NULL in each branch."""
    case = value.get("CaseExpr")
    if case is None or "defresult" not in case:
        return False
    results = [case["defresult"], *(each["CaseWhen"]["result"] for each in case["args"])]
    constants = [result.get("A_Const") for result in results]
    return all(each is not None and "isnull" not in each for each in constants)


def _text(value: Node) -> str:
    text: str = value.get("A_Const", {}).get("sval", {}).get("sval", "")
    return text
