"""Targets of stores and months, and how much of them is reached, as in plain Python."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date

import psycopg
import pytest

from tests.metrics import naive
from tests.metrics.test_against_naive import assert_equal
from tests.support.servers.database import Cluster, Database
from tests.support.servers.seeded import TODAY, result_cache
from zava.data.metrics.catalog import Catalogue
from zava.data.metrics.reader import MetricReader
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.infrastructure.cache_backends import MemoryStore
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.model.metrics import MetricQuery
from zava.retail.declaration import RETAIL
from zava.service.metrics.periods import parse_period

# Not every store has one, and not in each month.
_TARGETS = """
INSERT INTO retail.store_targets (store_id, month, revenue_target)
SELECT s.store_id, m.month::date, 1000 + 77.77 * row_number() OVER (ORDER BY s.store_name, m.month)
FROM retail.stores AS s
CROSS JOIN generate_series('2025-02-01'::timestamp, '2026-07-01', interval '1 month') AS m (month)
WHERE s.store_name <> 'Zava Retail Redmond' AND extract(month FROM m.month) <> length(s.location) % 12
"""
METRICS = ("revenue_target", "targeted_revenue", "target_attainment", "revenue")


@dataclass(frozen=True)
class Targeted:
    """A database with targets, its metrics, and its rows for plain Python."""

    metrics: MetricReader
    rows: naive.Exported


@pytest.fixture(scope="module")
async def targeted(
    cluster: Cluster, seeded_template: Database, signer: ContextSigner, catalogue: Catalogue
) -> AsyncIterator[Targeted]:
    with cluster.database("targets", template=seeded_template) as database:
        with psycopg.connect(database.owner) as owner:
            owner.execute(_TARGETS)
        pool = DatabasePool(database.server, max_size=1, max_waiting=16)
        tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
        cache = result_cache(tenancy, MemoryStore(1), ttl_seconds=0)
        yield Targeted(MetricReader(tenancy, cache, catalogue), naive.export(database.owner))
        await pool.close()


@pytest.mark.parametrize("principal", ["seattle", "redmond", "eastside", "head-office"])
@pytest.mark.parametrize(
    ("period", "dimensions"),
    [
        ("2026-05", ()),
        ("this month", ("store",)),
        ("last 12 months", ("month",)),
        ("2026-02-10..2026-03-05", ("iso_week", "store")),
        ("last 2 quarters", ("region", "quarter")),
        ("last 10 days", ("day",)),
    ],
)
async def test_targets_and_what_is_reached_equal_the_naive_computation(
    targeted: Targeted,
    callers: dict[str, Caller],
    catalogue: Catalogue,
    principal: str,
    period: str,
    dimensions: tuple[str, ...],
) -> None:
    days = parse_period(period, TODAY)
    query = MetricQuery(METRICS, days, TODAY, dimensions=dimensions, limit=10_000)
    answer = (await targeted.metrics.measure(callers[principal], {"q": query})).answers["q"]
    expected = naive.answer(
        targeted.rows.of(principal),
        naive.Asked(
            *(METRICS, dimensions, days.start, days.end, TODAY),
            *(lambda _: True, date.min, date.min),
        ),
    )
    found = {tuple(row[: len(dimensions)]): row for row in answer.rows}
    assert found.keys() == expected.keys()
    for group, figures in expected.items():
        for place, metric in enumerate(METRICS, len(dimensions)):
            assert_equal(found[group][place], figures[metric], catalogue, metric, (group, period))
    if principal == "redmond":
        assert not any(figures["revenue_target"] for figures in expected.values())
    else:
        assert any(figures["target_attainment"] for figures in expected.values())


async def test_whole_month_has_its_target_to_the_cent(
    targeted: Targeted, callers: dict[str, Caller]
) -> None:
    query = MetricQuery(
        ("revenue_target",), parse_period("last 12 months", TODAY), TODAY, dimensions=("month",)
    )
    answer = (await targeted.metrics.measure(callers["seattle"], {"q": query})).answers["q"]
    cents = {round(100 * value) for _, value in answer.rows}
    assert len(answer.rows) > 10
    assert all((hundredths - 100_000) % 7777 == 0 for hundredths in cents)
