"""Answer a free statement, with notes on what its figures hold that a reader may not expect."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from math import fsum
from typing import Any, NamedTuple, TypeVar

from cachetools import TTLCache

from zava import call_context
from zava.data.sql_query.free_query import FreeQuery
from zava.errors import ZavaError
from zava.model.audiences import Permission
from zava.model.core import Caller, Table
from zava.model.data_reach import DataReach
from zava.model.metrics import MetricAnswer, MetricFilter
from zava.model.sql_findings import (
    DayRange,
    Finding,
    FindingKind,
    Recomputation,
    RecomputedColumn,
)
from zava.service.metrics.query import MetricQueries

logger = logging.getLogger(__name__)

T = TypeVar("T")

MAX_NOTES = 3
_CHECK_SECONDS = 1.5
"""How long the database may take for what the notes rest on, all together."""

_GRACE_SECONDS = 2.0
_LEAST_SECONDS = 8.0
"""A call with less time left gets its answer without these notes."""

_MAX_KEPT, _KEPT_SECONDS = 1024, 60
"""A repeated statement with an equal total is compared with the certified value once a minute."""

_CENT = Decimal("0.01")
_NUMBERS = frozenset({int, float})
_OF_TOTALS = frozenset({FindingKind.REPEATED_TOTALS, FindingKind.EVERY_STATUS})
_COMPARED = _OF_TOTALS | {FindingKind.RECOMPUTED}


class SqlAnswers:
    """Adds to answers what was checked; a check that fails changes no answer."""

    def __init__(
        self,
        data: FreeQuery,
        metrics: Callable[[], MetricQueries],
        today: Callable[[], date],
        metrics_permission: Permission,
    ) -> None:
        """`today` is the day of the stores, from which days without orders are counted.

        `metrics_permission` is what a token has to allow for a note with a certified value.
        """
        self._data = data
        self._metrics = metrics
        self._today = today
        self._metrics_permission = metrics_permission
        # Each entry is of one person, text and day; of the second, of one scope and total as well.
        self._asked: TTLCache[Any, list[Recomputation | None]]
        self._asked = TTLCache(_MAX_KEPT, _KEPT_SECONDS)
        self._compared: TTLCache[Any, tuple[str | None, bool]] = TTLCache(_MAX_KEPT, _KEPT_SECONDS)

    async def noted(self, caller: Caller, sql: str, table: Table) -> Table:
        """Return an answer with at most three notes on its figures, most harmful first."""
        checked: Sequence[str] = ()
        if call_context.remaining_seconds(_LEAST_SECONDS) >= _LEAST_SECONDS:
            with call_context.use(call_context.afterwards(_CHECK_SECONDS + _GRACE_SECONDS)):
                checked = await self._notes(caller, sql, table)
        else:
            checked = [each.text for each in _unchecked(table)]
        return replace(table, notes=(*table.notes, *checked[:MAX_NOTES]))

    async def _notes(self, caller: Caller, sql: str, table: Table) -> list[str]:
        notes = []
        certified, is_equal = await self._certified(caller, sql, table)
        if certified is not None:
            notes.append(certified)
        for finding in table.findings:
            if not finding.text:
                continue
            is_explained = certified is not None or is_equal
            if is_explained and finding.kind in _OF_TOTALS:
                continue
            if await self._holds(caller, table, finding):
                notes.append(finding.text)
        if table.rows and self._data.names_moment(sql):
            notes += await self._about_missing_days(caller, sql, table)
        if table.truncated is not None:
            notes = [*await self._about_count(caller, sql, table), *notes]
        return notes

    async def _holds(self, caller: Caller, table: Table, finding: Finding) -> bool:
        if finding.several_stores and len(table.scope.stores) == 1:
            return False
        if finding.kind is FindingKind.PERSONAL_DATA and not table.rows:
            return False
        if finding.names is None:
            return True
        name, columns = finding.names
        checking = self._data.checks.have_shared_names(caller, name, columns)
        return bool(await _unless_failing(checking))

    async def _certified(self, caller: Caller, sql: str, table: Table) -> tuple[str | None, bool]:
        """Return the sentence on the certified value, and whether the answer's total equals it."""
        is_compared = any(finding.kind in _COMPARED for finding in table.findings)
        may_read = self._metrics_permission in caller.permissions
        scope = table.scope
        has_other_days = any(zone != self._data.domain.time_zone for zone in scope.zones)
        if not is_compared or table.truncated or not may_read:
            return None, False
        # The certified value is of other days, or converted.
        if has_other_days or len(scope.currencies) > 1:
            return None, False
        checks = self._data.checks
        key: tuple[Any, ...] = (caller.identity, sql, checks.day_of(table.as_of))
        read = self._asked.get(key)
        if read is None:
            read = self._asked[key] = [await checks.recomputation(caller, sql, key[-1])]
        (asked,) = read
        totals = () if asked is None else tuple(_total(table, each) for each in asked.columns)
        if asked is None or not any(total is not None for total in totals):
            return None, False
        key = (*key, table.scope, totals)
        compared = self._compared.get(key)
        if compared is None:
            compared = await self._compare(caller, asked, totals)
            if compared is None:
                return None, False
            self._compared[key] = compared
        return compared

    async def _compare(
        self, caller: Caller, asked: Recomputation, totals: Sequence[Decimal | None]
    ) -> tuple[str | None, bool] | None:
        """Return what `_certified` does; None if the certified values could not be read."""
        days = asked.days
        last = days.end - timedelta(days=1)
        answer = await _unless_failing(
            self._metrics().query(
                caller,
                metrics=[each.metric for each in asked.columns],
                filters=[MetricFilter(name, "in", values) for name, values in asked.filters],
                time_period=f"{days.start}..{last}",
            )
        )
        values = None if answer is None else _values(answer, days)
        if values is None:
            return None
        different = [
            _Difference(each, value, total)
            for each, value, total in zip(asked.columns, values, totals, strict=True)
            if total is not None and abs(value - total) >= _CENT
        ]
        return (_about_certified(different, days), False) if different else (None, True)

    async def _about_missing_days(self, caller: Caller, sql: str, table: Table) -> list[str]:
        checks, today = self._data.checks, self._today()
        reach = await _unless_failing(checks.reach(caller, table.scope))
        until = None if reach is None else reach.whole_until(today)
        if reach is None or until is None or until >= today:
            return []
        days = await checks.days(caller, sql, today)
        return _about_days(days, reach, until, today)

    async def _about_count(self, caller: Caller, sql: str, table: Table) -> list[str]:
        count = await _unless_failing(self._data.count_rows(caller, sql))
        if count is None or count <= len(table.rows):
            return []
        return [f"The statement has {count:,} rows; this answer has {len(table.rows):,}."]


