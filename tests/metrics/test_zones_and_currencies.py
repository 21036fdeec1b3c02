"""Figures of a chain in three time zones and three currencies, as in plain Python.

Redmond and Tacoma are in India, Bellevue and Kirkland in Berlin, and the others where they were.
"""

import random
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.metrics import naive
from tests.metrics.test_against_naive import assert_equal, random_question
from tests.support.servers.database import Cluster, Database, one
from tests.support.servers.seeded import TODAY, result_cache
from zava.composition.retail_parts import make_linter
from zava.data.metrics.catalog import Catalogue
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.data.sql_query.free_query import FreeQuery
from zava.errors import InvalidInput
from zava.infrastructure.cache_backends import MemoryStore
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.model.metrics import Comparison, MetricFilter, MetricQuery
from zava.retail.data.sales_reader import SalesReader
from zava.retail.data.search_statement import ProductData
from zava.retail.declaration import RETAIL
from zava.retail.importing.sums import refresh_sums
from zava.retail.service.store_performance import StoreAnalysis
from zava.service.metrics.periods import parse_period
from zava.service.metrics.query import MetricQueries

pytestmark = (
    pytest.mark.slow
)  # a seeded database is moved into four zones, and read again in Python

KOLKATA, BERLIN = ("Asia/Kolkata", "INR"), ("Europe/Berlin", "EUR")
ABROAD = {"Redmond": KOLKATA, "Tacoma": KOLKATA, "Bellevue": BERLIN, "Kirkland": BERLIN}
OWN_CURRENCY = {"seattle": "USD", "redmond": "INR", "eastside": "USD", "head-office": "USD"}
CASES = 160
# Banks name no rate on weekends. Older orders take the first rate, and the last days the last one.
FIRST_RATE, LAST_RATE = date(2024, 3, 1), date(2026, 6, 19)
# Nights on which a clock of one of the zones changes, and the last hours of a month in each.
ODD_MOMENTS = (
    *("2026-03-08 09:30+00", "2026-03-08 10:30+00", "2026-03-29 00:30+00", "2026-03-29 01:30+00"),
    *("2025-11-02 08:30+00", "2025-11-02 09:30+00", "2025-10-26 00:30+00", "2025-10-26 01:30+00"),
    *("2026-05-31 18:29+00", "2026-05-31 18:31+00", "2026-05-31 21:59+00", "2026-05-31 22:01+00"),
    *("2026-06-01 06:59+00", "2026-06-01 07:01+00", "2026-06-30 18:31+00", "2026-06-30 22:01+00"),
)
MOVE = "UPDATE retail.orders AS o SET order_date = %s::timestamptz FROM ({}) AS k WHERE o.order_id = k.order_id"
SOME = (
    "SELECT DISTINCT ON (store_id) store_id, order_id FROM retail.orders"
    " WHERE status = 'completed' ORDER BY store_id, md5(order_id::text || %s)"
)


def rate_of(currency: str, day: date) -> Decimal:
    """Return the rate of a weekday."""
    base = {"EUR": Decimal("1.1"), "INR": Decimal("0.0119")}[currency]
    return base * (1000 + (day.toordinal() * 7) % 101) / 1000


def weekdays() -> Iterator[date]:
    days = (FIRST_RATE + timedelta(days=n) for n in range((LAST_RATE - FIRST_RATE).days + 1))
    return (day for day in days if day.isoweekday() < 6)


def worth(currency: str, day: date) -> Decimal:
    """Return what a unit of a currency is worth in dollars on a day, by the rules of the page."""
    if currency == "USD":
        return Decimal(1)
    known = min(max(day, FIRST_RATE), LAST_RATE)
    while known.isoweekday() > 5:
        known -= timedelta(days=1)
    return rate_of(currency, known)


@dataclass(frozen=True)
class Spread:
    """The chain in three zones and currencies, its metrics, and its rows for plain Python."""

    metrics: SalesReader
    rows: naive.Exported
    database: Database

    def of(self, principal: str) -> naive.Exported:
        """Return what a principal sees, in the currency of the answer."""
        own = self.rows.of(principal)
        wanted = OWN_CURRENCY[principal]
        return replace(
            own,
            lines=[converted(row, row["date"], wanted) for row in own.lines],
            stock=[converted(row, TODAY, wanted) for row in own.stock],
            targets=[converted(row, row["date"], wanted) for row in own.targets],
        )


