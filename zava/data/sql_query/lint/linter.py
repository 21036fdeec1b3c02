"""Reads the findings of a statement from its parse tree, once for each text."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from zava.data.sql_query.lint import rules
from zava.data.sql_query.lint.day_conditions import Moment
from zava.data.sql_query.lint.declarations import LintFacts
from zava.data.sql_query.lint.moments import lost_days, selected_days
from zava.data.sql_query.lint.name_resolution import TooManySteps, Tree
from zava.data.sql_query.lint.personal_data import personal_data
from zava.data.sql_query.lint.query_tree import Tables
from zava.data.sql_query.lint.recomputed import recognized, recomputed_outputs
from zava.data.syntax.parser import Node, NotParsed, parse
from zava.model.sql_findings import DayRange, Finding, FindingKind, Recomputation

Rule = Callable[[Tree, LintFacts], Iterator[Finding]]

_ORDER = list(FindingKind)
_ADDING = ("sum", "avg", "count")
_DAY = re.compile(r"'\s*\d{4}-\d\d?-\d\d?\s*'", re.ASCII)
_BEFORE_LAST_DAY = re.compile(
    r"(?:<=|(?<![<>!])=|\band|\bin\s*\(|,)[\s(]*(?:date|timestamp|timestamptz)?\s*\Z", re.ASCII
)
_AFTER_LAST_DAY = re.compile(r"\s*(?:::\s*\w+\s*)?(?:>=|=)", re.ASCII)
_CUTS = re.compile(
    r"date_trunc|::\s*date\b|as date\b|extract|date_part|to_char|current_date|\d{4}-\d\d?-\d\d?"
)
_ZONED = re.compile(r"time_?\s?zone")
_MAX_CHARACTERS_BEFORE = 40
# A statement with one of these words is compared with no certified value.
_NOT_COMPARED = ("having", "limit", "over", "left")
_SEVERAL = 2
_COUNTS_A_CONDITION = re.compile(
    r"count\s*\(\s*(?:case\b|\(|[\w.\"]+\s*[=<>!]"
    r"|[\w.\"]+\s+(?:in|is|i?like|not|between)\b)"
)


@dataclass(frozen=True, slots=True)
class Lint:
    """The findings of one text; a day decides which of them hold."""

    findings: tuple[Finding, ...]
    lost: tuple[tuple[Finding, Moment], ...]

    def on(self, today: date) -> tuple[Finding, ...]:
        """Return the findings that hold on a day of the stores, most harmful first."""
        # A day that has not begun loses nothing.
        lost = [finding for finding, day in self.lost if _has_begun(day, today)]
        found = sorted([*self.findings, *lost], key=lambda each: _ORDER.index(each.kind))
        return tuple(found)


class Linter:
    """The rules over one domain's tables; `tables` maps their columns to types."""

    def __init__(self, facts: LintFacts, tables: Tables) -> None:
        self._facts = facts
        self._tables = tables
        self.zone = ZoneInfo(facts.zone)
        """Where the days of a statement begin and end."""
        every = facts.tables.items()
        self._summed = tuple(name for name, table in every if table.totals)
        self._personal = tuple(name for name, table in every if table.personal)
        self._names = tuple(table.names for _, table in every if table.names)

    def read(self, text: str, statement: Node, has_subqueries: bool) -> Lint | None:  # noqa: FBT001  # as the guard calls it
        """Return the findings of a statement that passed the guard; None where there are none.

        Most statements are passed over by their words, before the tree is read.
        """
        folded = text.lower()
        asked = [*self._asked(folded), *_slips(folded)]
        loses_days = _ends_with_day(folded)
        if not (asked or loses_days):
            return None
        try:
            tree = Tree(statement, self._tables, has_subqueries=has_subqueries)
            if not tree.is_whole:
                return None
            found = tuple(finding for rule in asked for finding in rule(tree, self._facts))
            lost = tuple(lost_days(tree)) if loses_days else ()
            if not (found or lost):
                return None
            return Lint(found, lost)
        except (TooManySteps, RecursionError):
            return None  # nothing is stated of a statement that is not read to its end

    def days(self, text: str, today: date) -> list[DayRange]:
        """Return the days that a statement's conditions select; call it on the parsing thread.

        A statement that restricts its stores selects none: their orders may reach further.
        """
        folded, certified = text.lower(), self._facts.certified
        stores = [name for table, name in certified.dimensions if table == certified.stores]
        if certified.moment[1] not in folded or any(name in folded for name in stores):
            return []
        try:
            tree = Tree(parse(text)[0]["stmt"], self._tables, has_subqueries=True)
            conditions = selected_days(tree, self._facts) if tree.is_whole else []
        except (NotParsed, TooManySteps, RecursionError):
            return []
        days = [each.on(today) for each in conditions]
        return [each for each in days if each is not None]

    def recomputation(self, text: str, today: date) -> Recomputation | None:
        """Return the certified metric that a statement recomputes; None unless that is certain.

        Call it on the parsing thread. It reads the text anew: few statements need it.
        """
        try:
            tree = Tree(parse(text)[0]["stmt"], self._tables, has_subqueries=True)
            found = recognized(tree, self._facts) if tree.is_whole else None
        except (NotParsed, TooManySteps, RecursionError):
            return None
        return None if found is None else found.on(today)

    def names_moment(self, text: str) -> bool:
        """Whether a statement names the moment by which the certified metric selects its days."""
        return self._facts.certified.moment[1] in text.lower()

    def about_places(
        self, text: str, zones: Sequence[str], currencies: Sequence[str]
    ) -> Iterator[str]:
        """Yield notes where a statement adds amounts of several currencies, or cuts other days.

        A statement that names a currency or a zone heeds it.
        """
        folded, facts = text.lower(), self._facts
        if len(currencies) > 1 and ("sum" in folded or "avg" in folded):
            is_of_money = any(name in folded for name in facts.amounts)
            if is_of_money and not any(word in folded for word in facts.currency_words):
                yield f"Amounts in {', '.join(currencies)} are added up: {facts.currency_remedy}."
        elsewhere = [zone for zone in zones if zone != facts.zone]
        is_cut = self.names_moment(text) and _CUTS.search(folded) and not _ZONED.search(folded)
        if elsewhere and is_cut:
            yield (
                f"Days here are those of {facts.zone}, and not of {', '.join(elsewhere)}:"
                f" {facts.zone_remedy}."
            )

    def _asked(self, folded: str) -> list[Rule]:
        """Return the rules whose words a statement has."""
        asked: list[Rule] = []
        # Lists, because a generator takes longer than what it looks for.
        if True in [name in folded for name in self._personal]:
            asked.append(personal_data)
        if True not in [name in folded for name in _ADDING]:
            return asked
        summed = [name in folded for name in self._summed].count(True)
        is_one = summed and folded.count("select") == 1
        if is_one and True not in [word in folded for word in _NOT_COMPARED]:
            asked.append(recomputed_outputs)
        if summed >= _SEVERAL:
            asked.append(rules.repeated_totals)
        is_added = "sum" in folded or "avg" in folded
        if summed and is_added and self._facts.status.column[1] not in folded:
            asked.append(rules.every_status)
        if "/" in folded and ("count" in folded or "case" in folded):
            asked.append(rules.whole_numbers)
        named = [names for names in self._names if names[0] in folded]
        if named and "group by" in folded:
            asked.append(rules.merged_names)
        averages = folded.count("avg")
        if averages >= _SEVERAL or (averages and "/" in folded and "select" in folded[6:]):
            asked.append(rules.averages_of_averages)
        return asked


def _slips(folded: str) -> Iterator[Rule]:
    if "to_char" in folded and ("%" in folded or ":mm" in folded):
        yield rules.other_templates
    if "count" in folded and _COUNTS_A_CONDITION.search(folded):
        yield rules.counted_conditions


def _has_begun(day: Moment, today: date) -> bool:
    try:
        return day(today) <= today
    except (ValueError, OverflowError):  # a day that no calendar has
        return False


def _ends_with_day(folded: str) -> bool:
    """Whether a text may compare with a day up to which something is selected."""
    if "current_date" in folded and ("=" in folded or "between" in folded):
        return True
    if "-" not in folded or "'" not in folded:
        return False
    for day in _DAY.finditer(folded):
        start, end = day.span()
        if _BEFORE_LAST_DAY.search(folded, max(0, start - _MAX_CHARACTERS_BEFORE), start):
            return True
        if _AFTER_LAST_DAY.match(folded, end):
            return True
    return False
