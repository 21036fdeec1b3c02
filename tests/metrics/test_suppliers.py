"""How urgent an order is where the supplier needs longer than the stock lasts."""

from collections import Counter
from datetime import timedelta
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
from zava.model.metrics import MetricQuery
from zava.retail.declaration import RETAIL
from zava.service.metrics.periods import parse_period

_SUPPLIERS = """
INSERT INTO retail.suppliers (supplier_name, lead_days) VALUES ('Near', 0), ('Far', 400)
"""
_PRODUCTS = """
INSERT INTO retail.product_suppliers (product_id, supplier_id)
SELECT p.product_id, s.supplier_id FROM retail.products AS p
JOIN retail.suppliers AS s ON s.supplier_name = CASE WHEN right(p.sku, 1) < '4' THEN 'Near' ELSE 'Far' END
WHERE right(p.sku, 1) < '8'
"""
_LEADS = "SELECT p.sku, s.lead_days FROM retail.products AS p JOIN retail.product_suppliers USING (product_id) JOIN retail.suppliers AS s USING (supplier_id)"


def expected(rows: naive.Exported, leads: dict[str, int]) -> Counter[str]:
    since = TODAY - timedelta(days=89)
    sold: Counter[Any] = Counter()
    for line in rows.lines:
        if since <= line["date"] <= TODAY:
            sold[line["store"], line["sku"]] += line["quantity"]
    found: Counter[str] = Counter()
    for row in rows.stock:
        urgency = row["reorder_urgency"]
        needed = leads.get(row["sku"], 0) * sold[row["store"], row["sku"]]
        found["high" if urgency == "soon" and 90 * row["stock_level"] < needed else urgency] += 1
    return found


@pytest.mark.slow
@pytest.mark.parametrize("principal", ["seattle", "head-office"])
async def test_product_that_sells_out_before_its_delivery_is_urgent(
    cluster: Cluster,
    seeded_template: Database,
    signer: ContextSigner,
    catalogue: Catalogue,
    callers: dict[str, Caller],
    principal: str,
) -> None:
    with cluster.database("suppliers", template=seeded_template) as database:
        with psycopg.connect(database.owner) as owner:
            owner.execute(_SUPPLIERS)
            owner.execute(_PRODUCTS)
            leads: dict[str, int] = dict(owner.execute(_LEADS).fetchall())
        rows = naive.export(database.owner).of(principal)
        pool = DatabasePool(database.server, max_size=1)
        tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
        cache = result_cache(tenancy, MemoryStore(1), ttl_seconds=0)
        query = MetricQuery(
            ("products_stocked",),
            parse_period("this month", TODAY),
            TODAY,
            dimensions=("reorder_urgency",),
        )
        reader = MetricReader(tenancy, cache, catalogue)
        answer = (await reader.measure(callers[principal], {"q": query})).answers["q"]
        await pool.close()
    wanted = expected(rows, leads)
    assert dict(answer.rows) == wanted
    assert wanted != expected(rows, {}), "some product is more urgent because of its supplier"