def converted(row: Mapping[str, Any], day: date, wanted: str) -> dict[str, Any]:
    """Return a row with amounts of sales in the wanted currency, and costs and list prices, too."""
    sale = worth(row["currency"], day) / worth(wanted, day) if row["currency"] != wanted else 1
    listed = 1 / worth(wanted, day)
    factors = dict.fromkeys(("unit_price", "discount_amount", "total_amount"), sale)
    factors |= dict.fromkeys(("cost", "base_price"), listed)
    found = {name: row[name] * factor for name, factor in factors.items() if name in row}
    if "target" in row:
        found["target"] = row["target"] * (sale if sale == 1 else Fraction(sale))
    return {**row, **found}


def move_abroad(owner: psycopg.Connection) -> None:
    for store, (zone, currency) in ABROAD.items():
        owner.execute(
            "UPDATE retail.stores SET time_zone = %s, currency = %s WHERE store_name = %s",
            [zone, currency, f"Zava Retail {store}"],
        )
    with owner.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO retail.exchange_rates VALUES (%s, %s, %s)",
            [(name, day, rate_of(name, day)) for day in weekdays() for name in ("EUR", "INR")],
        )


@contextmanager
def moved(cluster: Cluster, template: Database, name: str) -> Iterator[Database]:
    """Yield a database of the spread chain; some days have sums, and others only marks."""
    with cluster.database(name, template=template) as database:
        with psycopg.connect(database.owner, autocommit=True) as owner:
            move_abroad(owner)
            for number, moment in enumerate(ODD_MOMENTS[:-4]):
                owner.execute(MOVE.format(SOME), [moment, str(number)])
            owner.execute(
                "INSERT INTO retail.store_targets (store_id, month, revenue_target)"
                " SELECT store_id, m::date, 1000.10 FROM retail.stores,"
                " generate_series('2026-01-01'::timestamp, '2026-06-01', '1 month') AS m"
            )
        with psycopg.connect(database.admin, autocommit=True) as admin:
            assert refresh_sums(admin)
        with psycopg.connect(database.owner, autocommit=True) as owner:
            for number, moment in enumerate(ODD_MOMENTS[-4:]):
                owner.execute(MOVE.format(SOME), [moment, f"marked {number}"])
        yield database


@pytest.fixture(scope="module")
async def spread(
    cluster: Cluster, seeded_template: Database, signer: ContextSigner, catalogue: Catalogue
) -> AsyncIterator[Spread]:
    with moved(cluster, seeded_template, "spread") as database:
        pool = DatabasePool(database.server, max_size=2, max_waiting=16)
        tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
        cache = result_cache(tenancy, MemoryStore(1), ttl_seconds=0)
        reader = SalesReader(tenancy, cache, catalogue, day_in=lambda _: TODAY)
        yield Spread(reader, naive.export(database.owner), database)
        await pool.close()


async def asked(
    spread: Spread, caller: Caller, *metrics: str, period: str, **more: Any
) -> list[list[Any]]:
    query = MetricQuery(metrics, parse_period(period, TODAY), TODAY, limit=10_000, **more)
    return (await spread.metrics.measure(caller, {"q": query})).answers["q"].rows


async def test_random_questions_equal_the_naive_computation_in_each_zone_and_currency(
    spread: Spread, callers: dict[str, Caller], catalogue: Catalogue
) -> None:
    draw = random.Random(20261130)  # noqa: S311  # the same cases in each run
    scopes = {name: spread.of(name) for name in OWN_CURRENCY}
    compared = 0
    for case in range(CASES):
        principal = draw.choice(list(OWN_CURRENCY))
        query, given = random_question(draw, scopes[principal], principal, catalogue)
        caller = replace(callers[principal], permissions=frozenset())
        answer = (await spread.metrics.measure(caller, {"q": query})).answers["q"]
        expected = naive.answer(scopes[principal], given)
        found = {tuple(row[: len(given.dimensions)]): row for row in answer.rows}
        assert found.keys() == expected.keys(), (case, query)
        for group, figures in expected.items():
            for place, metric in enumerate(given.metrics, len(given.dimensions)):
                assert_equal(
                    found[group][place], figures[metric], catalogue, metric, (group, case, query)
                )
                compared += 1
    assert compared > 1000


