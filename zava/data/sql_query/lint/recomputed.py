"""Whether a statement computes a certified metric in its own way, over days that are certain."""

from dataclasses import dataclass
from datetime import date

from zava.data.sql_query.lint.day_conditions import DayConditions
from zava.data.sql_query.lint.declarations import LintFacts
from zava.data.sql_query.lint.grain import Grain
from zava.data.sql_query.lint.moments import day_form, days_of
from zava.data.sql_query.lint.name_resolution import Tree
from zava.data.sql_query.lint.query_tree import Query, QuerySource
from zava.data.syntax.parser import Node
from zava.model.sql_findings import Recomputation

_NOT_SIMPLE = frozenset(
    {"havingClause", "distinctClause", "limitCount", "limitOffset", "larg", "withClause"}
)
_SPECIAL = frozenset({"agg_filter", "agg_distinct", "over"})
_LEAST_PLACES = 2

Filters = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Recognized:
    """A sum that recomputes a certified metric, whichever day it is run on."""

    metric: str
    column: int
    days: DayConditions
    filters: Filters
    because: tuple[str, ...]

    def on(self, today: date) -> Recomputation | None:
        """Return it with its days; None where they are unknown, or nothing differs."""
        days = self.days.on(today)
        if days is None or not self.because:
            return None
        return Recomputation(self.metric, self.column, days, self.filters, self.because)


def recognized(tree: Tree, facts: LintFacts) -> Recognized | None:
    """Return the sum that recomputes the certified metric, None unless its shape is certain."""
    query, certified = tree.top, facts.certified
    if len(tree.queries) > 1 or not _NOT_SIMPLE.isdisjoint(query.select):
        return None
    if not (query.is_clear and query.is_inner):
        return None
    summed = _sum_of(tree, query, facts)
    tables = [source.table for source in query.sources]
    if summed is None or len(set(tables)) < len(tables) or not certified.tables.issuperset(tables):
        return None
    column, owner = summed
    grain = Grain(tree, query, facts)
    finest = next((s for s in query.sources if s.table == certified.lines), owner)
    known = grain.determined((finest,), set(), with_tenant=False)
    if not grain.is_clear or len(known) < len(tables):
        return None
    conditions = _Conditions(tree, query, facts)
    if not conditions.are_read:
        return None
    is_of_lines = any(name in certified.of_lines for name, _ in conditions.filters)
    if is_of_lines and owner.table != certified.lines:
        return None  # whole orders that hold such a line
    because = _about_status(conditions.statuses, facts)
    if grain.repeating((owner,), with_tenant=False) is not None:
        because.append(f"it adds each {facts.tables[owner.table or ''].row} once for each line")
    return Recognized(
        certified.metric, column, conditions.days, tuple(conditions.filters), tuple(because)
    )


def _sum_of(tree: Tree, query: Query, facts: LintFacts) -> tuple[int, QuerySource] | None:
    """Return the place of the one output that adds up to the metric, and what it is summed of."""
    found = []
    for number, target in enumerate(query.targets):
        call = _summing(target["ResTarget"]["val"])
        if call is None or "ColumnRef" not in call["args"][0]:
            continue
        place = tree.resolve(query, call["args"][0]["ColumnRef"])
        if place is not None and (place[1].table, place[2]) in facts.certified.sums:
            found.append((number, place[1]))
    return found[0] if len(found) == 1 else None


def _summing(expression: Node) -> Node | None:
    """Return the sum that an output shows, rounded to cents at most."""
    part: Node
    while True:
        ((kind, part),) = expression.items()
        if kind == "CoalesceExpr":
            expression = part["args"][0]
        elif kind == "TypeCast" and _type_of(part) in {"numeric", "float8"}:
            if "typmods" in part["typeName"]:
                return None
            expression = part["arg"]
        elif kind == "FuncCall":
            name, arguments = part["funcname"][-1]["String"]["sval"], part.get("args", [])
            if name == "sum" and _SPECIAL.isdisjoint(part) and len(arguments) == 1:
                return part
            if name != "round" or len(arguments) != 2:  # noqa: PLR2004  # the value and places
                return None
            places = arguments[1].get("A_Const", {}).get("ival", {}).get("ival", 0)
            if places < _LEAST_PLACES:
                return None
            expression = arguments[0]
        else:
            return None


