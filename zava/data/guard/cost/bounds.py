"""Lengths and counts that a statement's text has to bound.

A number that the text states is checked against a limit; one that comes from the data is left to
the deadline. Constant arithmetic is computed, so that `10 ^ 9` is no way around `1000000000`.
"""

import re
from collections.abc import Callable
from math import isfinite, prod
from math import pow as power
from operator import add, mul, sub, truediv
from typing import Any

from zava.data.guard import refusals
from zava.data.syntax.parser import Node, nodes_of

MAX_LENGTH = 10_000
MAX_GROWTH = 1_000_000
MAX_SERIES = 1_000_000
MAX_FACTORIAL = 1_000
_PADDING = frozenset({"lpad", "rpad"})
BOUNDED = _PADDING | {"array_fill", "generate_series", "format", "repeat", "factorial"}
"""The functions whose calls `Growth` checks."""

# A width of five digits or more, or one that an argument gives.
_WIDE_FIELD = re.compile(r"%(?:\d+\$)?-?(?:\*|\d{5})")
_FROM_TO = 2
_A_SERIES = (
    "generate_series(1, 12), or generate_series(date '2026-01-01', date '2026-01-31',"
    " interval '1 day')"
)
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": add,
    "-": sub,
    "*": mul,
    "/": truediv,
    "^": power,
}


class Growth:
    """How large the values of one statement can grow, by its text.

    One call may feed another, so all of a statement's calls are computed together.
    """

    def __init__(self) -> None:
        self._built: list[float] = []
        self._multiplied: list[float] = []

    def check(self, name: str, arguments: list[Node]) -> None:
        """Hold one call of a bounded function to its limits.

        Raises:
            Refused: a length or a count without a bound, or one beyond it.
        """
        if name == "generate_series":
            _check_series(arguments)
        elif name == "format":
            _check_format(arguments)
        elif name == "factorial":
            _check_factorial(arguments)
        elif name == "array_fill":
            self._check_fill(arguments)
        else:
            self._check_length(name, arguments)

    def _check_fill(self, arguments: list[Node]) -> None:
        elements = filled(arguments)
        if elements is None or elements > MAX_LENGTH:
            raise refusals.unbounded("array_fill", MAX_LENGTH, "array_fill(0, ARRAY[12])")
        self._multiply(elements)

    def _check_length(self, name: str, arguments: list[Node]) -> None:
        bound = _length(name, arguments) if len(arguments) > 1 else 0
        text = _literal(arguments[0]) if arguments else None
        if bound is not None and text is not None and name == "repeat":
            bound *= max(1, len(text))
        if bound is None or bound > MAX_LENGTH:
            raise refusals.unbounded(name, MAX_LENGTH, f"{name}('#', least(n, 100))")
        # Padding bounds its own result and so does a repeated literal; all else multiplies.
        is_built = name in _PADDING or text is not None
        if is_built:
            self._built.append(max(bound, 1))
            bound = 1
        self._multiply(bound)

    def _multiply(self, bound: float) -> None:
        self._multiplied.append(max(bound, 1))
        together = prod(self._multiplied) * max(self._built, default=1)
        if together > MAX_GROWTH:
            raise refusals.unbounded(
                "A repetition of repetitions", MAX_GROWTH, "repeat('#', least(n, 100))"
            )


def filled(arguments: list[Node]) -> float | None:
    """Return how many elements array_fill makes, if the statement's text states it."""
    sizes = arguments[1].get("A_ArrayExpr", {}).get("elements", ()) if len(arguments) > 1 else ()
    known = [largest(size) for size in sizes]
    return prod(size for size in known if size is not None) if known and None not in known else None


def _length(name: str, arguments: list[Node]) -> float | None:
    """Return the most that a call's second argument can be, beyond the length of its first.

    Padding to at least a text's own length, as SQL generators write it, adds nothing to the text.
    """
    wanted = arguments[1].get("MinMaxExpr", {})
    if name not in _PADDING or wanted.get("op") != "IS_GREATEST":
        return largest(arguments[1])
    others = [each for each in wanted["args"] if not _is_length_of(each, arguments[0])]
    bounds = [largest(each) for each in others]
    return None if None in bounds else max((b for b in bounds if b is not None), default=0)


def _is_length_of(node: Node, text: Node) -> bool:
    call, column = node.get("FuncCall", {}), text.get("ColumnRef")
    if column is None or not call or call["funcname"][-1]["String"]["sval"] != "length":
        return False
    read = call.get("args", [{}])[0].get("ColumnRef", {})
    return bool(read) and read["fields"] == column["fields"]


def _literal(node: Node) -> str | None:
    """Return the text of a literal; None for everything else."""
    if "TypeCast" in node:
        return _literal(node["TypeCast"]["arg"])
    text = node.get("A_Const", {}).get("sval")
    return None if text is None else text.get("sval", "")


