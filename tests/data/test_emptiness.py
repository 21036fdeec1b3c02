"""An empty answer says why, in one more round trip and within the caller's scope."""

import re

import pytest

from tests.support.servers.database import Database
from tests.support.servers.proxy import counting_proxy
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.data.sql_query.free_query import FreeQuery
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.retail.declaration import RETAIL

JOINED = "FROM retail.orders o JOIN retail.stores s USING (store_id) WHERE "


async def notes(free_query: FreeQuery, caller: Caller, sql: str) -> tuple[str, ...]:
    return (await free_query.run(caller, sql, max_rows=10)).notes


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (
            "s.store_name = 'Redmond'",
            (
                "No row in your scope has retail.stores.store_name = 'Redmond'."
                " There is: Zava Retail Seattle."
            ),
        ),
        (
            "lower(s.store_name) LIKE '%redmond%'",
            (
                "No row in your scope has lower(retail.stores.store_name) LIKE '%redmond%'."
                " There is: Zava Retail Seattle."
            ),
        ),
        (
            "o.status IN ('done', 'shipped')",
            (
                "No row in your scope has retail.orders.status IN ('done', 'shipped')."
                " There is: cancelled, completed, refunded."
            ),
        ),
        ("o.order_date >= '2031-01-01'", "order_date runs from 20"),
        (
            "o.order_date::date = DATE '2031-01-01'",
            "has retail.orders.order_date::date = '2031-01-01'. order_date runs from 20",
        ),
        (
            "o.status = NULL",
            "retail.orders.status = NULL is never true: write IS NULL or IS NOT NULL.",
        ),
        ("o.status <> NULL", "retail.orders.status <> NULL is never true"),
        ("'2031-01-01' <= o.order_date", "retail.orders.order_date >= '2031-01-01'"),
        ("o.order_date BETWEEN '2031-01-01' AND '2031-02-01'", "'2031-01-01' and '2031-02-01'"),
        ("o.order_date > now() + interval '1 year'", "order_date runs from 20"),
        ("o.total_amount > 1e9", "total_amount runs from "),
        ("s.is_online = true", "No row in your scope has retail.stores.is_online = 'true'."),
        # A column in which some rows, or all, have no value.
        ("o.tender = 'barter'", "No row in your scope has retail.orders.tender = 'barter'."),
        (
            "s.location = 'Atlantis'",
            "No row in your scope has retail.stores.location = 'Atlantis'.",
        ),
    ],
)
async def test_condition_that_nothing_meets_is_named_with_what_exists(
    free_query: FreeQuery, callers: dict[str, Caller], condition: str, said: str
) -> None:
    found = await notes(free_query, callers["seattle"], f"SELECT o.order_id {JOINED}{condition}")
    assert len(found) == 1
    assert said in found[0]