class _Conditions:
    """What the conditions of a query select; `are_read` is false if one is not understood."""

    def __init__(self, tree: Tree, query: Query, facts: LintFacts) -> None:
        self._tree, self._query, self._facts = tree, query, facts
        self.statuses = facts.status.values
        self.filters: list[tuple[str, tuple[str, ...]]] = []
        by_source = days_of(tree, query, facts)
        self.days = next(iter(by_source.values()), DayConditions())
        self.are_read = len(by_source) <= 1 and self.days.is_read and self.days.is_exact
        self.are_read &= all(self._read(condition) for condition in query.conditions)

    def _read(self, condition: Node) -> bool:
        compared = condition.get("A_Expr")
        if compared is None or "lexpr" not in compared:
            return False
        left, right = compared["lexpr"], compared["rexpr"]
        sign = compared["name"][-1]["String"]["sval"]
        if compared["kind"] in {"AEXPR_OP", "AEXPR_BETWEEN"}:
            if any(self._is_day(side) for side in (left, right)):
                return True  # read by `days_of`
            if sign == "=" and all("RowExpr" in side for side in (left, right)):
                rows = [side["RowExpr"]["args"] for side in (left, right)]
                return all(map(self._are_columns, *rows))
            if sign == "=" and "ColumnRef" in left and "ColumnRef" in right:
                return self._are_columns(left, right)
        values = _texts(right)
        origin = self._tree.origin(self._query, left["ColumnRef"]) if "ColumnRef" in left else None
        if origin is None or values is None:
            return False
        return self._restrict(origin, compared["kind"], sign, values)

    def _restrict(
        self, origin: tuple[str, str], kind: str, sign: str, values: tuple[str, ...]
    ) -> bool:
        is_excluding = sign == "<>"
        if kind not in {"AEXPR_OP", "AEXPR_IN", "AEXPR_OP_ANY", "AEXPR_OP_ALL"}:
            return False
        if sign not in {"=", "<>"} or (kind == "AEXPR_OP_ANY" and is_excluding):
            return False
        if kind == "AEXPR_OP_ALL" and not is_excluding:
            return False
        if origin == self._facts.status.column:
            admitted = frozenset(values)
            self.statuses &= (self._facts.status.values - admitted) if is_excluding else admitted
            return True
        dimension = self._facts.certified.dimensions.get(origin)
        if dimension is None or is_excluding or dimension in dict(self.filters):
            return False
        self.filters.append((dimension, values))
        return True

    def _is_day(self, side: Node) -> bool:
        return day_form(self._tree, self._query, side, self._facts) is not None

    def _are_columns(self, left: Node, right: Node) -> bool:
        return all(
            "ColumnRef" in side and self._tree.resolve(self._query, side["ColumnRef"]) is not None
            for side in (left, right)
        )


def _texts(node: Node) -> tuple[str, ...] | None:
    """Return the constants of text that a condition compares with, None for anything else."""
    items = node.get("List", {}).get("items") or node.get("A_ArrayExpr", {}).get("elements")
    found = []
    for item in items or [node]:
        inner = item["TypeCast"]["arg"] if "TypeCast" in item else item
        if "sval" not in inner.get("A_Const", {}):
            return None
        found.append(inner["A_Const"]["sval"].get("sval", ""))
    return tuple(found)


def _about_status(included: frozenset[str], facts: LintFacts) -> list[str]:
    excluded = [status for status in facts.status.excluded if status in included]
    missing = sorted(facts.status.values - included - set(facts.status.excluded))
    rows = facts.status.column[0]
    because = []
    if excluded:
        because.append(f"it includes {' and '.join(excluded)} {rows}")
    if missing:
        because.append(f"it leaves out {' and '.join(missing)} {rows}")
    return because


def _type_of(cast: Node) -> str:
    return str(cast["typeName"]["names"][-1]["String"]["sval"])
