"""`make bench-isolation`: every case against every subject, and the page with what came of it."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing

from bench.isolation.answers import NotRunnable, Subject, all_subjects
from bench.isolation.beside import Beside, measure
from bench.isolation.case_files import Case, read_cases
from bench.isolation.databases import Databases, seeded_databases
from bench.isolation.page import DATA, PAGE, Result, data, page
from bench.isolation.trial import HARMFUL, Outcome, Trial

_MAX_SECONDS = 1800


class TookTooLong(Exception):
    """The run passed its bound."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and write the page when every case of every subject ran."""
    options = _options(arguments)
    cases = [case for case in read_cases() if options.case in {"", case.id, case.kind}]
    subjects = [each for each in all_subjects().values() if options.subject in {"", each.name}]
    if not cases or not subjects:
        print("There is no such case or subject.")
        return 2
    results = []
    until = time.monotonic() + _MAX_SECONDS
    try:
        with seeded_databases() as databases:
            for subject in subjects:
                begun = time.monotonic()
                result = _result(subject, databases, cases, until, with_rest=not options.case)
                results.append(result)
                print(f"{result.summary()} ({time.monotonic() - begun:.0f} s)", flush=True)
                if options.case:
                    _describe(result)
    except TookTooLong:
        print(f"The run passed its bound of {_MAX_SECONDS // 60} minutes, and wrote nothing.")
        return 1
    if options.write:
        PAGE.write_text(page(results), encoding="utf-8")
        DATA.write_text(data(results), encoding="utf-8")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.isolation", description=__doc__)
    parser.add_argument("--subject", default="", help="only this subject")
    parser.add_argument("--case", default="", help="only this case, or this class of cases")
    parser.add_argument("--write", action="store_true", help="write the page and its data")
    return parser.parse_args(arguments)


def _result(
    subject: Subject, databases: Databases, cases: Sequence[Case], until: float, *, with_rest: bool
) -> Result:
    try:
        with closing(Trial(subject, databases).run(cases)) as came:
            outcomes = list(_in_time(came, until))
        rest = measure(subject, databases) if with_rest else Beside()
    except NotRunnable as reason:
        return Result(subject, reason=str(reason))
    return Result(subject, outcomes=outcomes, beside=rest)


def _in_time(outcomes: Iterator[Outcome], until: float) -> Iterator[Outcome]:
    for outcome in outcomes:
        if time.monotonic() > until:
            raise TookTooLong
        yield outcome


def _describe(result: Result) -> None:
    for outcome in result.outcomes:
        print(f"  {outcome.case.id}: {outcome.verdict}")
        for harm in outcome.harms:
            print(f"    {harm}")
        if outcome.verdict == HARMFUL and result.subject.is_described(outcome.case.kind):
            print(f"    {outcome.answer[:300]}")


if __name__ == "__main__":
    sys.exit(main())
