"""Sales by promotion: each line counts for one, also where several hold on its day."""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.metrics import naive
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
from zava.model.metrics import MetricFilter, MetricQuery
from zava.retail.declaration import RETAIL
from zava.service.metrics.periods import parse_period

PROMOTIONS = {
    # name: first day, last day, last digits of its products
    "Spring": (date(2026, 3, 1), date(2026, 5, 10), "123"),
    "May": (date(2026, 5, 1), date(2026, 5, 31), "345"),
    "Late May": (date(2026, 5, 1), date(2026, 5, 31), "56"),
}


def promotion(row: dict[str, Any]) -> str:
    holding = [
        (-first.toordinal(), name)
        for name, (first, last, digits) in PROMOTIONS.items()
        if first <= row["date"] <= last and row["sku"][-1] in digits
    ]
    return min(holding)[1] if holding else "none"


@pytest.mark.slow
@pytest.mark.parametrize("principal", ["redmond", "head-office"])
async def test_sales_by_promotion_equal_the_naive_computation(
    cluster: Cluster,
    seeded_template: Database,
    signer: ContextSigner,
    catalogue: Catalogue,
    callers: dict[str, Caller],
    principal: str,
) -> None:
    with cluster.database("promotions", template=seeded_template) as database:
        with psycopg.connect(database.owner) as owner:
            for name, (first, last, digits) in PROMOTIONS.items():
                owner.execute(
                    "WITH made AS (INSERT INTO retail.promotions (promotion_name, first_day,"
                    " last_day) VALUES (%s, %s, %s) RETURNING promotion_id)"
                    " INSERT INTO retail.promotion_products SELECT promotion_id, product_id"
                    " FROM made, retail.products WHERE right(sku, 1) = ANY (%s)",
                    [name, first, last, list(digits)],
                )
        rows = naive.export(database.owner).of(principal)
        pool = DatabasePool(database.server, max_size=1)
        tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
        cache = result_cache(tenancy, MemoryStore(1), ttl_seconds=0)
        reader = MetricReader(tenancy, cache, catalogue)
        period = parse_period("last 6 months", TODAY)
        by_promotion = MetricQuery(
            ("revenue", "units"), period, TODAY, dimensions=("promotion",), with_totals=True
        )
        may = MetricQuery(
            ("revenue",), period, TODAY, filters=(MetricFilter("promotion", "=", ("may",)),)
        )
        asked = {"by": by_promotion, "may": may}
        answers = (await reader.measure(callers[principal], asked)).answers
        await pool.close()
    revenue: dict[str, Decimal] = defaultdict(Decimal)
    units: dict[str, Decimal] = defaultdict(Decimal)
    for line in rows.lines:
        if period.start <= line["date"] < period.end:
            revenue[promotion(line)] += line["total_amount"]
            units[promotion(line)] += line["quantity"]
    assert set(revenue) == {"none", *PROMOTIONS}
    assert {name: (Decimal(str(r)), u) for name, r, u in answers["by"].rows} == {
        name: (revenue[name], units[name]) for name in revenue
    }
    assert Decimal(str(answers["may"].rows[0][0])) == revenue["May"]
    assert Decimal(str(answers["by"].totals[0][1])) == sum(revenue.values())
