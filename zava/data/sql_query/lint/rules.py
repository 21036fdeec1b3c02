"""The rules of the lint: each yields facts about a statement that change how its figures read.

A rule states nothing where the tree leaves a doubt: a false note is worse than none.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice

from zava.data.guard.cost.tree_facts import group_target
from zava.data.sql_query.lint.declarations import Column, LintFacts, StatusFacts
from zava.data.sql_query.lint.grain import Grain
from zava.data.sql_query.lint.name_resolution import Tree
from zava.data.sql_query.lint.query_tree import (
    DIVIDE,
    FunctionCall,
    Query,
    references,
    shown_parts,
)
from zava.data.sql_query.lint.whole_numbers import divides_count, is_divided_whole
from zava.data.syntax.parser import Node
from zava.model.sql_findings import Finding, FindingKind

_ADDING = frozenset({"sum", "avg"})
_KEEPS_NAMES = frozenset(
    {"concat", "concat_ws", "trim", "btrim", "ltrim", "rtrim", "initcap", "upper", "lower"}
)
_MAX_STEPS = 32
# Signs of strftime and of .NET or Java, which to_char copies or reads as something else.
_STRFTIME = re.compile(r"%[YymdBbHMSjAa]")
_MINUTES_AS_MONTH = re.compile(r"hh(?:12|24)?:mm", re.ASCII | re.IGNORECASE)
_COMPARISONS = frozenset({"=", "<>", "<", ">", "<=", ">="})
_YIELDS_TRUTH = ("NullTest", "BooleanTest")


def repeated_totals(tree: Tree, facts: LintFacts) -> Iterator[Finding]:
    """Yield sums and counts of rows that a join repeats."""
    for query in tree.queries:
        added = [call for call in query.calls if _adds(call)]
        if not added or not (len(query.sources) > 1 or any(s.query for s in query.sources)):
            continue
        grain = Grain(tree, query, facts)
        repeated = (finding for call in added for finding in _repeated(grain, call, facts))
        yield from islice(repeated, 1)  # the others of a query are repeated likewise


def _adds(call: FunctionCall) -> bool:
    is_adding = call.name in _ADDING or (call.name == "count" and "args" in call.node)
    return is_adding and "agg_distinct" not in call.node


def _repeated(grain: Grain, call: FunctionCall, facts: LintFacts) -> Iterator[Finding]:
    places = [grain.tree.path((grain.query,), (), ref) for ref in references(call.arguments)]
    owners = {place[0] for place in places if place is not None}
    if len(owners) != 1 or None in places:
        return
    (owner,), names = owners, {place[1] for place in places if place is not None}
    table = facts.tables.get(owner[-1].table or "")
    if table is None:
        return
    if call.name == "count":
        if {table.counted} != names or "ColumnRef" not in call.arguments[0]:
            return
    elif not names <= table.totals:
        return
    many = grain.repeating(owner, with_tenant=True)
    is_of_stores = many is None
    many = many or grain.repeating(owner, with_tenant=False)
    if many is None:
        return
    column = f"{owner[-1].table}.{min(names)}"
    what = f"counts each {table.row}" if call.name == "count" else f"takes each {table.row}'s value"
    remedy = f"count(DISTINCT {min(names)})" if call.name == "count" else "aggregate before joining"
    yield Finding(
        FindingKind.REPEATED_TOTALS,
        f"{call.name}({column}) {what} once for every row of {many[-1].table} joined to it:"
        f" {remedy}.",
        several_stores=is_of_stores,
    )


def every_status(tree: Tree, facts: LintFacts) -> Iterator[Finding]:
    """Yield one fact if a sum or average takes in rows of every status."""
    status = facts.status
    for query in tree.queries:
        for call in query.calls:
            if call.name in _ADDING and _reads_amount(tree, query, call, facts):
                yield Finding(
                    FindingKind.EVERY_STATUS, _about_status(status, facts.certified.label)
                )
                return


def _reads_amount(tree: Tree, query: Query, call: FunctionCall, facts: LintFacts) -> bool:
    for reference in references(call.arguments):
        found = tree.origin(query, reference)
        if found is not None and found[0] in facts.status.tables:
            return found[1] in facts.tables[found[0]].totals
    return False


@cache  # of one domain's declarations, which every caller shares
def _about_status(status: StatusFacts, label: str) -> str:
    listed, left_out = ", ".join(sorted(status.values)), " and ".join(status.excluded)
    return (
        f"No condition on {'.'.join(status.column)}: every status is included ({listed});"
        f" {label} leaves out {left_out}."
    )


def merged_names(tree: Tree, facts: LintFacts) -> Iterator[Finding]:
    """Yield groups by a name that several rows may have."""
    for query in tree.queries:
        groups = query.select.get("groupClause", ())
        if not groups or not query.has_aggregate or "havingClause" in query.select:
            continue
        targets = [group_target(group, query.select) for group in groups]
        grouped: set[Column] = set()
        for target in (_meant(query, each) for each in targets):
            grouped |= _named(tree, query, target)
        for name, table in facts.tables.items():
            merged = [column for column in table.names if (name, column) in grouped]
            if not table.names or len(merged) < len(table.names):
                continue
            if _tells_apart(targets, table.identities) or not _reads_others(query, name):
                continue
            yield Finding(
                FindingKind.MERGED_NAMES,
                f"Several {name} in your scope share a {' and '.join(merged)}, and a group holds"
                f" them all: add {min(table.identities)} to GROUP BY.",
                names=(name, table.names),
            )


def _meant(query: Query, group: Node) -> Node:
    """Return the output that a group names, where no source has a column of that name."""
    fields = group.get("ColumnRef", {}).get("fields", ())
    if len(fields) != 1 or "String" not in fields[0]:
        return group
    value = query.output(fields[0]["String"]["sval"])
    return group if value is None or "ColumnRef" in value else value


def _named(tree: Tree, query: Query, expression: Node) -> set[Column]:
    """Return the columns that an expression shows whole; nothing where it shows less."""
    found: set[Column] = set()
    stack = [expression]
    while stack:
        node = stack.pop()
        if "ColumnRef" in node:
            found |= _columns_of(tree, query, node["ColumnRef"])
            continue
        parts = shown_parts(node, _KEEPS_NAMES)
        if parts is None:
            return set()
        stack += parts
    return found


def _columns_of(tree: Tree, query: Query, reference: Node) -> set[Column]:
    origin = tree.origin(query, reference)
    if origin is not None:
        return {origin}
    place = tree.resolve(query, reference)
    inner = place and tree.expression(place[1], place[2])
    # As of WITH … AS (SELECT first_name || ' ' || last_name AS customer …).
    return _named(tree, *inner) if inner and "ColumnRef" not in inner[1] else set()


def _tells_apart(groups: list[Node], identities: frozenset[str]) -> bool:
    names = {
        fields[-1].get("String", {}).get("sval")
        for fields in (reference["fields"] for reference in references(groups))
    }
    return not identities.isdisjoint(names)


def _reads_others(query: Query, table: str) -> bool:
    """Whether the groups are of other rows than those of the table alone."""
    sources = query.sources
    while len(sources) == 1 and sources[0].query is not None:
        sources = sources[0].query.sources
    return [source.table for source in sources] != [table]


def whole_numbers(tree: Tree, _facts: LintFacts) -> Iterator[Finding]:
    """Yield one fact if an output divides two counts as integers."""
    for query in tree.queries:
        if not any(divides_count(tree, query, division) for division in query.divisions):
            continue
        keys = [group_target(key, query.select) for key in query.select.get("groupClause", ())]
        values, names = {id(key) for key in keys}, _names_of(keys)
        for target in query.targets:
            value = target["ResTarget"]["val"]
            if id(value) in values or target["ResTarget"].get("name") in names:
                continue
            if is_divided_whole(tree, query, value):
                yield Finding(
                    FindingKind.WHOLE_NUMBER,
                    "A division of two integers drops the fraction: write 1.0 * a / b.",
                )
                return


def _names_of(keys: list[Node]) -> set[str]:
    """Return the names alone among the keys of GROUP BY."""
    fields = [key["ColumnRef"]["fields"] for key in keys if "ColumnRef" in key]
    return {each[0]["String"]["sval"] for each in fields if len(each) == 1 and "String" in each[0]}


def averages_of_averages(tree: Tree, _facts: LintFacts) -> Iterator[Finding]:
    """Yield one fact if an average is taken of the averages or the ratios of groups."""
    for query in tree.queries:
        for call in query.calls:
            if call.name != "avg" or "over" in call.node or len(call.arguments) != 1:
                continue
            if _is_of_groups(tree, query, query, call.arguments[0], _AVERAGE):
                yield Finding(
                    FindingKind.AVERAGE_OF_AVERAGES,
                    "avg of the averages of groups weighs each group the same, of any size:"
                    " divide sum by count.",
                )
                return


_AVERAGE = frozenset({"avg"})
_SUMS = frozenset({"sum", "count"})
_PASSING = frozenset({"round", "trunc"})


def _is_of_groups(
    tree: Tree, query: Query, at: Query, expression: Node, names: frozenset[str]
) -> bool:
    """Whether an expression of `at` is an aggregate of these that a grouped query inside returns.

    A quotient of two sums is an average, too. `query` is the outermost one.
    """
    seen = 0
    while seen < _MAX_STEPS:
        seen += 1
        ((kind, part),) = expression.items()
        if kind == "TypeCast":
            expression = part["arg"]
        elif kind == "FuncCall":
            name = part["funcname"][-1]["String"]["sval"]
            if name in names:
                return "over" not in part and at is not query and "groupClause" in at.select
            if name not in _PASSING or not part.get("args"):
                return False
            expression = part["args"][0]
        elif kind == "ColumnRef":
            found = tree.resolve(at, part)
            inner = found and tree.expression(found[1], found[2])
            if not inner:
                return False
            at, expression = inner
        elif kind == "A_Expr" and names == _AVERAGE:
            return _is_quotient(tree, query, at, part)
        elif kind == "A_Expr" and part["kind"] == "AEXPR_NULLIF":
            expression = part["lexpr"]
        else:
            return False
    return False


def _is_quotient(tree: Tree, query: Query, at: Query, expression: Node) -> bool:
    """Whether both sides of a division are sums or counts of a grouped query inside."""
    if expression["name"][-1] != DIVIDE or "lexpr" not in expression:
        return False
    return all(
        _is_of_groups(tree, query, at, _without_factor(expression[side]), _SUMS)
        for side in ("lexpr", "rexpr")
    )


def _without_factor(side: Node) -> Node:
    """Return a factor beside a constant, as in 100.0 * a."""
    product = side.get("A_Expr", {})
    if product.get("name", [None])[-1] != {"String": {"sval": "*"}}:
        return side
    others = [product[each] for each in ("lexpr", "rexpr") if "A_Const" not in product[each]]
    return others[0] if len(others) == 1 else side


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
