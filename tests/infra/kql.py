"""Runs a log query of infra/ over rows: as much of the language as the alert rules use.

An unknown table, column or word is an error, as it would be on Azure, where the rule would stay
silent for ever.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# https://learn.microsoft.com/azure/azure-monitor/app/data-model-complete
COLUMNS = {
    "customMetrics": {
        *("timestamp", "name", "value", "valueCount", "valueSum", "valueMin", "valueMax"),
        *("customDimensions", "cloud_RoleName"),
    },
    "traces": {"timestamp", "message", "severityLevel", "customDimensions", "cloud_RoleName"},
}
_TOKEN = re.compile(r'\s*(?:"(?P<text>[^"]*)"|(?P<word>[A-Za-z_]\w*|\d+)|(?P<sign>==|[|=().,*/]))')

Row = Mapping[str, Any]


class QueryError(Exception):
    """The query would not run, or not on what there is."""


@dataclass(frozen=True)
class Condition:
    """A column or a member of a dynamic one, and the texts that it is compared with."""

    column: str
    member: str
    compares: str
    text: str

    def holds(self, row: Row) -> bool:
        value = row[self.column]
        if self.member:
            value = value.get(self.member, "")
        # `has` looks for whole words; none of ours begins or ends within one.
        return self.text in value if self.compares == "has" else bool(value == self.text)


@dataclass(frozen=True)
class Query:
    """One table, conditions that all hold, and one number."""

    table: str
    conditions: tuple[Condition, ...]
    measured: str
    reckoned: Callable[[Sequence[Row]], float]

    def over(self, tables: Mapping[str, Sequence[Row]]) -> float:
        """Return the number for these rows."""
        rows = [row for row in tables[self.table] if all(c.holds(row) for c in self.conditions)]
        return self.reckoned(rows)


def read_query(text: str) -> Query:
    """Read a query.

    Raises:
        QueryError: says what of it is unknown.
    """
    return _Reader(text).query()


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None or found.lastgroup is None:
                raise QueryError(f"cannot be read at {text[at : at + 20]}")
            self._tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()
        self._columns: set[str] = set()

    def query(self) -> Query:
        table = self._word()
        if table not in COLUMNS:
            raise QueryError(f"reads {table}, no table of Application Insights")
        self._columns = COLUMNS[table]
        self._take("|", "where")
        conditions = [self._condition()]
        while self._is_next("and"):
            self._take("and")
            conditions.append(self._condition())
        self._take("|", "summarize")
        measured = self._word()
        self._take("=")
        reckoned = self._number()
        if self._tokens:
            raise QueryError(f"goes on with {self._tokens[0][1]}")
        return Query(table, tuple(conditions), measured, reckoned)

    def _condition(self) -> Condition:
        member = ""
        if self._is_next("tostring"):
            self._take("tostring", "(")
            column = self._column()
            self._take(".")
            member = self._word()
            self._take(")")
        else:
            column = self._column()
        compares = self._tokens.pop(0)[1] if self._tokens else ""
        if compares not in {"==", "has"}:
            raise QueryError(f"compares with {compares}")
        return Condition(column, member, compares, self._of("text"))

    def _number(self) -> Callable[[Sequence[Row]], float]:
        reckoned = self._factor()
        while self._tokens and self._tokens[0][1] in {"*", "/"}:
            sign = self._tokens.pop(0)[1]
            reckoned = _combined(sign, reckoned, self._factor())
        return reckoned

    def _factor(self) -> Callable[[Sequence[Row]], float]:
        word = self._word()
        if word.isdigit():
            return lambda _: int(word)
        self._take("(")
        if word == "count":
            self._take(")")
            return len
        if word != "sum":
            raise QueryError(f"calls {word}")
        column = self._column()
        self._take(")")
        return lambda rows: float(sum(row[column] for row in rows))

    def _column(self) -> str:
        column = self._word()
        if column not in self._columns:
            raise QueryError(f"names {column}, no column of its table")
        return column

    def _is_next(self, word: str) -> bool:
        return bool(self._tokens) and self._tokens[0][1] == word

    def _word(self) -> str:
        return self._of("word")

    def _of(self, kind: str) -> str:
        if not self._tokens or self._tokens[0][0] != kind:
            raise QueryError(f"has no {kind} where one is due")
        return self._tokens.pop(0)[1]

    def _take(self, *expected: str) -> None:
        for one in expected:
            if not self._is_next(one):
                raise QueryError(f"has no {one} where one is due")
            self._tokens.pop(0)


def _combined(
    sign: str, left: Callable[[Sequence[Row]], float], right: Callable[[Sequence[Row]], float]
) -> Callable[[Sequence[Row]], float]:
    def reckoned(rows: Sequence[Row]) -> float:
        first, second = left(rows), right(rows)
        if sign == "*":
            return first * second
        return first / second if second else float("nan")  # as Azure has it: no alert

    return reckoned
