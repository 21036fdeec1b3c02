"""Decide whether a caller's statement may run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from zava.data.guard import refusals
from zava.data.guard.cost.sizes import GATHERING_BYTES, Sizes
from zava.data.guard.cost.work import Work
from zava.data.guard.refusals import Refused
from zava.data.guard.vocabulary import NO_FOREIGN_NAMES, ForeignNames
from zava.data.guard.walker import Walk
from zava.data.syntax.output_width import output_columns
from zava.data.syntax.outside_text import OutsideText
from zava.data.syntax.parser import Node, NotParsed, TooDeep, parse
from zava.errors import DatabaseFault, QueryRefused, ZavaError


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a statement may not run; a passing one has no reason."""

    error: type[ZavaError] | None = None
    message: str = ""
    hint: str = ""
    visited_rows: float = 0.0
    gathers: bool = False
    reads_outside_text: bool = False
    columns: int = 0
    findings: Any = None
    """Of a passing statement, by its text alone: rows to visit (`work.py`), whether its values may
    be long (`sizes.py`), whether its answer may hold text that outsiders wrote, how many columns
    it has (0 unknown), and what else was read from its tree."""

    def enforce(self) -> None:
        """Raise the refusal, each time with a correlation id of its own."""
        if self.error is not None:
            raise self.error(self.message, hint=self.hint)


class Guard:
    """An allow-list over the tables of one schema.

    `columns` holds the names of their columns, `calling` those that the server would call in
    `value.name`.

    `read_findings` is given each passing statement with its tree, and whether its expressions hold
    queries. `widths` are how many columns a `*` takes from each table.

    Verdicts depend on the text alone, so every caller shares them.
    """

    def __init__(
        self,
        schema: str,
        tables: frozenset[str],
        columns: frozenset[str],
        calling: frozenset[str],
        outside_text: OutsideText,
        read_findings: Callable[[str, Node, bool], Any] = lambda *_: None,
        widths: Mapping[str, int] = MappingProxyType({}),
        *,
        foreign: ForeignNames = NO_FOREIGN_NAMES,
    ) -> None:
        self._foreign = foreign
        self._schema = schema
        self._tables = tables
        self._columns = columns
        self._calling = calling
        self._outside_text = outside_text
        self._read_findings = read_findings
        self._widths = widths

    def judge(self, statement: str) -> Verdict:
        """Return the verdict on a text within the limits; call it where there is stack for it."""
        try:
            tree = _only_one(parse(statement))
            walk = Walk(self._schema, self._tables, self._columns, self._calling, self._foreign)
            walk.check(tree)
            work = Work(tree, has_subqueries=walk.has_subqueries, has_series=walk.has_series)
            sizes = Sizes(work)
            sizes.check(tree)
        except (TooDeep, RecursionError):
            reason = refusals.too_deep()
            return Verdict(QueryRefused, reason.message, reason.hint)
        except NotParsed as error:
            return _syntax_error(statement, error)
        except Refused as reason:
            return Verdict(QueryRefused, reason.message, reason.hint)
        return Verdict(
            visited_rows=work.visited,
            gathers=sizes.together >= GATHERING_BYTES,
            reads_outside_text=self._outside_text.is_read(statement, tree),
            columns=output_columns(tree, self._widths),
            findings=self._read_findings(statement, tree, walk.has_subqueries),
        )


def _only_one(trees: list[dict[str, Any]]) -> dict[str, Any]:
    if not trees:
        raise Refused("The text holds no statement.", refusals.READS_ONLY)
    if len(trees) > 1:
        raise refusals.several_statements()
    statement: dict[str, Any] = trees[0]["stmt"]
    return statement


def _syntax_error(statement: str, error: NotParsed) -> Verdict:
    from zava.data.guard.syntax import syntax_hint

    said = f"{error.message[:1].upper()}{error.message[1:]}"
    place = f" (at character {error.position})" if error.position else ""
    return Verdict(
        DatabaseFault,
        f"{said}{place}.",
        syntax_hint(statement, error.message, error.position),
    )
