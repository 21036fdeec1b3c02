"""Who can read which column: the grants of the database, held against a list."""

import json

import psycopg
import pytest

from tests.support.generators.golden_columns import GOLDEN, readable
from tests.support.servers.database import Database
from zava.data.session.tenant_database import TenantDatabase
from zava.errors import QueryRefused
from zava.model.core import Caller

CUSTODY = ("cost", "gross_margin_percent")
SUMS = {
    *("zava.day_marks", "zava.customer_marks", "zava.store_days", "zava.product_months"),
    *("zava.customer_totals", "zava.month_customers", "zava.new_customer_days"),
    *("zava.current_days", "zava.current_line_days", "zava.current_product_months"),
    *("zava.current_first_days", "zava.current_first_purchases", "zava.current_month_customers"),
    *("zava.unnumbered_customers", "zava.customer_widths", "zava.numbered_orders"),
}


def test_readable_columns_are_those_of_the_list(seeded_clone: Database) -> None:
    assert readable(seeded_clone) == GOLDEN.read_text(encoding="utf-8"), "run `make schema`"
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        owner.execute("GRANT SELECT (cost) ON retail.products TO store_managers")
    assert readable(seeded_clone) != GOLDEN.read_text(encoding="utf-8")


def test_list_keeps_cost_margin_principals_and_keys_where_they_belong() -> None:
    listed = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert listed["zava_server"] == {}
    for audience in ("store_managers", "regional_managers", "head_office"):
        products = listed[audience]["retail.products"]
        assert all((column in products) == (audience != "store_managers") for column in CUSTODY)
        of_sums = {name for name in listed[audience] if name.startswith("zava.")} - {"zava.canary"}
        assert of_sums == SUMS
        # Ids of transactions would tell how much other stores write.
        assert listed[audience]["zava.day_marks"] == ["store_id", "day", "month", "zone"]
        assert listed[audience]["zava.customer_marks"] == ["store_id", "customer_id", "zone"]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT cost FROM retail.products",
        "SELECT gross_margin_percent FROM retail.products",
        "SELECT * FROM retail.products",
        "SELECT products FROM retail.products",
        "SELECT 1 FROM retail.products ORDER BY cost",
        "SELECT 1 FROM retail.products WHERE gross_margin_percent > 50",
        "SELECT max(p.v::text) FROM (SELECT to_jsonb(products) AS v FROM retail.products) AS p",
        "SELECT count(DISTINCT (products).cost) FROM retail.products",
    ],
)
async def test_cost_and_margin_are_refused_to_a_store_manager_whatever_the_statement(
    unguarded: TenantDatabase, callers: dict[str, Caller], statement: str
) -> None:
    with pytest.raises(QueryRefused):
        await unguarded.run(callers["seattle"], statement, max_rows=1)


@pytest.mark.parametrize("name", ["eastside", "head-office"])
async def test_cost_and_margin_are_shown_to_those_allowed(
    unguarded: TenantDatabase, callers: dict[str, Caller], name: str
) -> None:
    sql = "SELECT cost, gross_margin_percent FROM retail.products LIMIT 1"
    ((cost, margin),) = (await unguarded.run(callers[name], sql, max_rows=1)).rows
    assert float(cost) > 0
    assert 0 < float(margin) < 100
