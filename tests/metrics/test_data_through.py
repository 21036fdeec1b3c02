"""A quarter that is not whole: late stores, a day half over, refunds, leap days, changed clocks.

Each answer is compared with a computation over exported rows that shares no code with the product.
A change may only be answered where every day behind it is loaded.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.metrics import naive
from tests.support.servers.database import Cluster, Database
from tests.support.servers.seeded import result_cache
from zava.data.metrics.catalog import Catalogue
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.infrastructure.cache_backends import MemoryStore
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.model.coverage import parts
from zava.model.data_reach import DataReach
from zava.model.metrics import Comparison, MetricFilter, MetricOrder, PeriodUnit
from zava.retail.data.sales_reader import SalesReader
from zava.retail.declaration import RETAIL
from zava.retail.demo.stores import STORES
from zava.retail.sales_values import StorePerformance
from zava.retail.service.chain_comparison import ChainAnalysis
from zava.retail.service.store_performance import StoreAnalysis
from zava.service.metrics.periods import parse_period
from zava.service.metrics.query import MetricQueries

LOADED = datetime(2026, 6, 29, 13, 5)  # noqa: DTZ001  # in the stores' own time
TODAY = LOADED.date()  # a Monday
LATE, LATE_THROUGH = "Zava Retail Bellevue", datetime(2026, 6, 27)  # noqa: DTZ001  # same
ON_TIME = MetricFilter("store", "in", tuple(s.name for s in STORES if s.name != LATE))
SIX_WEEKS_LATER = TODAY + timedelta(weeks=6)
YEAR, DATE, BEFORE = (
    Comparison.PREVIOUS_YEAR,
    Comparison.PREVIOUS_YEAR_DATE,
    Comparison.PREVIOUS_PERIOD,
)

_HALF_A_DAY = """
DELETE FROM retail.order_items AS i USING retail.orders AS o
 WHERE o.store_id = i.store_id AND o.order_id = i.order_id
   AND o.order_date > %(through)s::timestamp AT TIME ZONE 'America/Los_Angeles' AND o.store_id = ANY (%(stores)s);
DELETE FROM retail.orders AS o
 WHERE o.order_date > %(through)s::timestamp AT TIME ZONE 'America/Los_Angeles' AND o.store_id = ANY (%(stores)s);
UPDATE retail.orders AS o SET order_date = (%(through)s::timestamp - interval '2 hours') AT TIME ZONE 'America/Los_Angeles'
 WHERE order_date = (SELECT max(n.order_date) FROM retail.orders AS n WHERE n.store_id = o.store_id) AND o.store_id = ANY (%(stores)s);
INSERT INTO zava.orders_loaded
SELECT s, %(through)s::timestamp AT TIME ZONE 'America/Los_Angeles' FROM unnest(%(stores)s) AS s
"""
# An order that is moved makes every word untrue.
_LATE = """
INSERT INTO zava.orders_loaded
SELECT s, %(through)s::timestamp AT TIME ZONE 'America/Los_Angeles' FROM unnest(%(stores)s) AS s
ON CONFLICT DO NOTHING
"""
_REFUNDS = """
UPDATE retail.orders SET status = 'refunded'
 WHERE order_date >= '2026-06-15' AND order_date < '2026-06-22' AND status = 'completed'
