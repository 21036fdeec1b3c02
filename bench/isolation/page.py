"""Writes the page and its data from a run."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.isolation.answers import Subject
from bench.isolation.beside import Beside
from bench.isolation.not_run import NOT_RUN
from bench.isolation.trial import ANSWERED, HARMFUL, REFUSED, Outcome
from bench.report import table

_ROOT = Path(__file__).parents[2]
PAGE = _ROOT / "docs" / "isolation-benchmark.md"
DATA = _ROOT / "docs" / "isolation-benchmark.json"
_TEMPLATE = Path(__file__).with_name("page.md")


@dataclass(frozen=True)
class Result:
    """What came of one subject; with a reason, it did not run."""

    subject: Subject
    outcomes: Sequence[Outcome] = ()
    beside: Beside = field(default_factory=Beside)
    reason: str = ""

    def summary(self) -> str:
        """Return one line."""
        if self.reason:
            return f"{self.subject.name}: not run: {self.reason}"
        counts = Counter(outcome.verdict for outcome in self.outcomes)
        verdicts = ", ".join(f"{counts[name]} {name}" for name in (HARMFUL, REFUSED, ANSWERED))
        return f"{self.subject.name}: {verdicts}"

    def counts(self, kind: str) -> str:
        """Return harmful / refused / answered of one class, or of all."""
        counts = Counter(
            outcome.verdict for outcome in self.outcomes if kind in {"", outcome.case.kind}
        )
        return " / ".join(str(counts[name]) for name in (HARMFUL, REFUSED, ANSWERED))

    def harmful(self) -> list[str]:
        """Return the harmful cases that may be named."""
        return [
            outcome.case.id
            for outcome in self.outcomes
            if outcome.verdict == HARMFUL and self.subject.is_described(outcome.case.kind)
        ]


def page(results: Sequence[Result]) -> str:
    """Return the page's text: the same for equal outcomes, but for the cost of a call."""
    ran = [result for result in results if not result.reason]
    kinds = list(dict.fromkeys(outcome.case.kind for outcome in ran[0].outcomes))
    sizes = Counter(outcome.case.kind for outcome in ran[0].outcomes)
    classes = [
        _row(kind.replace("_", " "), sizes[kind], *(result.counts(kind) for result in ran))
        for kind in kinds
    ]
    classes.append(_row("all", sum(sizes.values()), *(result.counts("") for result in ran)))
    return _TEMPLATE.read_text(encoding="utf-8").format(
        subjects=table(
            "subject | version | deployment",
            [_row(r.subject.name, r.subject.version, r.subject.deployment) for r in ran],
        ),
        not_run=table("server | reason", [_row(*each) for each in _not_run(results)]),
        classes=table(" | ".join(("class", "cases", *(r.subject.name for r in ran))), classes),
        beside=table(Beside.head(), [_row(r.subject.name, *r.beside.cells()) for r in ran]),
        harmful=table("subject | named | by class alone", list(_harmful(ran))),
    )


def data(results: Sequence[Result]) -> str:
    """Return the same as JSON, for programs."""
    return json.dumps([_content(result) for result in results], indent=1) + "\n"


def _content(result: Result) -> dict[str, Any]:
    subject = result.subject
    content: dict[str, Any] = {
        "subject": subject.name,
        "version": subject.version,
        "deployment": subject.deployment,
    }
    if result.reason:
        return content | {"not_run": result.reason}
    classes: dict[str, Counter[str]] = {}
    for outcome in result.outcomes:
        classes.setdefault(outcome.case.kind, Counter())[outcome.verdict] += 1
    return content | {
        "classes": {kind: dict(sorted(counts.items())) for kind, counts in classes.items()},
        "harmful": result.harmful(),
        "beside": result.beside.content(),
    }


def _not_run(results: Iterable[Result]) -> list[tuple[str, str]]:
    found = [(each.subject.name, each.reason) for each in results if each.reason]
    return [*NOT_RUN.items(), *found]


def _harmful(results: Iterable[Result]) -> Iterable[str]:
    for result in results:
        named = result.harmful()
        count = sum(outcome.verdict == HARMFUL for outcome in result.outcomes)
        numbers: dict[str, list[str]] = {}
        for case in named:
            kind, _, number = case.rpartition("-")
            numbers.setdefault(kind, []).append(number)
        spans = [f"`{kind}-{', '.join(each)}`" for kind, each in numbers.items()]
        text = "; ".join(spans) or "-"
        yield _row(result.subject.name, text, count - len(named))


def _row(*cells: object) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"
