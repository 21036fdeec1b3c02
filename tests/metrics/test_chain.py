"""Beside the chain: right figures, and no way to another store's own."""

from datetime import date
from decimal import Decimal
from statistics import quantiles
from typing import Any

import psycopg
import pytest

from tests.metrics import naive
from tests.support.answers.asking import AskTool
from tests.support.servers.database import Database
from tests.support.servers.seeded import TODAY, result_cache
from zava.data.metrics.catalog import Catalogue
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.errors import InvalidInput
from zava.infrastructure.cache_backends import MemoryStore
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.retail.data.sales_reader import CHAIN_METRICS, SalesReader
from zava.retail.declaration import RETAIL
from zava.retail.demo.stores import STORES, store_id
from zava.retail.service.chain_comparison import ChainAnalysis
from zava.retail.tools.compare_with_chain import place

CALL = "SELECT (q).* FROM zava.chain_quartiles('{0}', '{1}', '{2}') AS q"
QUARTER = (date(2026, 1, 1), date(2026, 4, 1))


@pytest.fixture
def analysis(metrics: SalesReader) -> ChainAnalysis:
    return ChainAnalysis(metrics, lambda: TODAY)


def by_store(exported: naive.Exported, metric: str, start: date, end: date) -> dict[str, Decimal]:
    stores = sorted({row["store"] for row in exported.stores})
    found = {}
    for store in stores:
        lines = [r for r in exported.lines if r["store"] == store and start <= r["date"] < end]
        if lines:
            found[store] = Decimal(naive.METRICS[metric](naive.Facts(lines)))
    return found


@pytest.mark.parametrize("metric", CHAIN_METRICS)
async def test_quartiles_are_those_of_the_stores(
    analysis: ChainAnalysis, callers: dict[str, Caller], exported: naive.Exported, metric: str
) -> None:
    values = by_store(exported, metric, *QUARTER)
    expected = quantiles([float(value) for value in values.values()], method="inclusive")
    seen = await analysis.compare(callers["head-office"], metric, "2026-Q1")
    assert seen.store_count == len(values) == 8
    assert seen.quartiles == pytest.approx(tuple(expected), abs=0.006)
    for principal in ("seattle", "kirkland", "eastside"):
        coarse = await analysis.compare(callers[principal], metric, "2026-Q1")
        assert coarse.quartiles is not None
        for told, exact in zip(coarse.quartiles, expected, strict=True):
            step = max(10 ** (len(str(int(exact))) - 2), 5 if seen.unit == "count" else 0)
            assert abs(told - exact) <= step / 2 + 0.01
        own = {name: value for name, value in values.items() if name in coarse.scope.stores}
        assert coarse.own == pytest.approx({k: float(v) for k, v in own.items()}, abs=0.006)


async def test_only_two_digits_and_fives_are_told_to_who_sees_a_part(
    analysis: ChainAnalysis, callers: dict[str, Caller]
) -> None:
    for principal in ("seattle", "bellevue", "redmond", "eastside"):
        for metric in CHAIN_METRICS:
            for period in ("2026-Q1", "2025", "2026-05", "last year"):
                told = await analysis.compare(callers[principal], metric, period)
                assert told.quartiles is not None
                for value in told.quartiles:
                    digits = Decimal(str(value)).normalize().as_tuple().digits
                    assert len(digits) <= 2 or told.unit == "count"
                    if told.unit == "count":
                        assert value % 5 == 0


@pytest.mark.parametrize(
    "period",
    [
        *("today", "yesterday", "this month", "last week", "this year", "last 30 days", "2026"),
        *("last 2 months", "2026-05-01..2026-05-31", "2026-06", "2027-01", "last 12 months"),
    ],
)
async def test_period_that_is_not_one_whole_and_over_is_refused(
    analysis: ChainAnalysis, callers: dict[str, Caller], period: str
) -> None:
    with pytest.raises(InvalidInput, match="is not one whole month, quarter or year that is over"):
        await analysis.compare(callers["seattle"], "revenue", period)