def constant(node: Node) -> float | None:
    """Return the number that an expression of constants comes to; None for everything else."""
    if "TypeCast" in node:
        return constant(node["TypeCast"]["arg"])
    if "A_Expr" in node:
        return _arithmetic(node["A_Expr"])
    if "SubLink" in node:
        return _selected(node["SubLink"]["subselect"]["SelectStmt"])
    if "MinMaxExpr" in node:
        values = [constant(argument) for argument in node["MinMaxExpr"]["args"]]
        if None in values:
            return None
        choose = min if node["MinMaxExpr"]["op"] == "IS_LEAST" else max
        return choose(value for value in values if value is not None)
    return _number(node.get("A_Const", {}))


def largest(node: Node) -> float | None:
    """Return the most that an expression can be, if the statement's text states it."""
    least = node.get("MinMaxExpr", {})
    if least.get("op") == "IS_LEAST":
        return min((b for b in map(largest, least["args"]) if b is not None), default=None)
    if "TypeCast" in node:
        return largest(node["TypeCast"]["arg"])
    expression = node.get("A_Expr", {})
    if "lexpr" in expression and _sign(expression) in {"+", "-"}:
        left, right = largest(expression["lexpr"]), constant(expression["rexpr"])
        if left is not None and right is not None:
            return left + right if _sign(expression) == "+" else left - right
    return constant(node)


def _sign(expression: Node) -> str:
    sign: str = expression["name"][-1]["String"]["sval"]
    return sign


def _arithmetic(expression: Node) -> float | None:
    left = constant(expression["lexpr"]) if "lexpr" in expression else 0
    right = constant(expression["rexpr"])
    reckon = _ARITHMETIC.get(_sign(expression))
    if left is None or right is None or reckon is None or expression["kind"] != "AEXPR_OP":
        return None
    try:
        return _finite(reckon(left, right))
    except (ArithmeticError, ValueError):  # too large to reckon with, or no number at all
        return None


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _selected(select: Node) -> float | None:
    """Return the constant that a subquery without a table selects."""
    targets = select.get("targetList", [])
    if len(targets) != 1 or "fromClause" in select:
        return None
    return constant(targets[0]["ResTarget"]["val"])


def _number(const: Node) -> float | None:
    if "ival" in const:
        return int(const["ival"].get("ival", 0))  # the tree leaves a zero out
    text = const["fval"]["fval"] if "fval" in const else const.get("sval", {}).get("sval", "")
    try:
        return _finite(float(text.replace("_", "")))
    except ValueError:
        return None


def reads_data(tree: Any) -> bool:
    """Whether an expression names a column or reads a source."""
    return any("ColumnRef" in node or "fromClause" in node for node in nodes_of(tree))


def _check_series(arguments: list[Node]) -> None:
    if len(arguments) < _FROM_TO:
        return
    start, stop = map(largest, arguments[:_FROM_TO])
    step = constant(arguments[_FROM_TO]) if len(arguments) > _FROM_TO else 1
    if step is None and start is None and stop is None:
        return  # a series of days
    if start is None or stop is None:
        is_unbounded = not reads_data(arguments)  # what the data say, the deadline ends
        if is_unbounded:
            from zava.data.guard.reach import span

            numbers = span(*arguments[:_FROM_TO])
            is_unbounded = numbers is None or numbers > MAX_SERIES * abs(step or 1)
    else:
        is_unbounded = abs(stop - start) > MAX_SERIES * abs(step or 1)
    if is_unbounded:
        raise refusals.unbounded("generate_series", MAX_SERIES, _A_SERIES)


def _check_factorial(arguments: list[Node]) -> None:
    bound = largest(arguments[0]) if arguments else None
    if bound is None or bound > MAX_FACTORIAL:
        raise refusals.unbounded("factorial", MAX_FACTORIAL, "factorial(least(n, 20))")


def _check_format(arguments: list[Node]) -> None:
    template = arguments[0].get("A_Const", {}).get("sval") if arguments else None
    if template is None or _WIDE_FIELD.search(template.get("sval", "")):
        raise refusals.unbounded(
            "format",
            MAX_LENGTH,
            "format('%s: %s', a, b); a number is to_char(x, 'FM999,990.00'),"
            " a date to_char(x, 'YYYY-MM')",
        )


def _is_condition(node: Node) -> bool:
    return any(key in node for key in ("whereClause", "quals", "usingClause", "isNatural"))


def check_recursion(query: Node) -> None:
    """Refuse a recursive query whose recursive term has no condition that could end it."""
    recursive = query["ctequery"].get("SelectStmt", {}).get("rarg")
    if recursive is None:
        return
    nodes = list(nodes_of(recursive))
    reads_itself = any(node.get("relname") == query["ctename"] for node in nodes)
    if reads_itself and "cycle_clause" not in query and not any(map(_is_condition, nodes)):
        raise refusals.unbounded_recursion(query["ctename"])
