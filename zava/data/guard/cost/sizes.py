"""Bounds how large a statement's values grow, and what calls on them cost, by its text alone.

PostgreSQL looks for a cancellation between calls and never within one. A call that compares each
part of one long value with each of another would outlive the deadline. Temporary values live until
their row is done. So each expression gets an upper estimate of its bytes. A column is short, a
literal has its length, functions and aggregates combine the sizes of what they read. Outputs of
subqueries carry theirs by name; a name that occurs twice has the larger one.
"""

from collections.abc import Callable, Iterable, Iterator
from math import inf
from typing import Any, ClassVar

from zava.data.guard import refusals
from zava.data.guard.cost.bounds import filled, largest
from zava.data.guard.cost.function_classes import (
    ESCAPING,
    LENGTHS,
    POWERS,
    SEARCHING,
    SET_OPERATORS,
    SHORT_RESULT,
    SUMS,
    WEIGHTS,
    WIDTHS,
    WITH_ITSELF,
)
from zava.data.guard.cost.groups import Groups
from zava.data.guard.cost.tree_facts import (
    cut_bytes,
    power_digits,
    relations,
)
from zava.data.guard.cost.work import Work, iterations
from zava.data.guard.field_notation import implied_name
from zava.data.guard.vocabulary import FUNCTIONS
from zava.data.syntax.parser import COMPOUND, Node

MAX_VALUE_BYTES = 128e6
MAX_BYTES_TOGETHER = 256e6
MAX_COMPARISONS = 1e8
GATHERING_BYTES = 16e6
"""From so many bytes together on a statement of a caller runs alone."""

_ID, _COLUMN, _LONG_COLUMN, _SCALAR, _LONG = 24.0, 40.0, 300.0, 64.0, 65_536.0
_LONG_COLUMNS = frozenset({"product_description", "product_name", "synonyms", "email", "address"})
_MAX_NESTED_RECURSIONS = 3
_OVERHEAD = 8.0
_NOTHING: Node = {}
_READ_PARTS = frozenset({"withClause", "fromClause", "targetList"})