@pytest.mark.parametrize("dimension", ["day", "month"])
@pytest.mark.parametrize("principal", list(OWN_CURRENCY))
async def test_figures_by_time_equal_the_naive_computation(
    spread: Spread,
    callers: dict[str, Caller],
    catalogue: Catalogue,
    principal: str,
    dimension: str,
) -> None:
    period = parse_period("last 12 months", TODAY)
    names = [
        *("revenue", "gross_sales", "discounts", "units", "orders", "new_customers", "customers"),
        *("average_order_value", "targeted_revenue"),
        *(("cost_of_goods", "gross_margin") if principal in {"eastside", "head-office"} else ()),
    ]
    rows = await asked(
        spread, callers[principal], *names, period="last 12 months", dimensions=(dimension, "store")
    )
    given = naive.Asked(
        tuple(names), (dimension, "store"), period.start, period.end, TODAY, lambda _: True,
        date.min, date.min,
    )  # fmt: skip
    expected = naive.answer(spread.of(principal), given)
    assert {tuple(row[:2]) for row in rows} == expected.keys()
    for row in rows:
        for name, value in zip(names, row[2:], strict=True):
            assert_equal(value, expected[row[0], row[1]][name], catalogue, name, row[:2])


async def test_head_office_is_the_sum_of_its_stores_and_names_its_currency(
    spread: Spread, callers: dict[str, Caller]
) -> None:
    names = ("revenue", "gross_sales", "discounts", "cost_of_goods", "stock_value", "units")
    query = MetricQuery(
        names,
        parse_period("last 12 months", TODAY),
        TODAY,
        dimensions=("store",),
        with_totals=True,
    )
    told = (await spread.metrics.measure(callers["head-office"], {"q": query})).answers["q"]
    (grand,) = told.totals
    for place, name in enumerate(names, 1):
        added = sum(Decimal(str(row[place])) for row in told.rows)
        assert abs(added - Decimal(str(grand[place]))) <= Decimal("0.04"), name
    assert [column.unit for column in told.columns] == [None, *["USD"] * 5, "count"]
    # A filter does not change the currency of a caller.
    filters = (MetricFilter("store", "=", ("Redmond",)),)
    alone = await asked(
        spread, callers["head-office"], "revenue", period="last 12 months", filters=filters
    )
    (row,) = [row for row in told.rows if row[0] == "Zava Retail Redmond"]
    assert alone == [[row[1]]]


async def test_manager_reads_the_own_currency_and_no_note_on_rates(
    spread: Spread, callers: dict[str, Caller]
) -> None:
    queries = MetricQueries(spread.metrics, lambda: TODAY)
    own = await queries.query(
        callers["redmond"], metrics=["revenue", "orders"], time_period="2026-05"
    )
    assert [column.unit for column in own.figures.columns] == ["INR", "count"]
    assert own.notes == ()
    listed = await queries.query(callers["redmond"], metrics=["stock_value"])
    assert "Costs and list prices are converted from USD" in " ".join(listed.notes)


async def test_answer_over_several_places_states_zones_rates_and_currency(
    spread: Spread, callers: dict[str, Caller]
) -> None:
    queries = MetricQueries(spread.metrics, lambda: TODAY)
    told = await queries.query(
        callers["head-office"], metrics=["revenue"], time_period="2024-02-20..2026-06-25"
    )
    notes = " ".join(told.notes)
    assert "Amounts are in USD: those in EUR, INR are converted by the rate of their day." in notes
    assert f"Days before {FIRST_RATE} take the first rate of EUR." in notes
    assert f"Days after {LAST_RATE} take the last rate of INR." in notes
    assert "its own time zone (America/Los_Angeles, Asia/Kolkata, Europe/Berlin)" in notes
    counts = await queries.query(
        callers["head-office"], metrics=["orders"], time_period="2024-02-20..2026-06-25"
    )
    assert "rate" not in " ".join(counts.notes)
    summary = await StoreAnalysis(spread.metrics, lambda: TODAY).performance(
        callers["head-office"], None, "2026-05"
    )
    assert summary.units["revenue"] == "USD"
    assert "Amounts are in USD" in " ".join(summary.notes)


