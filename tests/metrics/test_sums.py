"""Figures read from the sums equal those of the facts, whatever is written meanwhile.

Both are computed in one statement, so in one snapshot: writers and refreshes go on beside it.
"""

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date, timedelta
from datetime import time as clock
from typing import Any

import psycopg
import pytest

from tests.support.servers.database import Cluster, Database, one
from tests.support.servers.seeded import TODAY
from zava.data.metrics.catalog import Catalogue
from zava.data.metrics.compiler import compile_plans
from zava.data.metrics.planner import plan
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.data.sql_query.free_query import FreeQuery
from zava.errors import InvalidInput, NotPermitted, QueryRefused
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.model.data_reach import Places
from zava.model.fiscal_calendar import fiscal_calendar
from zava.model.metrics import Comparison, MetricFilter, MetricQuery, Period
from zava.retail.declaration import RETAIL
from zava.retail.importing.sums import mark_everything, refresh_sums
from zava.service.metrics.periods import parse_period

PEOPLE = ("seattle", "eastside", "head-office")
SECONDS = float(os.environ.get("ZAVA_TEST_SECONDS", "0"))  # noqa: TID251  # `make check-long`: 1800
# Figures that have sums behind them; those of stock have none.
SUMMED = (
    *("revenue", "gross_sales", "discounts", "units", "orders", "products_sold", "cost_of_goods"),
    *("refund_rate", "customers", "new_customers", "comparable_revenue", "like_for_like_growth"),
    *("repeat_rate", "lifetime_value", "days_since_last_purchase", "lapsed_customers"),
    *("average_order_value", "returning_customers", "gross_margin", "discount_rate"),
)
PERIODS = (
    *("this month", "last month", "last quarter", "this year", "last 12 months", "2024-Q4", "2025"),
    *("last 90 days", "last 6 weeks", "2024-02-10..2024-05-05", "2027", "yesterday"),
)
# A leap day, two days on which clocks change, and the edges of months and of a year.
ODD_DAYS = (
    *(date(2024, 2, 28), date(2024, 2, 29), date(2025, 11, 2), date(2026, 3, 8)),
    *(date(2025, 1, 1), date(2026, 6, 1), TODAY),
)
# The stores of a region are in Berlin, one is in India, and the others where they were. No rate is
# known before the first day: the first one holds there.
RATES = {name: (date(2024, 1, 1), date(2026, 6, 1)) for name in ("EUR", "INR")}
ABROAD = """
UPDATE retail.stores SET time_zone = 'Europe/Berlin', currency = 'EUR'
WHERE store_name IN ('Zava Retail Bellevue', 'Zava Retail Redmond', 'Zava Retail Kirkland');
UPDATE retail.stores SET time_zone = 'Asia/Kolkata', currency = 'INR' WHERE store_name = 'Zava Retail Tacoma';
INSERT INTO retail.exchange_rates
SELECT c.currency, d::date, (1 + extract(doy FROM d) / 1000) / c.divisor
FROM generate_series('2024-01-01'::timestamp, '2026-06-01', interval '3 days') AS d,
     (VALUES ('EUR', 1), ('INR', 80)) AS c (currency, divisor)
"""
# A store that moves meanwhile: no statement of one zone reads it.
MOVE = "UPDATE retail.stores SET time_zone = %s WHERE store_name = 'Zava Retail Tacoma'"
LA, BERLIN, KOLKATA = "America/Los_Angeles", "Europe/Berlin", "Asia/Kolkata"
PLACES = {
    "seattle": Places((LA,), LA, ("USD",), "USD", "USD", RATES),
    "eastside": Places((BERLIN,), BERLIN, ("EUR",), "USD", "EUR", RATES),
    "head-office": Places((LA, BERLIN, KOLKATA), LA, ("USD", "EUR", "INR"), "USD", "USD", RATES),
}
LENGTHS = (1, 2, 28, 29, 31, 365, 366)
FISCAL = (None, fiscal_calendar(None, "4-5-4"), fiscal_calendar(7, "months"))
STORES = ("Seattle", "Redmond", "Online", "Bellevue", "Kirkland")


