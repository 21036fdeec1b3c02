"""Whether a statement computes certified metrics in its own way, over days that are certain."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from zava.data.guard.cost.tree_facts import group_target
from zava.data.sql_query.lint.day_conditions import DayConditions
from zava.data.sql_query.lint.declarations import CertifiedForm, LintFacts
from zava.data.sql_query.lint.grain import Grain
from zava.data.sql_query.lint.moments import day_form, days_of
from zava.data.sql_query.lint.name_resolution import Tree
from zava.data.sql_query.lint.query_tree import Query, references
from zava.data.sql_query.lint.whole_numbers import is_divided_whole
from zava.data.syntax.parser import Node
from zava.model.sql_findings import Finding, FindingKind, Recomputation, RecomputedColumn

_NOT_SIMPLE = frozenset(
    {"havingClause", "distinctClause", "limitCount", "limitOffset", "larg", "withClause"}
)
_SPECIAL = frozenset({"over", "agg_order", "agg_within_group"})
_NUMBERS = frozenset({"numeric", "float8", "float4", "double precision"})
_WHOLE = frozenset({"int2", "int4", "int8"})
_OF_ARRAYS = frozenset({"AEXPR_OP_ANY", "AEXPR_OP_ALL"})
_ARRAY = re.compile(r"\{([\w ]+(?:,[\w ]+)*)\}")
_LEAST_PLACES, _DEEPEST = 2, 16
_ONE = "1"

Filters = tuple[tuple[str, tuple[str, ...]], ...]
Quotient = tuple[tuple[str, ...], tuple[str, ...]]
"""The factors above and below a fraction bar."""


@dataclass(frozen=True, slots=True)
class Recognized:
    """Outputs that recompute certified metrics, whichever day the statement is run on."""

    columns: tuple[RecomputedColumn, ...]
    days: DayConditions
    filters: Filters

    def on(self, today: date) -> Recomputation | None:
        """Return it with its days; None where they are unknown, or nothing differs."""
        days = self.days.on(today)
        columns = tuple(column for column in self.columns if column.because)
        return Recomputation(columns, days, self.filters) if days and columns else None


def recomputed_outputs(tree: Tree, facts: LintFacts) -> Iterator[Finding]:
    """Yield one finding if an output has the form of a certified metric."""
    is_simple = len(tree.queries) == 1 and _NOT_SIMPLE.isdisjoint(tree.top.select)
    if is_simple and any(True for _ in _certified_outputs(tree, tree.top, facts)):
        yield Finding(FindingKind.RECOMPUTED, "")


def recognized(tree: Tree, facts: LintFacts) -> Recognized | None:
    """Return the outputs that recompute certified metrics, None unless their shape is certain."""
    query, certified = tree.top, facts.certified
    if len(tree.queries) > 1 or not _NOT_SIMPLE.isdisjoint(query.select):
        return None
    if not (query.is_clear and query.is_inner):
        return None
    found = list(_certified_outputs(tree, query, facts))
    metrics = [of.metric for _, _, of in found]
    outputs = [each for each in found if metrics.count(each[2].metric) == 1]
    tables = [source.table for source in query.sources]
    if not outputs or len(set(tables)) < len(tables) or not certified.tables.issuperset(tables):
        return None
    return _judged(Grain(tree, query, facts), outputs)


def _judged(grain: Grain, outputs: list[tuple[int, str, CertifiedForm]]) -> Recognized | None:
    """Return the outputs with what they count differently, None where that is not certain."""
    query, facts = grain.query, grain.facts
    sources = {source.table: source for source in query.sources}
    owners = [sources.get(of.table) for _, _, of in outputs]
    lines = sources.get(facts.certified.lines)
    finest = lines or owners[0]
    conditions = _Conditions(grain.tree, query, facts)
    if finest is None or None in owners or not grain.is_clear or not conditions.are_read:
        return None
    if facts.status.usual not in conditions.statuses or _is_by_status(grain):
        return None
    if len(grain.determined((finest,), set(), with_tenant=False)) < len(sources):
        return None
    is_of_lines = any(name in facts.certified.of_lines for name, _ in conditions.filters)
    columns = []
    for number, form, of in outputs:
        is_distinct = form.startswith("count(distinct")
        if lines is not None and "count(*)" in form:
            continue  # these are lines, not orders
        if is_of_lines and of.table != facts.certified.lines:
            continue  # whole orders that hold such a line
        adds_up = "/" not in form and not is_distinct and not form.startswith("avg")
        if not adds_up and "groupClause" in query.select:
            continue
        because = _causes(grain, conditions.statuses, number, of, is_distinct=is_distinct)
        columns.append(RecomputedColumn(of.metric, number, adds_up, tuple(because)))
    return Recognized(tuple(columns), conditions.days, tuple(conditions.filters))


def _causes(
    grain: Grain, statuses: frozenset[str], number: int, of: CertifiedForm, *, is_distinct: bool
) -> list[str]:
    """Return what an output counts in another way than its metric."""
    because = _about_status(statuses, of, grain.facts)
    (owner,) = (source for source in grain.query.sources if source.table == of.table)
    if not is_distinct and grain.repeating((owner,), with_tenant=False) is not None:
        because.append(f"it adds each {grain.facts.tables[of.table].row} once for each line")
    value = grain.query.targets[number]["ResTarget"]["val"]
    if is_divided_whole(grain.tree, grain.query, value):
        because.append("it drops the fraction of a division of integers")
    if not because and of.counts:
        because.append(of.counts)
    return because


def _is_by_status(grain: Grain) -> bool:
    """Whether the rows are grouped by the status, so that a reader sees it."""
    keys = grain.query.select.get("groupClause", ())
    targets = [group_target(key, grain.query.select) for key in keys]
    status = grain.facts.status.column
    return any(
        grain.tree.origin(grain.query, reference) == status for reference in references(targets)
    )


def _certified_outputs(
    tree: Tree, query: Query, facts: LintFacts
) -> Iterator[tuple[int, str, CertifiedForm]]:
    """Yield place, form and metric of each output that has a certified form."""
    if not query.has_aggregate:
        return
    lines = facts.certified.lines
    has_lines = any(source.table == lines for source in query.sources)
    for number, target in enumerate(query.targets):
        form = form_of(tree, query, target["ResTarget"]["val"])
        of = facts.certified.forms.get(form) if form else None
        if of is not None and form is not None:
            if has_lines and form == "count(distinct orders.order_id)":
                of = CertifiedForm(of.metric, lines, of.excluded, of.counts)
            yield number, form, of


def form_of(tree: Tree, query: Query, expression: Node) -> str | None:
    """Return an output in one form of all that compute the same: `100*sum(a.x)/count(*)`.

    Casts, roundings to cents, COALESCE and NULLIF are left out, and factors are sorted. None is
    returned for what is not understood.
    """
    found = _quotient(tree, query, expression, 0)
    return None if found is None else _written(found)


def _written(quotient: Quotient) -> str:
    above, below = (sorted(each for each in side if each != _ONE) for side in quotient)
    return "/".join(["*".join(above) or _ONE, *below])


def _quotient(tree: Tree, query: Query, expression: Node, depth: int) -> Quotient | None:
    ((kind, part),) = expression.items()
    if depth > _DEEPEST:
        return None
    if kind == "A_Const":
        number = _number(part)
        return None if number is None else ((number,), ())
    if kind == "ColumnRef":
        place = tree.resolve(query, part)
        named = place and place[1].table and f"{place[1].table}.{place[2]}"
        return ((named,), ()) if named else None
    if kind == "CoalesceExpr":
        return _quotient(tree, query, part["args"][0], depth + 1)
    if kind == "TypeCast":
        return _of_cast(tree, query, part, depth)
    if kind == "FuncCall":
        return _of_call(tree, query, part, depth)
    return _of_operator(tree, query, part, depth) if kind == "A_Expr" else None


def _of_cast(tree: Tree, query: Query, cast: Node, depth: int) -> Quotient | None:
    name = _type_of(cast)
    inner = _quotient(tree, query, cast["arg"], depth + 1)
    if inner is None or "typmods" in cast["typeName"] or name not in _NUMBERS | _WHOLE:
        return None
    is_count = len(inner[0]) == 1 and inner[0][0].startswith("count(") and not inner[1]
    return inner if name in _NUMBERS or is_count else None


def _of_operator(tree: Tree, query: Query, compared: Node, depth: int) -> Quotient | None:
    if "lexpr" not in compared:
        return None
    left = _quotient(tree, query, compared["lexpr"], depth + 1)
    sign = compared["name"][-1]["String"]["sval"]
    if left is None or compared["kind"] == "AEXPR_NULLIF":
        return left
    right = _quotient(tree, query, compared["rexpr"], depth + 1)
    if right is None or compared["kind"] != "AEXPR_OP":
        return None
    if sign == "*":
        return left[0] + right[0], left[1] + right[1]
    if sign == "/":
        return left[0] + right[1], left[1] + right[0]
    return ((f"({_written(left)}-{_written(right)})",), ()) if sign == "-" else None


def _of_call(tree: Tree, query: Query, call: Node, depth: int) -> Quotient | None:
    name, arguments = call["funcname"][-1]["String"]["sval"], call.get("args", [])
    if name == "round" and len(arguments) == 2:  # noqa: PLR2004  # the value and places
        places = arguments[1].get("A_Const", {}).get("ival", {}).get("ival", 0)
        return _quotient(tree, query, arguments[0], depth + 1) if places >= _LEAST_PLACES else None
    if name not in {"sum", "avg", "count"} or not _SPECIAL.isdisjoint(call):
        return None
    only = _status_of(tree, query, call["agg_filter"]) if "agg_filter" in call else ""
    if call.get("agg_star"):
        return None if only is None else ((f"count(*){only}",), ())
    if len(arguments) != 1 or only is None:
        return None
    if "CaseExpr" in arguments[0] and name in {"sum", "count"} and not only:
        only = _counted_case(tree, query, arguments[0]["CaseExpr"])
        return None if only is None else ((f"count(*){only}",), ())
    inner = _quotient(tree, query, arguments[0], depth + 1)
    if inner is None or (name == "count" and "." not in _written(inner)):
        return ((f"count(*){only}",), ()) if inner is not None else None  # count(1)
    is_distinct = call.get("agg_distinct", False)
    if only or (is_distinct and name != "count"):
        return None
    return ((f"{name}({'distinct ' if is_distinct else ''}{_written(inner)})",), ())


def _status_of(tree: Tree, query: Query, condition: Node) -> str | None:
    """Return `[table.column=value]` of a comparison with a text, None for another condition."""
    compared = condition.get("A_Expr", {})
    values = _texts(compared.get("rexpr", {}))
    column = compared.get("lexpr", {}).get("ColumnRef")
    if compared.get("kind") != "AEXPR_OP" or column is None or values is None or len(values) != 1:
        return None
    place = tree.resolve(query, column)
    if compared["name"][-1]["String"]["sval"] != "=" or place is None or place[1].table is None:
        return None
    return f"[{place[1].table}.{place[2]}={values[0]}]"


def _counted_case(tree: Tree, query: Query, case: Node) -> str | None:
    """Return the condition of `CASE WHEN … THEN 1 [ELSE 0] END`, None for another CASE."""
    results = [when["CaseWhen"]["result"] for when in case["args"]]
    default = case.get("defresult", {}).get("A_Const", {"isnull": True})
    counted = len(results) == 1 and _number(results[0].get("A_Const", {})) == _ONE
    if not counted or "arg" in case or _number(default) not in {None, "0"}:
        return None
    return _status_of(tree, query, case["args"][0]["CaseWhen"]["expr"])


def _number(constant: Node) -> str | None:
    if "ival" in constant:
        return str(constant["ival"].get("ival", 0))
    if "fval" in constant:
        return f"{Decimal(constant['fval']['fval']).normalize():f}"
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
        self._keys = {facts.tenant}.union(*(key for t in facts.tables.values() for key in t.keys))
        self.are_read &= all(name in self._keys for (_, name), _ in query.shared)
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
                return all(map(self._are_one_key, *rows))
            if sign == "=" and "ColumnRef" in left and "ColumnRef" in right:
                return self._are_one_key(left, right)
        values = _elements(right) if compared["kind"] in _OF_ARRAYS else _texts(right)
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

    def _are_one_key(self, left: Node, right: Node) -> bool:
        """Whether both sides are the same key: other joins leave rows out that the metric has."""
        columns = [
            self._tree.origin(self._query, side["ColumnRef"]) if "ColumnRef" in side else None
            for side in (left, right)
        ]
        names = {column[1] if column else "" for column in columns}
        return len(names) == 1 and names <= self._keys


def _elements(node: Node) -> tuple[str, ...] | None:
    """Return the constants of an array, which may be a text such as '{a,b}'."""
    values = _texts(node)
    if "A_ArrayExpr" in node or values is None:
        return values
    listed = _ARRAY.fullmatch(values[0])
    return tuple(listed[1].split(",")) if listed else None


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


def _about_status(included: frozenset[str], of: CertifiedForm, facts: LintFacts) -> list[str]:
    left_out = facts.status.excluded if of.excluded is None else of.excluded
    excluded = [status for status in left_out if status in included]
    missing = sorted(facts.status.values - included - set(left_out))
    rows = facts.status.column[0]
    because = []
    if excluded:
        because.append(f"it includes {' and '.join(excluded)} {rows}")
    if missing:
        because.append(f"it leaves out {' and '.join(missing)} {rows}")
    return because


def _type_of(cast: Node) -> str:
    return str(cast["typeName"]["names"][-1]["String"]["sval"])