async def test_today_is_the_day_that_has_begun_at_every_store(
    spread: Spread, callers: dict[str, Caller]
) -> None:
    tomorrow = TODAY + timedelta(days=1)
    days = {"America/Los_Angeles": TODAY, "Europe/Berlin": tomorrow, "Asia/Kolkata": tomorrow}
    parts = spread.metrics
    # The parts of the reader, which have no public names, with another clock.
    kept = (parts._tenancy, parts._cache, parts._catalogue)
    reader = SalesReader(*kept, day_in=days.__getitem__)
    queries = MetricQueries(reader, lambda: TODAY)
    for name, day in {"redmond": tomorrow, "eastside": tomorrow, "head-office": TODAY}.items():
        told = await queries.query(callers[name], metrics=["orders"], time_period="today")
        assert told.figures.period is not None
        assert (told.today, told.figures.period.start) == (day, day), name
        assert ("and already" in " ".join(told.notes)) is (name == "head-office")


async def test_comparison_of_today_ends_at_one_moment_everywhere(
    spread: Spread, callers: dict[str, Caller]
) -> None:
    query = MetricQuery(
        ("revenue",), parse_period("today", TODAY), TODAY, dimensions=("store",),
        compare=Comparison.PREVIOUS_PERIOD, limit=100,
    )  # fmt: skip
    measured = await spread.metrics.measure(callers["head-office"], {"q": query})
    cut = measured.reach.cut(query.period, TODAY)
    assert cut is not None and measured.reach.newest is not None  # noqa: PT018  # one fact
    moment = measured.reach.newest.replace(tzinfo=ZoneInfo("America/Los_Angeles"))
    week_before = TODAY - timedelta(days=7)
    for row in measured.answers["q"].rows:
        sold = Decimal()
        for line in spread.of("head-office").lines:
            local = moment.astimezone(ZoneInfo(line["time_zone"])).replace(tzinfo=None)
            until = local - datetime.combine(TODAY, datetime.min.time())
            at = line["at"].astimezone(ZoneInfo(line["time_zone"])).replace(tzinfo=None)
            if line["store"] == row[0] and line["date"] == week_before:
                passed = at - datetime.combine(week_before, datetime.min.time())
                sold += line["total_amount"] if passed <= until else 0
        assert naive.rounded(sold, 2) == Decimal(str(row[2])), row