@pytest.fixture(scope="module")
def own(cluster: Cluster, seeded_template: Database) -> Iterator[Database]:
    with cluster.database("sums", template=seeded_template) as database:
        with psycopg.connect(database.owner) as owner:
            owner.execute(
                "UPDATE retail.stores SET closed_on = '2026-05-20'"
                " WHERE store_name IN ('Zava Retail Tacoma', 'Zava Retail Kirkland')"
            )
            owner.execute(ABROAD)
            owner.execute(
                "INSERT INTO retail.product_prices (product_id, valid_from, cost, base_price)"
                " SELECT product_id, day, (base_price / 4)::numeric(10, 2), base_price"
                " FROM retail.products CROSS JOIN (VALUES ('2024-02-29'::date), ('2026-03-08')) AS v (day)"
            )
        yield database


@pytest.fixture(scope="module")
def admin(own: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(own.admin, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
async def own_tenancy(own: Database, signer: ContextSigner) -> Any:
    pool = DatabasePool(own.server, max_size=2)
    yield TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
    await pool.close()


def both(
    query: MetricQuery, catalogue: Catalogue, cut: clock | None, places: Places | None
) -> tuple[str, dict[str, dict[str, Any]]]:
    """Return one statement that reads the sums and the facts, and its parameter."""
    texts, params = [], {}
    for name in ("sums", "facts"):
        asked = plan(query, catalogue, reads_sums=name == "sums", places=places)
        asked = replace(asked, query=replace(query, period=replace(query.period, cut=cut)))
        sql, params[name] = compile_plans({"q": asked}, catalogue)
        own = sql.replace("$1->", f"($1->'{name}')->")
        texts.append(f"({own}) AS {name}")
    return f"SELECT {', '.join(texts)}", params


async def assert_equal(
    tenancy: TenantDatabase,
    caller: Caller,
    catalogue: Catalogue,
    query: MetricQuery,
    cut: clock | None = None,
    places: Places | None = None,
) -> int:
    sql, params = both(query, catalogue, cut, places)
    (row,) = (await tenancy.read(caller, sql, params)).rows
    assert row["sums"] == row["facts"], (query, cut)
    return len(row["facts"]["rows"] or ())


def may_see(name: str, person: str, catalogue: Catalogue) -> bool:
    metric = catalogue.metrics[name]
    if metric.needs_persons:  # of head office alone, with personal data
        return person == "head-office"
    return person != "seattle" or not metric.is_restricted


def answered(query: MetricQuery, catalogue: Catalogue) -> bool:
    with suppress(InvalidInput):
        plan(query, catalogue)
        return True
    return False


def drawn(draw: random.Random, person: str, catalogue: Catalogue) -> MetricQuery:
    """Draw a question that the catalogue answers."""
    while True:
        period = parse_period(draw.choice(PERIODS), TODAY)
        if draw.random() < 0.3:
            start = TODAY - timedelta(days=draw.randint(0, 1500))
            period = replace(period, start=start, end=start + timedelta(days=draw.randint(1, 400)))
        elif draw.random() < 0.3:
            start = draw.choice(ODD_DAYS)
            period = replace(period, start=start, end=start + timedelta(days=draw.choice(LENGTHS)))
        metrics = draw.sample([m for m in SUMMED if may_see(m, person, catalogue)], 3)
        dimensions = draw.sample(list(catalogue.dimensions), draw.choice((0, 1, 1, 2)))
        query = MetricQuery(
            (metrics[0],),
            period,
            TODAY,
            dimensions=tuple(dimensions),
            filters=drawn_filters(draw),
            limit=100_000,
            compare=draw.choice((None, None, *Comparison)),
            with_totals=bool(dimensions) and draw.random() < 0.3,
            fiscal=draw.choice(FISCAL),
            of_open_stores=draw.choice((None, None, True, False)),
        )
        more = [m for m in metrics[1:] if answered(replace(query, metrics=(m,)), catalogue)]
        if answered(query, catalogue):
            return replace(query, metrics=(metrics[0], *more))


def drawn_filters(draw: random.Random) -> tuple[MetricFilter, ...]:
    some = [
        MetricFilter("store", "in", tuple(draw.sample(STORES, 2))),
        MetricFilter("channel", "=", ("store",)),
        MetricFilter("month", ">=", (draw.choice(("2024-03", "2025-11", "2026-05")),)),
        MetricFilter("year", "!=", ("2025",)),
        MetricFilter("weekday", "in", ("monday", "friday")),
        MetricFilter("category", "contains", ("tools",)),
        MetricFilter("brand", "contains", ("pro",)),
        MetricFilter("cohort", "<", ("2025-06",)),
        MetricFilter("day", ">=", ("2025-03-09",)),
        MetricFilter("fiscal_year", ">=", ("FY2025",)),
    ]
    return tuple(draw.sample(some, draw.choice((0, 0, 1, 2))))


ORDER = (
    "SELECT store_id, order_id FROM retail.orders"
    " WHERE order_id >= (SELECT order_id FROM retail.orders OFFSET %s LIMIT 1) LIMIT 1"
)
CUSTOMER = "SELECT customer_id FROM retail.customers WHERE store_id = %s OFFSET %s LIMIT 1"


def write(draw: random.Random, loader: psycopg.Connection) -> None:
    """Change the sales as late corrections do; some are taken back."""
    with loader.transaction() as under_way:
        for _ in range(draw.randint(1, 3)):
            place = draw.randint(0, draw.choice((3, 2000)))
            row = loader.execute(ORDER, [place]).fetchone()
            if row is None:
                return
            change(draw, loader, *row)
        if draw.random() < 0.2:
            raise psycopg.Rollback(under_way)


def change(draw: random.Random, loader: psycopg.Connection, store: Any, order: Any) -> None:
    of_order = "WHERE store_id = %s AND order_id = %s"
    kind = draw.randrange(7)
    if kind == 0:
        status = draw.choice(("refunded", "cancelled", "completed"))
        loader.execute(f"UPDATE retail.orders SET status = %s {of_order}", [status, store, order])
    elif kind == 1:
        days = draw.choice((-400, -31, -1, 1, 35, 400))
        loader.execute(
            f"UPDATE retail.orders SET order_date = order_date + make_interval(days => %s) {of_order}",
            [days, store, order],
        )
    elif kind == 2:
        loader.execute(f"DELETE FROM retail.order_items {of_order}", [store, order])
        loader.execute(f"DELETE FROM retail.orders {of_order}", [store, order])
    elif kind == 3:
        loader.execute(
            "UPDATE retail.order_items SET quantity = quantity + 1,"
            f" total_amount = total_amount + unit_price {of_order} AND line_number = 1",
            [store, order],
        )
        loader.execute(
            f"UPDATE retail.orders SET total_amount = total_amount + 3 {of_order}", [store, order]
        )
    elif kind == 4:
        customer = one(loader, CUSTOMER, store, draw.randint(0, 20))
        loader.execute(
            f"UPDATE retail.orders SET customer_id = %s {of_order}", [customer, store, order]
        )
    elif kind == 5:
        loader.execute(
            f"UPDATE retail.orders SET is_return = NOT is_return {of_order}", [store, order]
        )
    else:
        add_order(draw, loader, store)


def add_order(draw: random.Random, loader: psycopg.Connection, store: Any) -> None:
    day = TODAY - timedelta(days=draw.choice((0, 0, 1, 20, 200, 900, -3)))
    customer = one(loader, CUSTOMER, store, draw.randint(0, 40))
    if draw.random() < 0.3:
        customer = one(
            loader,
            "INSERT INTO retail.customers (store_id) VALUES (%s) RETURNING customer_id",
            store,
        )
    order = one(
        loader,
        "INSERT INTO retail.orders (store_id, customer_id, order_date, status, total_amount)"
        " VALUES (%s, %s, %s::date + time '13:00', 'completed', 20) RETURNING order_id",
        *(store, customer if draw.random() < 0.9 else None, day),
    )
    loader.execute(
        "INSERT INTO retail.order_items (store_id, order_id, line_number, product_id, quantity,"
        " unit_price, total_amount) SELECT %s, %s, row_number() OVER (), product_id, 1, 10, 10"
        " FROM retail.products ORDER BY md5(product_id::text || %s) LIMIT 2",
        [store, order, str(draw.random())],
    )


def kill_one(owner: psycopg.Connection) -> None:
    """End the session of the writer or of the refresh, whatever it does."""
    owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'beside'"
        " ORDER BY random() LIMIT 1"
    )


def move_a_store(admin: psycopg.Connection, zone: str) -> None:
    """Give a store another zone, unless the server ends one of two that wait for each other."""
    with suppress(psycopg.errors.DeadlockDetected), admin.transaction():
        admin.execute("SET LOCAL ROLE zava_loader")
        admin.execute(MOVE, [zone])


@contextmanager
def going_on(database: Database, seed: int) -> Iterator[dict[str, int]]:
    """Write and refresh in threads until the block ends; an error of theirs ends it, too.

    Two writers meet at the same few orders.
    """
    ended, counts, failed = threading.Event(), {"written": 0, "refreshed": 0, "killed": 0}, []

    def writer(draw: random.Random, loader: psycopg.Connection) -> None:
        write(draw, loader)
        counts["written"] += 1

    def refresher(draw: random.Random, loader: psycopg.Connection) -> None:
        batch = [draw.choice((1, 5, 200)), draw.choice((0, 1, 3))]
        loader.execute("SELECT zava.refresh_sums(%s, %s)", batch)
        counts["refreshed"] += 1

    def run(step: Any, draw: random.Random) -> None:
        while not ended.is_set():
            try:
                with psycopg.connect(
                    database.admin, autocommit=True, application_name="beside"
                ) as loader:
                    loader.execute("SET ROLE zava_loader")
                    while not ended.is_set():
                        step(draw, loader)
            except (psycopg.OperationalError, psycopg.Rollback):  # or while it took a change back
                counts["killed"] += 1
            except BaseException as error:  # noqa: BLE001  # raised below, in the test's own thread
                failed.append(error)
                return

    threads = [
        threading.Thread(target=run, args=(step, random.Random(seed + number)))  # noqa: S311  # the same changes in each run
        for number, step in enumerate((writer, writer, refresher))
    ]
    for thread in threads:
        thread.start()
    try:
        yield counts
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert not failed, failed


@pytest.mark.slow
async def test_sums_equal_the_facts_while_writers_commit_late_changes(
    own: Database,
    admin: psycopg.Connection,
    own_tenancy: TenantDatabase,
    callers: dict[str, Caller],
    catalogue: Catalogue,
) -> None:
    draw, cases, rows = random.Random(20260630), 0, 0  # noqa: S311  # a seeded choice, no secret
    until = time.monotonic() + SECONDS
    with going_on(own, 7) as counts, psycopg.connect(own.owner, autocommit=True) as owner:
        while cases < 150 or time.monotonic() < until:
            person = draw.choice(PEOPLE)
            query = drawn(draw, person, catalogue)
            cut = draw.choice((None, clock(10, 30), clock(18)))
            rows += await assert_equal(
                own_tenancy, callers[person], catalogue, query, cut, PLACES[person]
            )
            cases += 1
            if cases % 30 == 0:
                move_a_store(admin, draw.choice((KOLKATA, LA, "Asia/Tokyo")))
            if cases % 10 == 0:
                kill_one(owner)
    assert min(counts["written"], counts["refreshed"]) > 50
    assert counts["killed"] > 5
    assert rows > cases
    assert refresh_sums(admin)
    for person in PEOPLE:
        for _ in range(10):
            query = drawn(draw, person, catalogue)
            await assert_equal(
                own_tenancy, callers[person], catalogue, query, places=PLACES[person]
            )


@pytest.mark.slow
async def test_every_metric_by_every_dimension_is_the_same_from_sums(
    own_tenancy: TenantDatabase, callers: dict[str, Caller], catalogue: Catalogue
) -> None:
    period = parse_period("last 12 months", TODAY)
    for person in PEOPLE:
        for dimension in (None, *catalogue.dimensions):
            basis = MetricQuery(
                ("revenue",),
                period,
                TODAY,
                dimensions=(dimension,) if dimension else (),
                limit=1000,
                with_totals=bool(dimension),
            )
            fitting = [
                name
                for name in catalogue.metrics
                if may_see(name, person, catalogue)
                and answered(replace(basis, metrics=(name,)), catalogue)
            ]
            for first in range(0, len(fitting), 12):
                query = replace(basis, metrics=tuple(fitting[first : first + 12]))
                await assert_equal(
                    own_tenancy, callers[person], catalogue, query, places=PLACES[person]
                )


@pytest.mark.parametrize("name", ["store_days", "customer_totals", "current_days", "day_marks"])
async def test_free_sql_reads_no_sums(
    free_query: FreeQuery, callers: dict[str, Caller], name: str
) -> None:
    for written in (f"zava.{name}", name, f"retail.{name}"):
        with pytest.raises((QueryRefused, NotPermitted)):
            await free_query.run(callers["head-office"], f"SELECT * FROM {written}", max_rows=1)
    assert name not in {
        table.split(".")[-1] for table in await free_query.readable_tables(callers["head-office"])
    }


def test_whole_units_are_read_from_sums_alone(catalogue: Catalogue) -> None:
    year = parse_period("2025", TODAY)
    for metrics, dimensions in (
        (("revenue", "orders", "units", "discount_rate", "new_customers"), ("day",)),
        (("revenue", "customers", "returning_customers", "refund_rate"), ("region", "month")),
        (("revenue", "units", "orders", "products_sold"), ("product",)),
        (("gross_sales", "units", "discounts"), ("category", "quarter")),
        (("repeat_rate", "lifetime_value"), ("cohort",)),
        (("like_for_like_growth",), ("month",)),
    ):
        query = MetricQuery(metrics, year, TODAY, dimensions=dimensions)
        (sources,) = [{m.source.sums for m in plan(query, catalogue).measures}]
        assert None not in sources, (metrics, dimensions)
        (facts,) = [{m.source.sums for m in plan(query, catalogue, reads_sums=False).measures}]
        assert facts == {None}
    by_hour = MetricQuery(("revenue", "orders"), year, TODAY, dimensions=("hour",))
    assert {m.source.sums for m in plan(by_hour, catalogue).measures} == {None}
    # Orders that hold one of two products are no sum over the products.
    few = MetricQuery(
        ("orders",), year, TODAY, filters=(MetricFilter("product", "contains", ("drill",)),)
    )
    assert {m.source.name for m in plan(few, catalogue).measures} == {"lines"}


@pytest.mark.slow
@pytest.mark.parametrize("tables", ["order_items", "orders, order_items"])
async def test_truncated_table_has_no_sum_left(
    seeded_clone: Database,
    signer: ContextSigner,
    callers: dict[str, Caller],
    catalogue: Catalogue,
    tables: str,
) -> None:
    pool = DatabasePool(seeded_clone.server, max_size=1)
    emptied = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
    names = ("revenue", "units", "orders", "customers", "new_customers", "products_sold")
    query = MetricQuery(
        names, parse_period("2025", TODAY), TODAY, dimensions=("store",), with_totals=True
    )
    caller = callers["head-office"]
    assert await assert_equal(emptied, caller, catalogue, query)
    truncate = ", ".join(f"retail.{name}" for name in tables.split(", "))
    with psycopg.connect(seeded_clone.admin, autocommit=True) as admin:
        admin.execute("SET ROLE zava_owner")
        admin.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with pytest.raises(psycopg.errors.FeatureNotSupported), admin.transaction():
            admin.execute(f"TRUNCATE {truncate} CASCADE")
        admin.isolation_level = None
        admin.execute(f"TRUNCATE {truncate} CASCADE")
        admin.execute("RESET ROLE")
        for _ in range(2):
            rows = await assert_equal(emptied, caller, catalogue, query)
            assert rows == (0 if "orders," in tables else 8)
            assert refresh_sums(admin)
        # After a time without triggers everything is computed anew.
        mark_everything(admin)
        assert refresh_sums(admin)
    await assert_equal(emptied, caller, catalogue, query)
    await pool.close()


def test_mark_of_a_writer_outlives_the_refresh_that_did_not_see_its_rows(
    seeded_clone: Database,
) -> None:
    """With one mark for a day, the second writer's change would be in no sum."""
    insert = (
        "INSERT INTO retail.orders (store_id, order_date, status, total_amount)"
        " SELECT store_id, '2026-06-30 13:00', 'completed', 7 FROM retail.stores"
        " WHERE store_name = 'Zava Retail Redmond'"
    )
    stored = (
        "SELECT d.revenue FROM zava.store_days AS d JOIN retail.stores USING (store_id)"
        " WHERE store_name = 'Zava Retail Redmond' AND day = '2026-06-30'"
    )
    marks = "SELECT count(*) FROM zava.day_marks"
    with (
        psycopg.connect(seeded_clone.owner) as first,
        psycopg.connect(seeded_clone.owner) as second,
        psycopg.connect(seeded_clone.owner, autocommit=True) as looking,
    ):
        before = one(looking, stored)
        for writer in (first, second):
            writer.execute("SET timezone = 'America/Los_Angeles'")
            writer.execute(insert)
        first.commit()
        assert one(looking, "SELECT zava.refresh_sums(100, 10)") is False
        assert one(looking, stored) == before + 7
        second.commit()
        assert one(looking, marks) == 1
        assert one(looking, "SELECT zava.refresh_sums(100, 10)") is False
        assert one(looking, stored) == before + 14
        # One refresh at a time: the second one returns at once.
        with looking.transaction():
            assert one(looking, "SELECT zava.refresh_sums(1, 1)") is False
            assert one(first, "SELECT zava.refresh_sums(1, 1)") is None


@pytest.mark.parametrize("customers", [1, 5000], ids=["by their month", "by their marks"])
def test_new_customers_are_numbered_without_reading_those_just_numbered(
    seeded_clone: Database, customers: int
) -> None:
    """Read for each new customer, the last ordinal cost the square of their number."""
    new = 1500
    read = (
        "SELECT idx_tup_read FROM pg_stat_user_indexes"
        " WHERE indexrelname = 'customer_totals_store_id_ordinal_key'"
    )
    insert = (
        "WITH c AS (INSERT INTO retail.customers (store_id)"
        " SELECT store_id FROM retail.stores, generate_series(1, %s)"
        " WHERE store_name = 'Zava Retail Redmond' RETURNING store_id, customer_id)"
        " INSERT INTO retail.orders (store_id, customer_id, order_date, status, total_amount)"
        " SELECT store_id, customer_id, '2026-06-15 13:00', 'completed', 7 FROM c"
    )
    highest = (
        "SELECT max(t.ordinal), count(*) FROM zava.customer_totals AS t"
        " JOIN retail.stores USING (store_id) WHERE store_name = 'Zava Retail Redmond'"
    )
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        before = owner.execute(highest).fetchone()
        assert before is not None
        owner.execute(insert, [new])
        owner.execute("SELECT pg_stat_force_next_flush()")
        entries = one(owner, read)
        assert one(owner, "SELECT zava.refresh_sums(%s, 8)", customers) is (customers == 1)
        owner.execute("SELECT pg_stat_force_next_flush()")
        assert one(owner, read) - entries < 30 * new
        assert owner.execute(highest).fetchone() == (before[0] + new, before[1] + new)


def test_period_is_cut_into_whole_months_and_parts() -> None:
    from zava.data.metrics.sum_pieces import UnitPart, pieces

    period = Period("x", date(2026, 1, 15), date(2026, 4, 2), parse_period("2025", TODAY).unit)
    found = pieces(period, "month", clock(9))
    assert (found.start, found.end) == (date(2026, 2, 1), date(2026, 4, 1))
    assert found.parts == (
        UnitPart(date(2026, 1, 15), date(2026, 2, 1)),
        UnitPart(date(2026, 4, 1), date(2026, 4, 2), clock(9)),
    )
    inside = replace(period, end=date(2026, 2, 20))
    assert not pieces(inside, "month", None).has_whole_units
    assert pieces(inside, "month", None).parts == (UnitPart(inside.start, inside.end),)
    assert pieces(inside, "day", clock(9)).parts == (
        UnitPart(date(2026, 2, 19), inside.end, clock(9)),
    )