async def test_nearest_values_are_offered(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    sql = "SELECT * FROM retail.categories WHERE category_name = 'Power Tool'"
    assert "Nearest: Power Tools" in (await notes(free_query, callers["seattle"], sql))[0]
    sql = "SELECT * FROM retail.product_types WHERE type_name = 'qqqqqqqq'"
    assert "For example: " in (await notes(free_query, callers["seattle"], sql))[0]


async def test_aggregate_over_no_row_is_explained_too(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    sql = "SELECT count(*), sum(o.total_amount) FROM retail.orders o WHERE status = 'done'"
    assert "No row in your scope has" in (await notes(free_query, callers["seattle"], sql))[0]


async def test_conditions_that_exclude_each_other_are_told_so(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    sql = (
        "SELECT 1 FROM retail.orders WHERE order_date < '2024-01-01' AND order_date > '2025-01-01'"
    )
    assert await notes(free_query, callers["seattle"], sql) == (
        (
            "Each of these conditions has rows in your scope, but no row meets them all:"
            " retail.orders.order_date < '2024-01-01'; retail.orders.order_date > '2025-01-01'."
        ),
    )


JOIN = "retail.orders AS o JOIN retail.stores AS s USING (store_id)"
WRONG_KEY = "FROM retail.orders AS o JOIN retail.products AS p ON p.product_id = o.order_id"
COMPLETED = "FROM retail.orders WHERE status = 'completed'"
TWO_CONDITIONS = f"{COMPLETED} AND total_amount > 0"


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT count(*) FILTER (WHERE total_amount > 1000000) {TWO_CONDITIONS}",
        f"SELECT sum(total_amount) - sum(total_amount) {TWO_CONDITIONS}",
        f"SELECT round(0.0 * sum(total_amount)) AS change_percent {TWO_CONDITIONS}",
        f"SELECT sum(CASE WHEN total_amount > 1000000 THEN 1 END) {TWO_CONDITIONS}",
        f"SELECT store_id {TWO_CONDITIONS} GROUP BY 1 HAVING count(*) > 1000000",
        f"SELECT order_id {TWO_CONDITIONS} LIMIT 0",
        f"SELECT order_id {TWO_CONDITIONS} ORDER BY 1 OFFSET 1000000",
        f"SELECT 1 FROM (SELECT rank() OVER (ORDER BY order_id) r {TWO_CONDITIONS}) t WHERE r < 1",
        f"SELECT 1 FROM retail.stores AS s WHERE NOT EXISTS (SELECT {TWO_CONDITIONS})",
        f"SELECT status {TWO_CONDITIONS} EXCEPT SELECT status FROM retail.orders",
        f"SELECT status {TWO_CONDITIONS} INTERSECT SELECT 'done'",
        f"SELECT count(*) {WRONG_KEY} WHERE o.status = 'completed' AND o.total_amount > 0",
        f"SELECT 0 AS growth {COMPLETED} LIMIT 1",
        # Names of the statement itself are no tables, and renamed columns are no columns of one.
        "WITH orders AS (SELECT 'x' AS status) SELECT * FROM orders WHERE status = 'y'",
        "SELECT 1 FROM retail.categories AS c (x, category_id) WHERE category_id = 'y'",
        f"SELECT 1 FROM ({JOIN}) AS j WHERE j.status = 'x'",
    ],
)
async def test_nothing_is_told_that_was_not_checked(
    free_query: FreeQuery, callers: dict[str, Caller], sql: str
) -> None:
    assert await notes(free_query, callers["seattle"], sql) == ()


@pytest.mark.parametrize(
    "condition",
    ["total_amount = 0.1::int", "order_date = '2031-01-01 10:00'::date", "total_amount < 1 - 1"],
)
async def test_constant_that_a_cast_changes_is_not_checked(
    free_query: FreeQuery, callers: dict[str, Caller], condition: str
) -> None:
    found = await notes(
        free_query, callers["seattle"], f"SELECT 1 FROM retail.orders WHERE {condition}"
    )
    assert len(found) == 1
    assert re.fullmatch(r"(order_date|total_amount) runs from .* in your scope\.", found[0])


async def test_conditions_of_other_rows_are_not_put_together(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    """Each order meets one of two conditions: both together were never asked of one row."""
    sql = (
        "SELECT a.order_id FROM retail.orders AS a JOIN retail.orders AS b USING (order_id)"
        " WHERE a.status = 'completed' AND b.status = 'cancelled'"
    )
    assert await notes(free_query, callers["seattle"], sql) == ()
    sql = f"SELECT 1 {COMPLETED} AND status = 'cancelled'"
    assert "no row meets them all" in (await notes(free_query, callers["seattle"], sql))[0]


async def test_another_store_and_no_store_are_answered_alike(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    told = [
        (await notes(free_query, callers["seattle"], f"SELECT 1 {JOINED}s.store_name = '{name}'"))
        for name in ("Zava Retail Redmond", "Zava Retail Nowhere")
    ]
    assert [re.sub("'.*'", "", note) for note in told[0]] == [
        re.sub("'.*'", "", note) for note in told[1]
    ]


async def test_no_count_and_no_text_of_outsiders_is_told(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    sql = "SELECT 1 FROM retail.customers c WHERE c.first_name = 'Xqzzz' AND c.email LIKE 'a%zzz'"
    found = await notes(free_query, callers["seattle"], sql)
    assert found == (
        "No row in your scope has retail.customers.first_name = 'Xqzzz'.",
        "No row in your scope has retail.customers.email LIKE 'a%zzz'.",
    )


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 WHERE false",
        "SELECT order_id FROM retail.orders LIMIT 0",
        "SELECT 1 FROM retail.orders o WHERE o.total_amount + 1 < 0",
        "SELECT 1 FROM (VALUES (1)) AS t (status) WHERE t.status = 2",
        "SELECT 1 FROM retail.order_items WHERE order_id = retail.order_items.store_id",
        "SELECT 1 FROM retail.orders o WHERE NOT (o.status = 'pending' OR true)",
    ],
)
async def test_what_cannot_be_explained_is_left_alone(
    free_query: FreeQuery, callers: dict[str, Caller], sql: str
) -> None:
    assert await notes(free_query, callers["seattle"], sql) == ()


async def test_values_never_become_sql(free_query: FreeQuery, callers: dict[str, Caller]) -> None:
    sql = "SELECT 1 FROM retail.stores WHERE store_name = 'x'') OR true --'"
    assert "No row in your scope has" in (await notes(free_query, callers["seattle"], sql))[0]


async def test_answer_with_rows_has_no_notes(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    sql = "SELECT status FROM retail.orders WHERE status = 'completed' LIMIT 1"
    assert await notes(free_query, callers["seattle"], sql) == ()


async def test_null_of_json_is_noted_beside_an_absent_value(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    sql = "SELECT 'null'::jsonb AS a, NULL::json AS b, '1'::jsonb AS c, NULL AS d, 1 AS e"
    assert await notes(free_query, callers["seattle"], sql) == (
        "NULL in a, b is a JSON null or no value: jsonb_typeof(x) differs.",
    )


async def test_explanation_costs_one_more_round_trip(
    database: Database, signer: ContextSigner, callers: dict[str, Caller]
) -> None:
    async with counting_proxy(database.server) as proxy:
        pool = DatabasePool(proxy.conninfo, max_size=1)
        data = FreeQuery(TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL)), RETAIL)
        sql = "SELECT 1 FROM retail.orders WHERE status = 'done'"
        await data.run(callers["seattle"], sql, max_rows=1)
        before = proxy.round_trips
        answer = await data.run(callers["seattle"], sql, max_rows=1)
        assert answer.notes
        assert proxy.round_trips - before == 2
        await pool.close()
