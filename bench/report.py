"""What a part of the benchmarks brings: its table as text, and how it stands to its goals."""

from dataclasses import dataclass
from math import isnan
from statistics import median


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal of the design and what was measured; NaN: it could not be measured."""

    name: str
    measured: float
    limit: float
    is_minimum: bool = True

    @property
    def is_met(self) -> bool:
        """Whether the figure lies on the right side of its limit."""
        return self.measured >= self.limit if self.is_minimum else self.measured <= self.limit

    def row(self) -> str:
        """Return the goal as a line of a table."""
        if isnan(self.measured):
            return f"| {self.name} | {self._limit} | - | not measured |"
        verdict = "met" if self.is_met else "**missed**"
        return f"| {self.name} | {self._limit} | {self.measured:.2f} | {verdict} |"

    @property
    def _limit(self) -> str:
        return f"{'>=' if self.is_minimum else '<='} {self.limit:.2f}"


@dataclass(frozen=True, slots=True)
class Part:
    """A section of the report; `headlines` are its rows of the page's first table."""

    title: str
    text: str
    goals: tuple[Goal, ...] = ()
    headlines: tuple[str, ...] = ()


def table(head: str, rows: list[str]) -> str:
    """Return a table of Markdown under a head such as `a | b`."""
    return "\n".join([f"| {head} |", "|---" * (head.count("|") + 1) + "|", *rows])


def spread(ratios: list[float]) -> str:
    """Return a median with the least and the greatest of its repeats."""
    return f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
