"""What an answer states so that no figure is compared with an unlike one.

Changes that rest on days without loaded orders are left out. Rows that hold a part of their unit
are marked. Different weekdays and events of two compared periods are named.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from zava.model.coverage import parts_in, reach_of_row
from zava.model.data_reach import DataReach, StoreReach, written
from zava.model.metrics import FiscalYears, MetricQuery, MetricRows, Period
from zava.model.retail_calendar import events
from zava.model.time_labels import OF_TIME, units_in

_SATURDAY = 5
# In longer periods one day more or less of a weekday, or an event, moves the sum by little.
_MAX_DAYS_TO_EXPLAIN = 100
_MAX_NAMED = 3
_CHANGES = ("_change", "_change_percent")


def comparable(figures: MetricRows, query: MetricQuery, reach: DataReach) -> MetricRows:
    """Return the figures with cut rows marked, and without changes that rest on missing days."""
    period = figures.period
    if period is None:
        return figures
    names = [column.name for column in figures.columns if column.unit is None]
    own = reach.within(query.filters)
    place, partial = _partial(figures, names, own, query)
    if "store" in names:
        shown_stores = {row[names.index("store")] for row in figures.rows}
        partial |= {label: part for label, part in figures.partial.items() if label in shown_stores}
    partial |= _late_rows(figures, names, own, query.today)
    changes = [
        number
        for number, column in enumerate(figures.columns)
        if column.name.endswith(_CHANGES) or column.compares_years
    ]
    if not changes:
        return replace(figures, partial=partial)
    compared = figures.compared or period.previous_year()
    days = _days_by_label(period, names, place, query.fiscal)

    def shown(row: list[Any]) -> list[Any]:
        of_row = reach_of_row(names, row, own)
        each = period if place is None or row[place] is None else days.get(row[place], period)
        if not _misses(of_row, (each, compared), query.today):
            return row
        return [None if number in changes else value for number, value in enumerate(row)]

    rows = [shown(row) for row in figures.rows]
    totals = [shown(row) for row in figures.totals]
    first = next((key.by for key in query.order_by), query.metrics[0] if place is None else "")
    if first in {figures.columns[number].name for number in changes}:
        # A change that is left out has no place in a ranking by it.
        kept = [(new != old, new) for new, old in zip(rows, figures.rows, strict=True)]
        rows = [row for _, row in sorted(kept, key=lambda each: each[0])]
    return replace(figures, rows=rows, totals=totals, partial=partial)


def _partial(
    figures: MetricRows, names: Sequence[str], own: DataReach, query: MetricQuery
) -> tuple[int | None, dict[str, str]]:
    """Return the column of time and, by its label, what part of its unit a row holds."""
    place = next((number for number, name in enumerate(names) if name in OF_TIME), None)
    if place is None or figures.period is None:
        return None, {}
    cut = parts_in(figures.period, names[place], own, query.today, query.fiscal)
    labels = dict.fromkeys(row[place] for row in figures.rows)
    return place, {label: str(cut[label]) for label in labels if label in cut}


def _late_rows(
    figures: MetricRows, names: Sequence[str], own: DataReach, today: date
) -> dict[str, str]:
    """Return the rows of stores that miss days which others have, and how far they reach."""
    if "store" not in names or figures.period is None:
        return {}
    place = names.index("store")
    late = {store.store: store for store in own.late(figures.period, today)}
    labels = dict.fromkeys(row[place] for row in figures.rows)
    return {label: f"through {written(late[label].through)}" for label in labels if label in late}


def _days_by_label(
    period: Period, names: Sequence[str], place: int | None, fiscal: FiscalYears | None
) -> Mapping[str, Period]:
    if place is None:
        return {}
    return {
        label: replace(period, start=max(start, period.start), end=min(end, period.end))
        for label, start, end in units_in(period, names[place], fiscal)
    }


def missing_days(figures: MetricRows, reach: DataReach, today: date) -> int:
    """Return of how many days orders are missing, in the period or in the one compared with it."""
    days = (figures.period, figures.compared)
    return max((reach.missing_days(each, today) for each in days if each is not None), default=0)


def _misses(reach: DataReach, periods: Sequence[Period], today: date) -> bool:
    return any(reach.missing_days(each, today) > 0 for each in periods)


def period_notes(
    period: Period | None, compared: Period | None, reach: DataReach, today: date
) -> list[str]:
    """Return notes on the days behind the figures."""
    if period is None:
        return []
    return [
        *_about_missing_days(period, compared, reach, today),
        *_about_today(period, compared, reach, today),
        *(_about_weekdays(period, compared) if compared else ()),
        *(_about_events(period, compared) if compared else ()),
    ]


def _about_missing_days(
    period: Period, compared: Period | None, reach: DataReach, today: date
) -> Iterator[str]:
    for each, which in ((period, "period"), (compared, "compared period")):
        missing = reach.missing_days(each, today) if each else 0
        if each is None or not missing:
            continue
        late = reach.late(each, today)
        least = _least_missing(reach, each, today)
        if reach.newest is not None and least:
            days = "the only day is" if each.days == 1 else f"{least} of the {each.days} days are"
            left_out = " Changes that rest on them are left out." if compared else ""
            yield (
                f"Orders are loaded through {written(reach.newest)}: {days} missing in the"
                f" {which}.{left_out}"
            )
        if late:
            named = "; ".join(_late_store(store, each, today) for store in late[:_MAX_NAMED])
            more = f"; {len(late) - _MAX_NAMED} stores more" if len(late) > _MAX_NAMED else ""
            yield f"Days of the {which} are missing at single stores: {named}{more}."


def _least_missing(reach: DataReach, period: Period, today: date) -> int:
    return DataReach(reach.newest).missing_days(period, today)


def _late_store(store: StoreReach, period: Period, today: date) -> str:
    missing = DataReach(store.through).missing_days(period, today)
    return f"{store.store} through {written(store.through)} ({missing} missing)"


def _about_today(
    period: Period, compared: Period | None, reach: DataReach, today: date
) -> Iterator[str]:
    cut = reach.cut(period, today)
    if cut is None or reach.missing_days(period, today):
        return
    if reach.newest is not None and reach.newest.date() == today:
        sentence = f"Today is under way: its orders are loaded until {cut:%H:%M}"
    else:
        sentence = "Today has no loaded order yet"
    same = "; the compared days end at the same time" if compared and compared.cut else ""
    yield f"{sentence}{same}."


def _about_weekdays(period: Period, compared: Period) -> Iterator[str]:
    if period.days == compared.days == 1:
        if period.start.weekday() != compared.start.weekday():
            yield f"{period.start:%A} is compared with {compared.start:%A}."
        return
    if period.days > _MAX_DAYS_TO_EXPLAIN:
        return
    now, before = _saturdays(period), _saturdays(compared)
    if now != before:
        yield f"The period has {now} Saturdays, the compared one {before}."


def _saturdays(period: Period) -> int:
    days = (period.start + timedelta(days=number) for number in range(period.days))
    return sum(day.weekday() == _SATURDAY for day in days)


def _about_events(period: Period, compared: Period) -> Iterator[str]:
    if period.days > _MAX_DAYS_TO_EXPLAIN or "year" not in compared.expression:
        return
    now, before = (events(each.start, each.last_day) for each in (period, compared))
    for first, second, which in ((now, before, "period"), (before, now, "compared period")):
        alone = [f"{name} ({day})" for name, day in first.items() if name not in second]
        if alone:
            yield f"In the {which} alone: {', '.join(alone[:_MAX_NAMED])}."