"""


@pytest.fixture(scope="module")
def quarter(cluster: Cluster, seeded_template: Database) -> Iterator[Database]:
    with cluster.database("quarter", template=seeded_template) as database:
        late = [store.store_id for store in STORES if store.name == LATE]
        others = [store.store_id for store in STORES if store.name != LATE]
        with psycopg.connect(
            database.owner, autocommit=True, cursor_factory=psycopg.ClientCursor
        ) as owner:
            owner.execute(_HALF_A_DAY, {"through": LATE_THROUGH, "stores": late})
            owner.execute(_HALF_A_DAY, {"through": LOADED, "stores": others})
            owner.execute(_LATE, {"through": LATE_THROUGH, "stores": late})
            owner.execute(_REFUNDS)
        yield database


@pytest.fixture(scope="module")
async def reader(
    quarter: Database, signer: ContextSigner, catalogue: Catalogue
) -> AsyncIterator[SalesReader]:
    pool = DatabasePool(quarter.server, max_size=1)
    tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
    yield SalesReader(tenancy, result_cache(tenancy, MemoryStore(1), ttl_seconds=0), catalogue)
    await pool.close()


@pytest.fixture(scope="module")
def rows(quarter: Database) -> naive.Exported:
    return naive.export(quarter.owner)


def through(store: str) -> datetime:
    return LATE_THROUGH if store == LATE else LOADED


def is_whole(day: date, store: str, today: date) -> bool:
    """Whether a day of the past is loaded: the last one of a load that stopped at noon is not."""
    return day >= today or datetime.combine(day, time(18)) <= through(store)


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


PERIODS: list[tuple[str, date, date]] = [
    ("today", TODAY, TODAY),
    ("yesterday", date(2026, 6, 28), date(2026, 6, 28)),
    ("this week", TODAY, TODAY),
    ("last week", date(2026, 6, 22), date(2026, 6, 28)),
    ("this month", date(2026, 6, 1), TODAY),
    ("last month", date(2026, 5, 1), date(2026, 5, 31)),
    ("this quarter", date(2026, 4, 1), TODAY),
    ("last 30 days", date(2026, 5, 30), date(2026, 6, 28)),
    ("2026-03-02..2026-03-15", date(2026, 3, 2), date(2026, 3, 15)),  # the clock changes
    ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),  # a leap month
]


def before(first: date, last: date, compare: Comparison, expression: str) -> tuple[date, date]:
    """Return the days that a period is compared with, by the rule and by hand."""
    length = last - first
    if compare is BEFORE:
        if expression in {"today", "yesterday"}:
            return first - timedelta(days=7), last - timedelta(days=7)
        start = {
            "this week": first - timedelta(days=7),
            "this month": date(2026, 5, 1),
            "last month": date(2026, 4, 1),
            "this quarter": date(2026, 1, 1),
            "2024-02": date(2024, 1, 1),
        }.get(expression, first - length - timedelta(days=1))
        end = {"last month": date(2026, 4, 30), "2024-02": date(2024, 1, 31)}
        return start, end.get(expression, start + length)
    by_weekday = compare is YEAR and not expression.endswith(("month", "quarter", "-02"))
    if by_weekday:
        return first - timedelta(days=364), last - timedelta(days=364)
    if expression == "2024-02":
        return date(2023, 2, 1), date(2023, 2, 28)
    return first.replace(year=first.year - 1), last.replace(year=last.year - 1)


def sold(lines: Sequence[naive.Row], first: date, last: date, cut: time | None) -> Decimal:
    kept = [
        row
        for row in lines
        if first <= row["date"] <= last
        and (cut is None or row["date"] < last or row["at"].astimezone(naive.ZONE).time() <= cut)
    ]
    return naive.revenue(kept)


@pytest.mark.slow
@pytest.mark.parametrize("compare", [YEAR, DATE, BEFORE])
@pytest.mark.parametrize("principal", ["seattle", "eastside"])
async def test_sixty_questions_rest_on_loaded_days_alone(
    reader: SalesReader,
    callers: dict[str, Caller],
    rows: naive.Exported,
    principal: str,
    compare: Comparison,
) -> None:
    metrics = MetricQueries(reader, lambda: TODAY)
    own = rows.of(principal)
    for expression, first, last in PERIODS:
        answer = await metrics.query(
            callers[principal],
            metrics=["revenue"],
            dimensions=["store"],
            time_period=expression,
            compare=compare,
            with_totals=True,
        )
        then = before(first, last, compare, expression)
        cut = LOADED.time() if last == TODAY and then[1] - then[0] == last - first else None
        stores = {row["store"] for row in own.stores}
        answered = {row[0]: row[1:] for row in answer.figures.rows}
        assert set(answered) <= stores
        for store in stores:
            lines = [row for row in own.lines if row["store"] == store]
            now, earlier = sold(lines, first, last, None), sold(lines, *then, cut)
            missing = [day for day in days(first, last) if not is_whole(day, store, TODAY)]
            if not now and not earlier:
                assert store not in answered
                continue
            check_row(answered[store], now, earlier, is_whole=not missing)
        missing_anywhere = any(
            not is_whole(day, store, TODAY) for day in days(first, last) for store in stores
        )
        (total,) = answer.figures.totals
        check_row(
            total[1:],
            sold(own.lines, first, last, None),
            sold(own.lines, *then, cut),
            is_whole=not missing_anywhere,
        )
        told = [note for note in answer.notes if "missing" in note]
        assert bool(told) == missing_anywhere, (expression, answer.notes)
        assert answer.figures.compared is not None
        assert (answer.figures.compared.start, answer.figures.compared.last_day) == then


OTHERS = ("orders", "units", "average_order_value", "discount_rate", "customers", "refund_rate")


@pytest.mark.parametrize("principal", ["seattle", "eastside"])
@pytest.mark.parametrize("dimension", ["category", "month", "iso_week"])
async def test_other_figures_rest_on_loaded_days_alone(
    reader: SalesReader,
    callers: dict[str, Caller],
    rows: naive.Exported,
    principal: str,
    dimension: str,
) -> None:
    metrics, own = MetricQueries(reader, lambda: TODAY), rows.of(principal)
    stores = {row["store"] for row in own.stores}
    asked = OTHERS[:-1] if dimension == "category" else OTHERS
    for expression, first, last in PERIODS:
        answer = await metrics.query(
            callers[principal],
            metrics=list(asked),
            dimensions=[dimension],
            time_period=expression,
            compare=YEAR,
            with_totals=True,
            limit=100,
        )
        columns = [column.name for column in answer.figures.columns]
        changes = [place for place, name in enumerate(columns) if "_change" in name]
        lacking = {
            _label(day, dimension)
            for day in days(first, last)
            if any(not is_whole(day, store, TODAY) for store in stores)
        }
        for row in [*answer.figures.rows, *answer.figures.totals]:
            is_total = row[0] is None or row in answer.figures.totals
            of_unit = None if is_total or dimension == "category" else row[0]
            facts = _facts(own, first, last, dimension, None if is_total else row[0])
            for name in asked:
                value, expected = row[columns.index(name)], naive.METRICS[name](facts)
                assert value == pytest.approx(
                    None if expected is None else float(expected), abs=0.006
                ), (expression, row[0], name)
            if lacking and (of_unit is None or of_unit in lacking):
                assert [row[place] for place in changes] == [None] * len(changes), (expression, row)


def _label(day: date, dimension: str) -> str:
    return "" if dimension == "category" else naive.TIME_LABELS[dimension](day)


def _facts(
    own: naive.Exported, first: date, last: date, dimension: str, label: str | None
) -> naive.Facts:
    def of(rows: Sequence[naive.Row]) -> list[naive.Row]:
        return [
            row
            for row in rows
            if first <= row["date"] <= last
            and (
                label is None
                or label
                == (row["category"] if dimension == "category" else _label(row["date"], dimension))
            )
        ]

    return naive.Facts(of(own.lines), placed=() if dimension == "category" else of(own.placed))


@pytest.mark.parametrize("principal", ["seattle", "eastside"])
async def test_summary_concludes_nothing_from_missing_days(
    reader: SalesReader, callers: dict[str, Caller], rows: naive.Exported, principal: str
) -> None:
    stores = {row["store"] for row in rows.of(principal).stores}
    analysis = StoreAnalysis(reader, lambda: TODAY)
    for expression, first, last in PERIODS:
        told = await analysis.performance(callers[principal], None, expression)
        missing = [
            day
            for day in days(first, last)
            if any(not is_whole(day, store, TODAY) for store in stores)
        ]
        assert bool(told.missing_days) == bool(missing), expression
        if not missing:
            continue
        assert {finding.rule for finding in told.insights} <= {"stock_outs"}, expression
        categories = told.parts["categories"]
        place = [column.name for column in categories.columns].index("revenue_change_percent")
        assert all(row[place] is None for row in categories.rows), expression


def check_row(values: Sequence[Any], now: Decimal, earlier: Decimal, *, is_whole: bool) -> None:
    revenue, previous, change, percent = values
    assert Decimal(str(revenue)) == now
    assert Decimal(str(previous)) == earlier
    if not is_whole:
        assert change is None
        assert percent is None
        return
    assert Decimal(str(change)) == now - earlier
    expected = naive.rounded(naive.percent(now - earlier, earlier), 2)
    assert (percent is None) == (expected is None)
    if expected is not None:
        assert Decimal(str(percent)) == pytest.approx(expected, abs=Decimal("0.01"))


@pytest.mark.slow
async def test_nothing_is_concluded_from_six_weeks_without_a_load(
    reader: SalesReader, callers: dict[str, Caller]
) -> None:
    metrics = MetricQueries(reader, lambda: SIX_WEEKS_LATER)
    for period in ("last month", "this month", "yesterday", "last quarter", "last 12 months"):
        answer = await metrics.query(
            callers["seattle"], metrics=["revenue", "orders"], time_period=period, compare=YEAR
        )
        (row,) = answer.figures.rows
        changes = [
            value
            for value, column in zip(row, answer.figures.columns, strict=True)
            if "_change" in column.name
        ]
        assert changes == [None] * 4
        (told,) = [note for note in answer.notes if note.startswith("Orders are loaded through")]
        assert "2026-06-29 13:05" in told
    growth = await metrics.query(
        callers["head-office"],
        metrics=["like_for_like_growth"],
        dimensions=["store"],
        time_period="last month",
    )
    assert {row[1] for row in growth.figures.rows} == {None}
    months = await metrics.query(
        callers["head-office"],
        metrics=["revenue"],
        filters=[ON_TIME],
        dimensions=["month"],
        time_period="last 12 months",
    )
    assert months.figures.partial == {"2026-06": "29 of 30 days"}
    july = await metrics.query(callers["seattle"], metrics=["revenue"], time_period="last month")
    assert any("31 of the 31 days are missing" in note for note in july.notes)
    forecast = await metrics.query(
        callers["seattle"], metrics=["revenue"], dimensions=["month"], forecast_periods=2
    )
    assert forecast.forecasts == ()
    assert any(note.startswith("No forecast: orders of the last") for note in forecast.notes)


async def test_summary_of_missing_days_has_findings_on_stock_alone(
    reader: SalesReader, callers: dict[str, Caller]
) -> None:
    stale = await StoreAnalysis(reader, lambda: SIX_WEEKS_LATER).performance(
        callers["head-office"], None, "last month"
    )
    assert {finding.rule for finding in stale.insights} <= {"stock_outs"}
    assert stale.missing_days == 31
    assert any("missing in the period" in note for note in stale.notes)
    for part in ("stores", "categories"):
        columns = [column.name for column in stale.parts[part].columns]
        place = columns.index("revenue_change_percent")
        assert all(row[place] is None for row in stale.parts[part].rows)


async def test_late_store_is_named_and_ranked_after_those_that_are_whole(
    reader: SalesReader, callers: dict[str, Caller]
) -> None:
    metrics = MetricQueries(reader, lambda: TODAY)
    for descending in (True, False):
        answer = await metrics.query(
            callers["eastside"],
            metrics=["revenue"],
            dimensions=["store"],
            time_period="2026-06",
            order_by=[MetricOrder("revenue", is_descending=descending)],
        )
        assert answer.figures.rows[-1][0] == LATE
        assert len(answer.figures.rows) > 1
        assert answer.figures.partial == {LATE: "through 2026-06-26"}
        (told,) = [note for note in answer.notes if "single stores" in note]
        assert f"{LATE} through 2026-06-26 (2 missing)" in told
    growth = await metrics.query(
        callers["eastside"],
        metrics=["like_for_like_growth"],
        dimensions=["store"],
        time_period="this quarter",
    )
    assert growth.figures.rows[-1] == [LATE, None]
    assert growth.figures.rows[0][1] is not None
    redmond = await metrics.query(
        callers["eastside"],
        metrics=["revenue"],
        filters=[MetricFilter("store", "=", ("redmond",))],
        time_period="last month",
        compare=YEAR,
    )
    assert not [note for note in redmond.notes if "missing" in note]


async def test_cut_units_are_marked_and_never_the_weakest(
    reader: SalesReader, callers: dict[str, Caller]
) -> None:
    metrics = MetricQueries(reader, lambda: TODAY)
    weeks = await metrics.query(
        callers["head-office"],
        metrics=["revenue"],
        filters=[ON_TIME],
        dimensions=["iso_week"],
        time_period="this year",
        order_by=[MetricOrder("revenue", is_descending=False)],
        limit=60,
    )
    assert weeks.figures.partial == {"2026-W01": "4 of 7 days", "2026-W27": "1 of 7 days"}
    assert {row[0] for row in weeks.figures.rows[-2:]} == {"2026-W01", "2026-W27"}
    weakest = await metrics.query(
        callers["head-office"],
        metrics=["revenue"],
        filters=[ON_TIME],
        dimensions=["iso_week"],
        time_period="this year",
        order_by=[MetricOrder("revenue", is_descending=False)],
        limit=1,
    )
    assert weakest.figures.rows == weeks.figures.rows[:1]
    assert weakest.figures.partial == {}
    today = await metrics.query(
        callers["head-office"],
        metrics=["revenue"],
        filters=[ON_TIME],
        dimensions=["day"],
        time_period="this month",
    )
    assert today.figures.partial == {"2026-06-29": "until 13:05"}
    with_the_late = await metrics.query(
        callers["head-office"], metrics=["revenue"], dimensions=["day"], time_period="this week"
    )
    assert with_the_late.figures.partial == {"2026-06-29": "not loaded for every store"}


async def test_weekdays_and_events_that_differ_are_said(
    reader: SalesReader, callers: dict[str, Caller]
) -> None:
    metrics = MetricQueries(reader, lambda: TODAY)

    async def notes(period: str, compare: Comparison) -> str:
        answer = await metrics.query(
            callers["seattle"], metrics=["revenue"], time_period=period, compare=compare
        )
        return " ".join(answer.notes)

    assert "Saturday is compared with Friday" in await notes("2025-11-29..2025-11-29", DATE)
    assert "compared with" not in await notes("2025-11-29..2025-11-29", YEAR)
    assert "The period has 5 Saturdays, the compared one 4." in await notes("2025-05", YEAR)
    assert "In the compared period alone: Easter (2024-03-31)" in await notes("2025-03", YEAR)


async def test_days_and_weeks_of_a_series_stand_beside_their_counterparts(
    reader: SalesReader, callers: dict[str, Caller], rows: naive.Exported
) -> None:
    metrics = MetricQueries(reader, lambda: TODAY)
    own = rows.of("seattle").lines
    for dimension, period in (("day", "2025-11-24..2025-11-30"), ("iso_week", "2025-11")):
        answer = await metrics.query(
            callers["seattle"],
            metrics=["revenue"],
            dimensions=[dimension],
            time_period=period,
            compare=YEAR,
        )
        compared = answer.figures.compared
        assert compared is not None
        back = (date(2025, 11, 24 if dimension == "day" else 1) - compared.start).days
        assert back == 364
        for label, _, previous, *_ in answer.figures.rows:
            lines = [
                row
                for row in own
                if compared.start <= row["date"] <= compared.last_day
                and naive.TIME_LABELS[dimension](row["date"] + timedelta(days=back)) == label
            ]
            assert Decimal(str(previous)) == naive.revenue(lines)


async def test_forecast_of_the_month_under_way_never_lies_below_what_is_sold(
    reader: SalesReader, callers: dict[str, Caller]
) -> None:
    metrics = MetricQueries(reader, lambda: TODAY)
    answer = await metrics.query(
        callers["seattle"],
        metrics=["revenue", "orders", "average_order_value"],
        dimensions=["month"],
        time_period="this month",
        forecast_periods=3,
    )
    (sold_so_far,) = answer.figures.rows
    for place, forecast in enumerate(answer.forecasts[:2], 1):
        first = forecast.points[0]
        assert first.label == "2026-06"
        assert sold_so_far[place] <= first.low <= first.value <= first.high
        assert forecast.error_percent is not None
        assert "back-test" in forecast.method
    assert len(answer.forecasts) == 3


async def test_loaders_word_holds_until_orders_are_removed(
    quarter: Database,
) -> None:
    """A transaction that is rolled back shows both, and leaves the shared database as it was."""
    with psycopg.connect(quarter.owner) as owner:
        store = STORES[0].store_id
        count = "SELECT count(*) FROM zava.orders_loaded WHERE of_store = %s"
        assert owner.execute(count, [store]).fetchone() == (1,)
        oldest = "SELECT min(order_date) FROM retail.orders WHERE store_id = %s"
        owner.execute(
            "CREATE TEMP TABLE gone ON COMMIT DROP AS SELECT order_id FROM retail.orders"
            f" WHERE store_id = '{store}' AND order_date = ({oldest})",
            [store],
        )
        owner.execute(
            "DELETE FROM retail.order_items WHERE order_id IN (SELECT order_id FROM gone)"
        )
        owner.execute("DELETE FROM retail.orders WHERE order_id IN (SELECT order_id FROM gone)")
        assert owner.execute(count, [store]).fetchone() == (1,), "an old order is no late load"
        owner.execute("UPDATE retail.orders SET status = 'refunded' WHERE store_id = %s", [store])
        assert owner.execute(count, [store]).fetchone() == (1,)
        owner.execute("DELETE FROM retail.order_items WHERE store_id = %s", [store])
        owner.execute("DELETE FROM retail.orders WHERE store_id = %s", [store])
        assert owner.execute(count, [store]).fetchone() == (0,)
        owner.rollback()


async def test_summary_of_one_day_judges_stock_by_four_weeks(
    reader: SalesReader, callers: dict[str, Caller]
) -> None:
    told: StorePerformance = await StoreAnalysis(reader, lambda: TODAY).performance(
        callers["seattle"], None, "yesterday"
    )
    assert [
        f.text for f in told.insights if f.rule == "short_supply" and "28 days" not in f.text
    ] == []
    assert told.previous_year.start == date(2025, 6, 29)
    assert told.previous_period.start == date(2026, 6, 21)


async def test_place_in_the_chain_is_not_given_over_missing_days(
    reader: SalesReader, callers: dict[str, Caller]
) -> None:
    analysis = ChainAnalysis(reader, lambda: SIX_WEEKS_LATER)
    july = await analysis.compare(callers["seattle"], "revenue", "2026-07")
    assert july.missing_days == 31
    may = await analysis.compare(callers["seattle"], "revenue", "2026-05")
    assert may.missing_days == 0


async def test_days_of_a_chart_stand_beside_the_same_weekdays(
    reader: SalesReader, callers: dict[str, Caller], rows: naive.Exported
) -> None:
    answer = await MetricQueries(reader, lambda: TODAY).query(
        callers["head-office"],
        metrics=["revenue"],
        dimensions=["day"],
        time_period="2026-05-01..2026-05-30",
        point_by_point=True,
    )
    assert answer.figures.compared is not None
    assert answer.figures.compared.start == date(2026, 5, 1) - timedelta(days=35)
    by_day: dict[date, Decimal] = {}
    for row in rows.lines:
        by_day[row["date"]] = by_day.get(row["date"], Decimal()) + row["total_amount"]
    for label, revenue, previous in answer.figures.rows:
        day = date.fromisoformat(label)
        assert Decimal(str(revenue)) == by_day[day]
        earlier = by_day.get(day - timedelta(days=35))
        assert (None if previous is None else Decimal(str(previous))) == earlier


@pytest.mark.parametrize(
    ("newest", "expected"),
    [
        (datetime(2026, 11, 30), {"2026-11": "29 of 30 days"}),  # noqa: DTZ001  # stores' time
        (datetime(2026, 11, 30, 19, 5), {}),  # noqa: DTZ001  # same
        (datetime(2026, 11, 30, 9, 5), {}),  # noqa: DTZ001  # a day begun, which a note names
    ],
)
def test_month_is_a_part_until_its_last_day_has_orders(
    newest: datetime, expected: dict[str, str]
) -> None:
    today = date(2027, 1, 10)
    found = parts(parse_period("2026-11", today), PeriodUnit.MONTH, DataReach(newest), today)
    assert {label: str(part) for label, part in found.items()} == expected


def test_many_stores_list_only_the_late_ones_and_the_others_are_as_the_newest() -> None:
    reach = DataReach.read(
        {
            "newest": "2026-11-29T15:00:00",
            "is_whole": False,
            "stores": [["Zava Retail A", "North", "store", "2026-11-27T09:00:00"]],
        },
        RETAIL,
    )
    other = reach.within([MetricFilter("store", "=", ("b",))])
    period = parse_period("last week", date(2026, 11, 30))
    assert other.missing_days(period, date(2026, 11, 29)) == 0
    assert reach.missing_days(period, date(2026, 11, 29)) == 2
    assert reach.within([MetricFilter("region", "=", ("NORTH",))]).behind()
    assert DataReach.read({}, RETAIL).missing_days(period, date(2026, 11, 29)) == 0
