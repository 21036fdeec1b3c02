"""Which queries join tables by nothing but their keys, so that one key has few of the rows."""

from itertools import pairwise

from zava.data.guard.cost.joins import selected_key
from zava.data.guard.cost.tree_facts import columns_of, conjuncts
from zava.data.syntax.parser import Node

_KEYS = frozenset({"order_id", "customer_id", "product_id", "category_id", "type_id"})
_STORES, _STORE = "stores", "store_id"


class _Joins:
    """The tables of a FROM clause by alias, and which of them one key joins."""

    def __init__(self, ctes: frozenset[str]) -> None:
        self._ctes = ctes
        self.tables: dict[str, str] = {}
        self.conditions: list[Node] = []
        self._group: dict[str, str] = {}
        self.is_plain = True

    def add(self, item: Node) -> list[str]:
        """Add an item and return the aliases of its tables."""
        ((kind, node),) = item.items()
        if kind == "RangeVar":
            return [self._table(node)]
        if kind != "JoinExpr":
            self.is_plain = False
            return []
        aliases = [*self.add(node["larg"]), *self.add(node["rarg"])]
        self.conditions += conjuncts(node.get("quals"))
        names = {part["String"]["sval"] for part in node.get("usingClause", ())}
        self.is_plain &= "isNatural" not in node and names <= _KEYS | {_STORE}
        if names & _KEYS:
            self.link(aliases)
        return aliases

    def _table(self, node: Node) -> str:
        name: str = node["relname"]
        alias: str = node.get("alias", {}).get("aliasname", name)
        is_made = "schemaname" not in node and name in self._ctes
        self.is_plain &= not is_made and name not in self.tables.values()
        self.tables[alias] = name
        self._group[alias] = alias
        return alias

    def link(self, aliases: list[str]) -> None:
        """Note that a key joins the tables of these aliases."""
        for one, other in pairwise(aliases):
            if one in self._group and other in self._group:  # else one is of a query around it
                old, new = self._group[one], self._group[other]
                self._group = {key: new if of == old else of for key, of in self._group.items()}

    def compare(self, condition: Node) -> None:
        """Note what one condition compares as equal."""
        sides = condition.get("A_Expr", {})
        if [part["String"]["sval"] for part in sides.get("name", ())] != ["="]:
            return
        if selected_key(condition, frozenset(self.tables)) is not None:
            return  # the key of one row or none
        if not (columns_of(sides.get("lexpr", {})) and columns_of(sides["rexpr"])):
            return
        left, right = _column(sides["lexpr"]), _column(sides["rexpr"])
        if left[-1] != right[-1] or left[-1] not in _KEYS | {_STORE}:
            self.is_plain = False
        elif left[-1] in _KEYS and len(left) == len(right) == 2:  # noqa: PLR2004  # alias.column
            self.link([left[0], right[0]])

    @property
    def are_linked(self) -> bool:
        """Whether keys join all tables but that of the stores, which has one row of a store."""
        groups = [self._group[alias] for alias, name in self.tables.items() if name != _STORES]
        return len(set(groups)) <= 1


def joins_by_keys(select: Node, ctes: frozenset[str]) -> bool:
    """Return whether a query reads tables, each once, that keys join.

    A source that the statement makes may hold one key in all its rows. An equality of columns that
    are no key, such as quantities, joins many rows to each.
    """
    joins = _Joins(ctes)
    for item in select.get("fromClause", ()):
        joins.add(item)
    for condition in [*joins.conditions, *conjuncts(select.get("whereClause"))]:
        joins.compare(condition)
    return joins.is_plain and joins.are_linked


def _column(side: Node) -> list[str]:
    """Return the alias and the name of a column; an empty name for everything else."""
    fields = side.get("ColumnRef", {}).get("fields", ())
    return [part.get("String", {}).get("sval", "") for part in fields] or [""]
