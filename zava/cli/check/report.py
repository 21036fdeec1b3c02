"""What the check found: rows of what, expected, seen and what to do, as a table or as JSON."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Self

from rich import box
from rich.table import Table
from rich.text import Text

from zava.cli.check.values import NoAnswer
from zava.cli.check.wire import Subject


class State(StrEnum):
    """How a row ended; only a problem makes the command fail."""

    OK = "ok"
    PROBLEM = "problem"
    LEARNED = "learned"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Found:
    """What one check saw; `advice` replaces the advice that the check gives by default."""

    state: State
    seen: str
    advice: str = ""

    @classmethod
    def of(cls, seen: str, *, is_good: bool) -> Self:
        """Return a row that is good or a problem."""
        return cls(State.OK if is_good else State.PROBLEM, seen)


class Check(NamedTuple):
    """One row before it was looked at."""

    what: str
    expected: str
    advice: str
    look: Callable[[Subject], Found]

    def row(self, subject: Subject) -> "Row":
        """Look, and return what was seen; a request without an answer is a problem."""
        try:
            found = self.look(subject)
        except NoAnswer as nothing:
            found = Found(State.PROBLEM, str(nothing))
        advice = found.advice or (self.advice if found.state is State.PROBLEM else "")
        return Row(self.what, self.expected, found.state, found.seen, advice)


@dataclass(frozen=True)
class Row:
    """One line of the report."""

    what: str
    expected: str
    state: State
    seen: str
    advice: str


@dataclass
class CheckReport:
    """All rows of one run."""

    url: str
    rows: list[Row] = field(default_factory=list)
    requests: int = 0
    seconds: float = 0.0

    @property
    def problems(self) -> list[Row]:
        """The rows that make the command fail."""
        return [row for row in self.rows if row.state is State.PROBLEM]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as `--json` prints it."""
        return {
            "url": self.url,
            "ok": not self.problems,
            "requests": self.requests,
            "seconds": round(self.seconds, 1),
            "rows": [
                {
                    "what": row.what,
                    "expected": row.expected,
                    "state": str(row.state),
                    "seen": row.seen,
                    "what_to_do": row.advice,
                }
                for row in self.rows
            ],
        }

    def table(self) -> Table:
        """Return the report as a person reads it."""
        table = Table(box=box.SIMPLE, pad_edge=False)
        table.add_column("state", no_wrap=True)
        for heading in ("what", "expected", "seen", "what to do"):
            table.add_column(heading, overflow="fold")
        for row in self.rows:
            # Text, so that brackets in what a server sent are no markup.
            cells = (str(row.state), row.what, row.expected, row.seen, row.advice)
            table.add_row(*map(Text, cells))
        return table