def _unchecked(table: Table) -> list[Finding]:
    """Return the findings that hold by the text alone."""
    is_one = len(table.scope.stores) == 1
    return [
        each
        for each in table.findings
        if each.text and each.names is None and not (each.several_stores and is_one)
    ]


async def _unless_failing(checking: Awaitable[T]) -> T | None:
    """Return what a check reads; a failure is logged and changes no answer."""
    try:
        return await checking
    except ZavaError as error:
        logger.info("no note: %s correlation_id=%s", error.code, error.correlation_id)
        return None


def _total(table: Table, asked: RecomputedColumn) -> Decimal | None:
    """Return the sum of an output over all rows, or its one value; None without any value."""
    values = [row[asked.column] for row in table.rows if row[asked.column] is not None]
    if not values or not (asked.adds_up or len(values) == 1):
        return None
    if _NUMBERS.issuperset(map(type, values)):
        # A tenth of the time; the digits that are cut are far below a cent.
        return Decimal(str(round(fsum(values), 6)))
    try:
        return sum(map(Decimal, map(str, values)), Decimal())
    except InvalidOperation:
        return None


def _values(answer: MetricAnswer, days: DayRange) -> list[Decimal] | None:
    """Return the certified values; None where they are of other days.

    A period ends with the stores' day. If orders end before that, days after it make no difference.
    """
    period, rows, newest = answer.figures.period, answer.figures.rows, answer.reach.newest
    if period is None or newest is None or period.start != days.start:
        return None
    is_cut = newest.replace(tzinfo=None) > datetime.combine(period.end, time())
    if period.end != days.end and is_cut:
        return None
    row = rows[0] if rows else [None] * len(answer.figures.columns)
    return [Decimal(str(value)) if value is not None else Decimal() for value in row]


class _Difference(NamedTuple):
    """An output beside the certified value."""

    asked: RecomputedColumn
    value: Decimal
    total: Decimal

    def __str__(self) -> str:
        """Return the certified value, with the answer's and the difference."""
        digits = ",.0f" if self.value % 1 == self.total % 1 == 0 else ",.2f"
        difference = self.total - self.value
        told = "this answer's total is" if self.asked.adds_up else "this answer has"
        return (
            f"{self.value:{digits}}; {told} {self.total:{digits}},"
            f" {abs(difference):{digits}} {'more' if difference > 0 else 'less'}"
        )


def _about_certified(different: Sequence[_Difference], days: DayRange) -> str:
    first, last = days.start, days.end - timedelta(days=1)
    of = "all time" if first.year == 1900 else f"{first} to {last}"  # noqa: PLR2004  # before any order
    because = dict.fromkeys(cause for each in different for cause in each.asked.because)
    told = [f"{each.asked.metric} of {of} is {each}" for each in different[:1]]
    told += [f"{each.asked.metric} is {each}" for each in different[1:]]
    return f"Certified {'. Certified '.join(told)}: {' and '.join(because)}."


def _about_days(days: list[DayRange], reach: DataReach, until: date, today: date) -> list[str]:
    missing = [(reach.missing_days(each, today), each) for each in days]
    count, period = max(missing, key=lambda each: each[0], default=(0, None))
    if period is None or not count:
        return []
    last = min(period.end, today) - timedelta(days=1)
    note = (
        f"Orders of every store are loaded through {until - timedelta(days=1)}: {count} days up to"
        f" {last} are missing or not whole."
    )
    return [note]