async def test_comparison_with_the_chain_is_in_one_currency(
    spread: Spread, callers: dict[str, Caller]
) -> None:
    period = parse_period("2026-05", TODAY)
    told = await spread.metrics.chain(callers["redmond"], "revenue", period, TODAY)
    rows = [row for row in spread.of("head-office").lines if f"{row['date']:%Y-%m}" == "2026-05"]
    sold = {store: Decimal() for store in {row["store"] for row in rows}}
    for row in rows:
        sold[row["store"]] += row["total_amount"]
    assert told.unit == "USD"
    (own,) = told.own.items()
    assert (own[0], Decimal(str(own[1]))) == (
        "Zava Retail Redmond",
        naive.rounded(sold["Zava Retail Redmond"], 2),
    )
    whole = await spread.metrics.chain(callers["head-office"], "revenue", period, TODAY)
    ranked = sorted(sold.values())
    assert whole.quartiles is not None
    middle = (ranked[3] + ranked[4]) / 2 if len(ranked) == 8 else ranked[len(ranked) // 2]
    assert abs(Decimal(str(whole.quartiles[1])) - middle) < Decimal("0.01")


def test_store_that_moves_has_the_days_of_its_zone_before_and_after_a_refresh(
    cluster: Cluster, seeded_template: Database
) -> None:
    with (
        cluster.database("moving", template=seeded_template) as database,
        psycopg.connect(database.admin, autocommit=True) as admin,
        psycopg.connect(database.owner, autocommit=True) as owner,
    ):
        for zone in ("Asia/Tokyo", "America/St_Johns"):
            admin.execute("SET ROLE zava_loader")
            admin.execute("UPDATE retail.stores SET time_zone = %s", [zone])
            admin.execute("RESET ROLE")
            assert_days_are_those_of(owner, zone)
            assert refresh_sums(admin)
            assert one(owner, "SELECT count(*) FROM zava.day_marks") == 0
            assert_days_are_those_of(owner, zone)


_BY_DAY = """
SELECT store_id, day, sum(revenue) AS revenue, sum(orders) AS orders FROM zava.current_days
WHERE counted > 0 GROUP BY 1, 2
EXCEPT
SELECT store_id, (order_date AT TIME ZONE %(zone)s)::date, sum(total_amount),
       count(*) FILTER (WHERE NOT is_return)
FROM retail.orders WHERE status NOT IN ('cancelled', 'refunded') GROUP BY 1, 2
"""
_NEW_CUSTOMERS = """
SELECT store_id, day, new_customers FROM zava.current_first_days WHERE new_customers > 0
EXCEPT
SELECT f.store_id, (f.first_at AT TIME ZONE %(zone)s)::date, count(*)
FROM (SELECT store_id, min(order_date) AS first_at FROM retail.orders
      WHERE status NOT IN ('cancelled', 'refunded') AND NOT is_return AND customer_id IS NOT NULL
      GROUP BY store_id, customer_id) AS f GROUP BY 1, 2
"""


def assert_days_are_those_of(connection: psycopg.Connection, zone: str) -> None:
    for statement in (_BY_DAY, _NEW_CUSTOMERS):
        assert connection.execute(statement, {"zone": zone}).fetchall() == []
    assert one(connection, "SELECT count(*) FROM zava.current_first_days") > 100


async def test_amounts_without_a_rate_are_refused_and_counts_answered(
    cluster: Cluster,
    seeded_template: Database,
    callers: dict[str, Caller],
    signer: ContextSigner,
    catalogue: Catalogue,
) -> None:
    with cluster.database("no_rate", template=seeded_template) as database:
        with psycopg.connect(database.owner, autocommit=True) as owner:
            move_abroad(owner)
            owner.execute("DELETE FROM retail.exchange_rates WHERE currency = 'INR'")
        pool = DatabasePool(database.server, max_size=1, max_waiting=16)
        tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
        cache = result_cache(tenancy, MemoryStore(1), ttl_seconds=0)
        queries = MetricQueries(SalesReader(tenancy, cache, catalogue), lambda: TODAY)
        try:
            with pytest.raises(InvalidInput, match="INR have no exchange rate to USD"):
                await queries.query(callers["eastside"], metrics=["revenue"])
            told = await queries.query(callers["eastside"], metrics=["orders"])
            assert told.figures.rows[0][0] > 0
            own = await queries.query(callers["redmond"], metrics=["revenue"])
            assert own.figures.columns[0].unit == "INR"
            assert (await ProductData(tenancy).registry(callers["redmond"])).currency == "USD"
            # A chain that sells in euros alone needs no rate, and its list prices are in euros.
            with psycopg.connect(database.owner, autocommit=True) as owner:
                owner.execute("UPDATE retail.stores SET currency = 'EUR'")
            whole = await queries.query(
                callers["head-office"], metrics=["gross_margin"], time_period="2026-05"
            )
            assert whole.figures.columns[0].unit == "EUR"
            assert "converted" not in " ".join(whole.notes)
            assert (await ProductData(tenancy).registry(callers["redmond"])).currency == "EUR"
        finally:
            await pool.close()


@pytest.mark.parametrize(
    ("principal", "sql", "expected"),
    [
        (
            "head-office",
            "SELECT sum(total_amount) FROM retail.orders WHERE order_date >= '2026-05-01'",
            ("Amounts in EUR, INR, USD are added up", "not of Asia/Kolkata, Europe/Berlin"),
        ),
        (
            "head-office",
            ("SELECT s.currency, sum(o.total_amount) FROM retail.orders AS o"
            " JOIN retail.stores AS s USING (store_id) WHERE status = 'completed' GROUP BY 1"),
            (),
        ),
        (
            "head-office",
            ("SELECT date_trunc('month', o.order_date AT TIME ZONE s.time_zone), count(*)"
            " FROM retail.orders AS o JOIN retail.stores AS s USING (store_id) GROUP BY 1"),
            (),
        ),
        ("redmond", "SELECT sum(total_amount) FROM retail.orders WHERE status = 'completed'", ()),
        (
            "redmond",
            "SELECT count(*) FROM retail.orders WHERE order_date >= '2026-05-01'",
            ("not of Asia/Kolkata",),
        ),
        ("seattle", "SELECT sum(total_amount) FROM retail.orders WHERE order_date::date = '2026-05-01'", ()),
    ],
)  # fmt: skip
async def test_free_sql_has_a_note_where_it_mixes_currencies_or_days(
    spread: Spread,
    callers: dict[str, Caller],
    principal: str,
    sql: str,
    expected: tuple[str, ...],
) -> None:
    query = FreeQuery(spread.metrics._tenancy, RETAIL, make_linter=make_linter)
    table = await query.run(callers[principal], sql, max_rows=100)
    notes = " ".join(note for note in table.notes if "added up" in note or "Days here" in note)
    for part in expected:
        assert part in notes
    assert bool(notes) is bool(expected)
