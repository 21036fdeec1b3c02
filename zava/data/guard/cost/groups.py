"""Bounds how many rows an aggregate gathers, by the text of its query alone."""

from typing import NamedTuple

from zava.data.guard.cost.keys import joins_by_keys
from zava.data.guard.cost.tree_facts import group_target, inner_names, text_of
from zava.data.guard.cost.work import Work
from zava.data.guard.field_notation import implied_name
from zava.data.syntax.parser import Node, nodes_of

_ORDER = "order_id"
_SHARES_OF_KEYS = {_ORDER: 1 / 20_000, "customer_id": 1 / 1_000, "product_id": 1 / 1_000}
_LEAST_OF_A_KEY, _LEAST_OF_AN_ORDER = 50.0, 10.0


class _Group(NamedTuple):
    """How many rows of a query an aggregate gathers, and the names that are the query's own."""

    rows: float
    qualifiers: frozenset[str]
    columns: frozenset[str] | None


class Groups:
    """The queries of one statement, as their aggregates gather rows of them."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.around: list[Node] = []
        """The queries around what is read, the innermost last."""
        # What aggregates have asked of each.
        self._known: dict[int, _Group] = {}

    def gathered_rows(self, arguments: list[Node]) -> float:
        """Return how many rows an aggregate gathers: those of the query whose columns it names.

        An aggregate over columns of an enclosing query alone belongs to that one.
        """
        rows, qualifiers, columns = self._group(self.around[-1])
        for node in nodes_of(arguments):
            parts = node.get("ColumnRef", {}).get("fields", ())
            if len(parts) > 1 and parts[-2].get("String", {}).get("sval") not in qualifiers:
                return max(self._group(select).rows for select in self.around)
            is_known = columns is None or (parts[-1:] and text_of(parts[-1]) in columns)
            if len(parts) == 1 and not is_known:
                return max(self._group(select).rows for select in self.around)
        return rows

    def _group(self, select: Node) -> "_Group":
        known = self._known.get(id(select))
        if known is None:
            known = _Group(self._rows_of_a_group(select), *inner_names(select))
            self._known[id(select)] = known
        return known

    def _rows_of_a_group(self, select: Node) -> float:
        rows = self._work.joined(select)
        keys = [group_target(key, select) for key in select.get("groupClause", ())]
        names = {implied_name(key) for key in keys if "ColumnRef" in key}
        # A key of a stored table has few rows. A column that the statement makes may be constant.
        shares = [share for name, share in _SHARES_OF_KEYS.items() if name in names]
        if not shares or not joins_by_keys(select, self._work.ctes):
            return rows
        least = _LEAST_OF_AN_ORDER if _ORDER in names else _LEAST_OF_A_KEY
        return max(rows * min(shares), least)