@pytest.mark.parametrize("metric", ["gross_margin", "stock_value", "lifetime_value", "profit"])
async def test_other_figures_are_not_compared(
    analysis: ChainAnalysis, callers: dict[str, Caller], metric: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await analysis.compare(callers["head-office"], metric, "2026-Q1")
    assert "revenue" in caught.value.hint


ATTACKS = [
    ("revenue", "2026-01-02", "2026-02-01"),  # a month without its first day
    ("revenue", "2026-01-01", "2026-01-31"),  # and without its last
    ("revenue", "2026-01-15", "2026-02-15"),  # a month's length, elsewhere
    ("revenue", "2026-01-01", "2026-03-01"),  # two months
    ("revenue", "2026-02-01", "2026-05-01"),  # three, but no quarter
    ("revenue", "2025-07-01", "2026-07-01"),  # twelve, but no year
    ("revenue", "2026-01-01", "2026-01-02"),
    ("revenue", "2026-02-01", "2026-01-01"),
    ("revenue", "-infinity", "infinity"),
    ("revenue", "2100-01-01", "2100-02-01"),
    ("gross_margin", "2026-01-01", "2026-04-01"),
    ("Revenue", "2026-01-01", "2026-04-01"),
    ("", "2026-01-01", "2026-04-01"),
]


@pytest.mark.parametrize(("metric", "start", "end"), ATTACKS)
async def test_free_sql_gets_no_other_period_or_figure_of_the_function(
    unguarded: TenantDatabase, callers: dict[str, Caller], metric: str, start: str, end: str
) -> None:
    """Differences of overlapping periods would be single days: the database has none to take."""
    whole = CALL.format("revenue", *QUARTER)
    for principal in ("seattle", "eastside"):
        assert len((await unguarded.run(callers[principal], whole, max_rows=9)).rows) == 1
        answer = await unguarded.run(
            callers[principal], CALL.format(metric, start, end), max_rows=9
        )
        assert answer.rows == []


def test_login_and_who_has_no_context_get_nothing(database: Database) -> None:
    with psycopg.connect(database.server) as login, pytest.raises(psycopg.Error) as refused:
        login.execute(CALL.format("revenue", *QUARTER).encode())
    assert refused.value.sqlstate == "42501"
    with psycopg.connect(database.owner) as owner:
        owner.execute("SET ROLE head_office")
        assert owner.execute(CALL.format("revenue", *QUARTER).encode()).fetchall() == []
        owner.execute(
            "SELECT set_config('zava.context', repeat('0', 64) || %s, true)",
            [str(store_id("Seattle"))],
        )
        assert owner.execute(CALL.format("revenue", *QUARTER).encode()).fetchall() == []


async def quartiles_of(
    database: Database,
    signer: ContextSigner,
    catalogue: Catalogue,
    caller: Caller,
    metric: str = "revenue",
) -> Any:
    pool = DatabasePool(database.server, max_size=1)
    tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
    reader = SalesReader(tenancy, result_cache(tenancy, MemoryStore(1), ttl_seconds=0), catalogue)
    try:
        told = await ChainAnalysis(reader, lambda: TODAY).compare(caller, metric, "2026-Q1")
    finally:
        await pool.close()
    return told.quartiles


async def test_five_stores_beside_the_own_must_stand_behind_the_figures(
    seeded_clone: Database,
    changing: psycopg.Connection,
    signer: ContextSigner,
    callers: dict[str, Caller],
    catalogue: Catalogue,
) -> None:
    """Who sees seven of eight would read the eighth off the quartiles."""
    for seen in range(1, 9):
        changing.execute(
            "UPDATE zava.principals SET store_ids = %s WHERE object_id = %s",
            [[store.store_id for store in STORES[:seen]], callers["eastside"].object_id],
        )
        told = await quartiles_of(seeded_clone, signer, catalogue, callers["eastside"])
        assert (told is not None) == (8 - seen >= 5 or seen == 8), seen


async def test_stores_that_did_not_sell_then_do_not_count(
    seeded_clone: Database,
    changing: psycopg.Connection,
    signer: ContextSigner,
    callers: dict[str, Caller],
    catalogue: Catalogue,
) -> None:
    for name, withheld in (("Tacoma", False), ("Spokane", False), ("Everett", True)):
        changing.execute(
            "UPDATE retail.orders SET status = 'cancelled' WHERE store_id = %s", [store_id(name)]
        )
        told = await quartiles_of(seeded_clone, signer, catalogue, callers["seattle"])
        assert (told is None) == withheld, name


async def test_a_change_of_one_per_cent_in_another_store_rarely_shows_and_never_by_its_size(
    seeded_clone: Database,
    changing: psycopg.Connection,
    signer: ContextSigner,
    callers: dict[str, Caller],
    catalogue: Catalogue,
) -> None:
    """Differencing over time: the same question before and after one order of another store."""
    ask = (seeded_clone, signer, catalogue, callers["seattle"])
    before = await quartiles_of(*ask)
    moved = 0
    for number in range(1, 13):
        changing.execute(
            "UPDATE retail.orders SET total_amount = total_amount + 0.37 WHERE (store_id, order_id) ="
            " (SELECT store_id, order_id FROM retail.orders WHERE store_id = %s AND status = 'completed'"
            "  AND order_date >= '2026-01-02' AND order_date < '2026-03-30' LIMIT 1)",
            [store_id(("Everett", "Spokane", "Tacoma")[number % 3])],
        )
        after = await quartiles_of(*ask)
        for old, new in zip(before, after, strict=True):
            step = 10 ** (len(str(int(max(old, new)))) - 2)
            assert (new - old) % step == 0
            moved += new != old
        before = after
    assert moved <= 2


async def test_neighbour_in_the_ranking_cannot_be_computed_from_the_own_value(
    analysis: ChainAnalysis, callers: dict[str, Caller], exported: naive.Exported
) -> None:
    """The median of eight lies between two stores: twice it less the own one would be the other."""
    exact = 0
    cases = 0
    for period, start, end in (
        ("2026-Q1", *QUARTER),
        ("2025", date(2025, 1, 1), date(2026, 1, 1)),
        ("2025-Q3", date(2025, 7, 1), date(2025, 10, 1)),
        ("2024", date(2024, 1, 1), date(2025, 1, 1)),
    ):
        values = by_store(exported, "revenue", start, end)
        ranked = sorted(values, key=lambda store: values[store])
        for own, other in ((ranked[3], ranked[4]), (ranked[4], ranked[3])):
            caller = callers[own.removeprefix("Zava Retail ").lower()]
            told = await analysis.compare(caller, "revenue", period)
            assert told.quartiles is not None
            computed = 2 * told.quartiles[1] - told.own[own]
            cases += 1
            exact += abs(computed - float(values[other])) < 1
    assert cases == 8
    assert exact == 0


def test_place_among_the_quartiles() -> None:
    quartiles = (10.0, 20.0, 30.0)
    assert [place(value, quartiles) for value in (9, 10, 20, 30, 31)] == [
        "below the lower quartile",
        "between lower quartile and median",
        "between median and upper quartile",
        "between median and upper quartile",
        "above the upper quartile",
    ]
    assert place(None, quartiles) is None
    assert place(1, None) is None


async def test_answer_says_what_it_hides_and_whom_it_saw(ask_tool: AskTool) -> None:
    told = await ask_tool(
        "seattle", "compare_with_chain", {"metric": "revenue", "time_period": "2026-Q1"}
    )
    assert (
        "Quartiles are rounded to two digits. One can still be close to a store's value."
        in told.text
    )
    assert told.text.endswith("Scope: Zava Retail Seattle (1 of 8 stores)")
    assert set(told.content["own"][0]) == {"store", "value", "place"}
    assert [own["store"] for own in told.content["own"]] == ["Zava Retail Seattle"]
    whole = await ask_tool(
        "head-office", "compare_with_chain", {"metric": "revenue", "time_period": "2026-Q1"}
    )
    assert whole.content["notes"] == []
