"""Any metric by any allowed dimension equals the same computed in plain Python on exported rows."""

import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.metrics import naive
from tests.support.servers.seeded import TODAY
from zava.data.metrics.catalog import UNITS, Catalogue
from zava.data.metrics.reader import MetricReader
from zava.model.core import Caller
from zava.model.fiscal_calendar import fiscal_calendar
from zava.model.metrics import MetricFilter, MetricQuery
from zava.service.metrics.periods import parse_period

CASES = 500
PRINCIPALS = ("seattle", "redmond", "online", "eastside", "head-office")
# One value of these has next to no order in so small a chain.
_FINE = {"customer", "hour", "brand"}
PERIODS = (
    *("this month", "last month", "last quarter", "this year", "last 12 months", "2024-Q4"),
    *("last 30 days", "last 6 weeks", "2023", "2024-02-10..2024-03-05", "2027"),
)


@pytest.mark.slow
@pytest.mark.requirement("S16")
@pytest.mark.requirement("S21")
async def test_random_questions_equal_the_naive_computation(
    metrics: MetricReader,
    callers: dict[str, Caller],
    catalogue: Catalogue,
    exported: naive.Exported,
) -> None:
    assert set(naive.METRICS) == set(catalogue.metrics)
    draw = random.Random(20260630)  # noqa: S311  # the same cases in each run
    scopes = {name: exported.of(name) for name in PRINCIPALS}
    compared = empty = 0
    for case in range(CASES):
        principal = draw.choice(PRINCIPALS)
        query, asked = random_question(draw, scopes[principal], principal, catalogue)
        # Beside it the same for fewer dimensions, which shares what is read of the facts.
        fewer = tuple(draw.sample(asked.dimensions, draw.randint(0, len(asked.dimensions))))
        questions = {"q": query, "coarser": replace(query, dimensions=fewer)}
        caller = replace(callers[principal], permissions=frozenset())  # customers by their keys
        answers = (await metrics.measure(caller, questions)).answers
        for name, each in (("q", asked), ("coarser", replace(asked, dimensions=fewer))):
            expected = naive.answer(scopes[principal], each)
            answer, of_case = answers[name], (case, questions[name])
            assert answer.group_count == len(expected), of_case
            found = {tuple(row[: len(each.dimensions)]): row for row in answer.rows}
            assert found.keys() == expected.keys(), of_case
            for group, figures in expected.items():
                for place, metric in enumerate(each.metrics, len(each.dimensions)):
                    assert_equal(
                        found[group][place], figures[metric], catalogue, metric, (group, *of_case)
                    )
                    compared += 1
            # A year to come is one of the periods: that it has no rows is no accident.
            empty += not expected and each.start <= TODAY
    assert compared > 6000
    assert empty < CASES / 5


def assert_equal(told: Any, expected: Any, catalogue: Catalogue, metric: str, case: Any) -> None:
    decimals = UNITS[catalogue.metrics[metric].unit]
    wanted = naive.rounded(expected, decimals)
    if wanted is None or told is None:
        assert told is None and wanted is None, (metric, case, told, wanted)  # noqa: PT018  # one fact with one message
        return
    given = Decimal(str(told))
    if catalogue.metrics[metric].additive_over:
        assert given == wanted, (metric, case)
    else:  # a quotient may fall on either side of a half
        assert abs(given - wanted) <= Decimal(1).scaleb(-decimals), (metric, case)


def random_question(
    draw: random.Random, rows: naive.Exported, principal: str, catalogue: Catalogue
) -> tuple[MetricQuery, naive.Asked]:
    may_ask = [
        name
        for name in catalogue.metrics
        if name not in naive.OF_PERSONS  # asked here without the permission
        and (principal in {"eastside", "head-office"} or name not in naive.RESTRICTED)
    ]
    first = draw.choice(may_ask)
    dimensions = naive.allowed_dimensions(first)
    chosen = tuple(draw.sample(dimensions, draw.choice((0, 1, 1, 2))))
    filtered = draw.sample(dimensions, draw.choice((0, 0, 1, 2)))
    fitting = [
        name
        for name in may_ask
        if set(chosen) | set(filtered) <= set(naive.allowed_dimensions(name)) and name != first
    ]
    wanted = (first, *draw.sample(fitting, min(len(fitting), draw.randint(0, 2))))
    period = parse_period(draw.choice(PERIODS), TODAY)
    filters, keeps = random_filters(draw, rows, filtered)
    before = period.previous_year()
    query = MetricQuery(
        wanted,
        period,
        TODAY,
        dimensions=chosen,
        filters=filters,
        limit=100_000,
        fiscal=fiscal_calendar(None, "4-5-4"),
    )
    return query, naive.Asked(
        wanted,
        chosen,
        period.start,
        period.end,
        TODAY,
        keeps,
        before.start,
        before.end,
        before.days_earlier,
    )


def random_filters(
    draw: random.Random, rows: naive.Exported, dimensions: list[str]
) -> tuple[tuple[MetricFilter, ...], Callable[[Callable[[str], str]], bool]]:
    filters = []
    tests: list[tuple[str, Callable[[str], bool]]] = []
    for dimension in dimensions:
        is_time = dimension in naive.TIME_LABELS or dimension == "cohort"
        source = rows.stock if dimension in {"stock_status", "reorder_urgency"} else rows.lines
        known = sorted({naive.label(row, dimension) for row in draw.sample(source, 200)})
        op = draw.choice(("=", "in", "between", ">=", "<=") if is_time else ("=", "in"))
        if dimension in _FINE:
            op = "in"
        if op == "between":
            low, high = sorted((draw.choice(known), draw.choice(known)))
            values: tuple[str, ...] = (low, high)
            tests.append((dimension, _between(low, high)))
        else:
            many = 40 if dimension in _FINE else 3
            values = tuple(
                draw.sample(known, min(len(known), draw.randint(1, many) if op == "in" else 1))
            )
            tests.append((dimension, _test(op, values)))
        if not is_time and draw.random() < 0.3:
            values = tuple(value.upper() for value in values)
        filters.append(MetricFilter(dimension, op, values))
    return tuple(filters), lambda named: all(test(named(d)) for d, test in tests)


def _test(op: str, values: tuple[str, ...]) -> Callable[[str], bool]:
    if op == ">=":
        return lambda value: value >= values[0]
    if op == "<=":
        return lambda value: value <= values[0]
    return lambda value: value in values


def _between(low: str, high: str) -> Callable[[str], bool]:
    return lambda value: low <= value <= high