class Sizes:
    """The sizes of one statement's values; `columns` holds what each name may be as large as."""

    def __init__(self, work: Work) -> None:
        self._columns: dict[str, float] = {}
        self._sources: set[str] = set()
        self._work = work
        self._groups = Groups(work)
        self._recursions = 0
        self.together = 0.0
        """How many bytes long values have together, once `check` has passed."""
        self._comparisons = 0.0

    def check(self, statement: Node) -> None:
        """Hold a statement whose parts the guard allows to the bounds.

        Raises:
            Refused: a value, the values together or the comparisons may go beyond them.
        """
        self._select(statement["SelectStmt"])

    # ---- queries

    def _select(self, select: Node) -> list[tuple[str, float]]:
        """Return the names and sizes of a query's outputs."""
        for item in select.get("withClause", {}).get("ctes", ()):
            self._query(item["CommonTableExpr"])
        if "larg" in select:
            sides = self._select(select["larg"]), self._select(select["rarg"])
            return self._named(
                (name, max(size, other)) for (name, size), (_, other) in zip(*sides, strict=False)
            )
        if "valuesLists" in select:
            rows = [
                [self.size(value) for value in row["List"]["items"]]
                for row in select["valuesLists"]
            ]
            return self._named(
                (f"column{number}", max(sizes))
                for number, sizes in enumerate(zip(*rows, strict=False), 1)
            )
        for item in select.get("fromClause", ()):
            self._source(item)
        self._groups.around.append(select)
        outputs = self._named(self._outputs(select.get("targetList", ())))
        for key, part in select.items():
            if type(part) in COMPOUND and key not in _READ_PARTS:
                self.size(part)
        self._groups.around.pop()
        return outputs

    def _named(self, outputs: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
        kept, columns = list(outputs), self._columns
        for name, size in kept:
            if size > columns.get(name, -1.0):
                columns[name] = size
        return kept

    def _outputs(self, targets: Iterable[Node]) -> Iterator[tuple[str, float]]:
        for target in targets:
            result = target["ResTarget"]
            yield result.get("name") or implied_name(result["val"]), self.size(result["val"])

    def _query(self, cte: Node) -> None:
        """Record the outputs of one query of a WITH."""
        select = cte["ctequery"].get("SelectStmt", {})
        names = [part["String"]["sval"] for part in cte.get("aliascolnames", ())]
        recursive = "larg" in select and cte["ctename"] in relations(select["rarg"])
        if not recursive:
            self._renamed(names, self._select(select))
            return
        outputs = self._renamed(names, self._select(select["larg"]))
        names = [name for name, _ in outputs]
        self._recursions += 1
        if self._recursions > _MAX_NESTED_RECURSIONS:  # each is estimated three times
            raise refusals.too_deep()
        # What one step adds to a value, and the next one: more each time is growth without end.
        start, once = dict(outputs), dict(self._renamed(names, self._select(select["rarg"])))
        for name, size in self._renamed(names, self._select(select["rarg"])):
            first, second = once[name] - start.get(name, 0.0), size - once[name]
            if second > max(first, 1.0):
                raise refusals.too_large("A value that grows with each recursion")
            grown = size + iterations(select["rarg"]) * max(second, 0.0)
            self._columns[name] = max(grown, self._columns.get(name, 0.0))
        self._renamed(names, self._select(select["rarg"]))  # once more, with what they grow to
        self._recursions -= 1

    def _renamed(
        self, names: list[str], outputs: list[tuple[str, float]]
    ) -> list[tuple[str, float]]:
        renamed = [
            (names[place] if place < len(names) else name, size)
            for place, (name, size) in enumerate(outputs)
        ]
        return self._named(renamed)

    def _source(self, item: Node) -> None:
        (node,) = item.values()
        alias = node.get("alias", _NOTHING)
        self._sources.add(alias.get("aliasname", node.get("relname", "")))
        if "RangeVar" in item:
            return
        names = [part["String"]["sval"] for part in alias.get("colnames", ())]
        if "JoinExpr" in item:
            self._source(node["larg"])
            self._source(node["rarg"])
            self.size(node.get("quals"))
        elif "RangeSubselect" in item:
            self._renamed(names, self._select(node["subquery"]["SelectStmt"]))
        else:
            size = self.size(node)
            self._named((name, size) for name in [*names, alias.get("aliasname", "")])
            # The fields that a function's definition names.
            self._named((name, size) for name in ("key", "value", "lexeme", "positions"))

    # ---- expressions

    def size(self, node: Any) -> float:
        """Return how many bytes an expression has at most."""
        kind, total = type(node), 0.0
        if kind is list:
            for part in node:
                total += self.size(part)
        elif kind is dict:
            rule_of = self._RULES.get
            for key, value in node.items():
                if type(value) in COMPOUND:  # most others are places in the text
                    rule = rule_of(key)
                    total += self.size(value) if rule is None else rule(self, value)
        return total

    def _constant(self, const: Node) -> float:
        if "ival" in const:
            return _OVERHEAD
        text = const.get("sval", {}).get("sval", "") or const.get("bsval", {}).get("bsval", "")
        return float(len(text.encode())) or _OVERHEAD

    def _column(self, reference: Node) -> float:
        parts = reference["fields"]
        if "A_Star" in parts[-1]:
            return self._whole_row()
        name = parts[-1]["String"]["sval"]
        if name in self._columns:
            size = self._columns[name]
        else:
            size = _LONG_COLUMN if name in _LONG_COLUMNS else _COLUMN
            size = _ID if name.endswith("_id") else size
            if len(parts) == 1 and name in self._sources:
                size = self._whole_row()
        if len(parts) > 1 and name in FUNCTIONS:  # alias.function is a call
            value = self._columns.get(parts[-2]["String"]["sval"], self._whole_row())
            return max(size, self._called(name, [value], []))
        return size

    def _whole_row(self) -> float:
        return _COLUMN + sum(self._columns.values())

    def _selection(self, selection: Node) -> float:
        size = self.size(selection["arg"])
        for part in selection["indirection"]:
            name = part.get("String", {}).get("sval", "")
            if name in FUNCTIONS:  # (value).function is a call
                size = self._called(name, [size], [selection["arg"]])
            else:
                size = max(size, self._columns.get(name, 0.0)) + self.size(part)
        return size

    def _call(self, call: Node) -> float:
        arguments = call.get("args", [])
        sizes = [self.size(argument) for argument in arguments]
        for key in ("agg_order", "agg_filter", "over"):
            if key in call:
                self.size(call[key])
        return self._called(call["funcname"][-1]["String"]["sval"], sizes, arguments)

    def _called(self, name: str, sizes: list[float], arguments: list[Node]) -> float:
        read = sum(sizes)
        if read >= _LONG:
            self._count(read)
        if name in SEARCHING:
            weight = WEIGHTS.get(name, 1.0)
            self._compare(sizes[0] * weight, max(sizes[1:], default=0.0), name)
        if name in WITH_ITSELF:
            self._compare(read, read, name)
        return self._value(self._result(name, sizes, arguments))

    def _result(self, name: str, sizes: list[float], arguments: list[Node]) -> float:
        if name in SHORT_RESULT or name.startswith(("regr_", "var_", "stddev_", "covar_")):
            return _SCALAR
        read = sum(sizes)
        if name in LENGTHS:
            read = min(read, cut_bytes(arguments, LENGTHS[name]))
        if name.endswith("_agg"):
            return self._groups.gathered_rows(arguments) * (read + _OVERHEAD)
        if name in {"repeat", "lpad", "rpad"} and len(arguments) > 1:
            times = largest(arguments[1]) or 0.0
            return max(sizes[0], 1.0) * times if name == "repeat" else max(sizes[0], times * 4)
        if name == "array_fill":
            return (filled(arguments) or 0.0) * (max(sizes, default=0.0) + _OVERHEAD)
        if name == "array_to_string" and len(sizes) > 1:
            return sizes[0] + sizes[0] / _OVERHEAD * sizes[1]
        if name in {"replace", "regexp_replace"} and len(sizes) > 2:  # noqa: PLR2004  # its third argument
            return max(sizes[0], 1.0) * max(sizes[2], 1.0)
        if name in {"power", "pow", "exp", "factorial"}:
            return power_digits(arguments)
        return 2 * read + _SCALAR if name in ESCAPING else read + _SCALAR

    def _operator(self, expression: Node) -> float:
        left, right = self.size(expression.get("lexpr")), self.size(expression.get("rexpr"))
        sign = expression["name"][-1]["String"]["sval"]
        if left + right >= _LONG:
            self._count(left + right)
        if sign in SET_OPERATORS:
            self._compare(left, right, sign)
        if sign in POWERS:
            return power_digits([expression.get("lexpr", {}), expression.get("rexpr", {})])
        return self._value(max(left, right) if sign in SUMS else left + right)

    def _sublink(self, sublink: Node) -> float:
        rows = self._work.returned(sublink["subselect"]["SelectStmt"])
        size = sum(size for _, size in self._select(sublink["subselect"]["SelectStmt"]))
        tested = self.size(sublink.get("testexpr"))
        if sublink.get("operName", [{}])[-1].get("String", {}).get("sval") in SET_OPERATORS:
            self._compare(tested, size, sublink["operName"][-1]["String"]["sval"])
        if sublink["subLinkType"] == "ARRAY_SUBLINK":
            size = rows * (size + _OVERHEAD)
        return self._value(size)

    def _json_aggregate(self, constructor: Node) -> float:
        rows = self._groups.gathered_rows([constructor])
        return self._value(rows * (self.size([*constructor.values()]) + _OVERHEAD))

    def _json_query(self, constructor: Node) -> float:
        select = constructor["query"]["SelectStmt"]
        rows = self._work.returned(select)
        return self._value(rows * (sum(size for _, size in self._select(select)) + _OVERHEAD))

    def _cast(self, cast: Node) -> float:
        size = self.size(cast["arg"])
        name = cast["typeName"]["names"][-1]["String"]["sval"]
        typmods = cast["typeName"].get("typmods", ())
        if name in WIDTHS and typmods:
            width = largest(typmods[0])
            size = max(size, inf if width is None else width)
        if size >= _LONG:
            self._count(size)
        if name in {"numeric", "tsquery", "tsvector"}:
            self._compare(size, size, f"A cast to {name}")
        return self._value(2 * size if name in {"text", "json", "jsonb"} else size)

    # ---- bounds

    def _value(self, size: float) -> float:
        if size >= _LONG:
            if size > MAX_VALUE_BYTES:
                raise refusals.too_large("A value that the statement builds")
            self._count(size)
        return size

    def _count(self, size: float) -> None:
        """Count a long value."""
        self.together += size
        if self.together > MAX_BYTES_TOGETHER:
            raise refusals.too_large("What the statement builds")

    def _compare(self, left: float, right: float, name: str) -> None:
        self._comparisons += left * right
        if self._comparisons > MAX_COMPARISONS:
            raise refusals.long_search(name)

    _RULES: ClassVar[dict[str, Callable[["Sizes", Any], float]]] = {
        "A_Const": _constant,
        "ColumnRef": _column,
        "A_Indirection": _selection,
        "FuncCall": _call,
        "A_Expr": _operator,
        "SubLink": _sublink,
        "TypeCast": _cast,
        "JsonArrayAgg": _json_aggregate,
        "JsonObjectAgg": _json_aggregate,
        "JsonArrayQueryConstructor": _json_query,
    }
