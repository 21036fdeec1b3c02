"""How the database reads for a caller: by index, the policy as its condition, no call for each row.

A plan depends on the role and not on the context, which is known at execution only. What a
statement really calls, the server counts itself.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from tests.support.servers.database import CONTEXT_KEY, Database
from zava.data.named_queries import statement
from zava.data.session.signed_context import ContextKey, ContextSigner
from zava.data.sql_query.empty_results import question
from zava.data.sql_query.predicates import Predicate
from zava.model.audiences import Audience
from zava.model.core import Caller
from zava.retail.access_rules import AUDIENCES, REGIONAL_MANAGERS, STORE_MANAGERS
from zava.retail.data import search_statement as search
from zava.retail.declaration import RETAIL
from zava.retail.demo.principals import PRINCIPALS

QUERIES = Path(__file__).parents[2] / "zava" / "data" / "queries"
TENANT_TABLES = {"stores", "customers", "inventory", "orders", "order_items", "store_targets"}
ONE_PAGE = {"stores"}  # eight rows: whatever index reads them, the policy is a filter at no cost
CALLERS = {STORE_MANAGERS: "redmond", REGIONAL_MANAGERS: "eastside"}
TENANT_AUDIENCES = [STORE_MANAGERS, REGIONAL_MANAGERS]

# What statements of ours are given as $1.
PARAMS: dict[str, Any] = {
    "outside_text": {"schema": RETAIL.schema, "columns": RETAIL.outside_text},
    "table_structure": {"schema": RETAIL.schema},
    "field_names": {"schema": RETAIL.schema},
}
SEARCHED = {
    "text": "paint bucket",
    "skus": ["PAINT"],
    "word_count": 2,
    "like": None,
    "vector": None,
    "model_id": None,
    "threshold": 0.2,
    "is_strict": False,
    "category_id": None,
    "max_rows": 10,
}
SEARCHES = {
    "search": search.search_statement(None, is_in_category=False, is_in_stock=False),
    "search in stock": search.search_statement(None, is_in_category=False, is_in_stock=True),
    "search in a category, in stock": search.search_statement(
        None, is_in_category=True, is_in_stock=True
    ),
    "search with an index, in stock": search.search_statement(
        384, is_in_category=False, is_in_stock=True
    ),
}

EMPTINESS = question(
    RETAIL,
    [
        Predicate("orders", "status", "=", ("lost",)),
        Predicate("orders", "order_date", ">=", ("2031-01-01",)),
        Predicate("order_items", "quantity", "BETWEEN", ("900", "999")),
        Predicate("stores", "region", "ILIKE", ("%west%",)),
    ],
    {
        "orders": {"status": "text", "order_date": "timestamp with time zone"},
        "order_items": {"quantity": "integer"},
        "stores": {"region": "text"},
    },
)

# What models ask, and what the metrics are made of: revenue, orders and units by time and product.
ANALYTICS = {
    "revenue by month": "SELECT date_trunc('month', o.order_date) AS month, sum(i.total_amount)"
    " FROM retail.orders AS o JOIN retail.order_items AS i USING (store_id, order_id)"
    " WHERE o.status NOT IN ('cancelled', 'refunded') GROUP BY 1",
    "orders of a period": "SELECT count(*), sum(total_amount) FROM retail.orders"
    " WHERE order_date >= '2026-05-01' AND order_date < '2026-06-01'"
    " AND status NOT IN ('cancelled', 'refunded')",
    "best sellers": "SELECT p.product_name, sum(i.quantity) FROM retail.order_items AS i"
    " JOIN retail.orders AS o USING (store_id, order_id) JOIN retail.products AS p USING (product_id)"
    " WHERE o.order_date >= '2026-06-01' GROUP BY 1 ORDER BY 2 DESC LIMIT 10",
    "customers": "SELECT count(DISTINCT customer_id) FROM retail.orders"
    " WHERE order_date >= '2026-01-01'",
    "stock": "SELECT count(*) FROM retail.inventory WHERE stock_level <= reorder_point",
}


def shipped() -> dict[str, tuple[str, Any]]:
    """Return every statement of ours with its parameters, by name."""
    names = [file.stem for file in sorted(QUERIES.glob("*.sql"))]
    own = {name: (statement(name), PARAMS.get(name)) for name in names}
    for name in ("scope", "enumerated_values", "search_registry"):
        own[name] = (statement(name, RETAIL.package), None)
    assert EMPTINESS is not None
    searches = {name: (sql, SEARCHED) for name, sql in SEARCHES.items()}
    analytics = {name: (sql, None) for name, sql in ANALYTICS.items()}
    return own | searches | {"emptiness": EMPTINESS} | analytics


SHIPPED = shipped()


@pytest.fixture(scope="module")
def owner(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute("SET search_path = pg_catalog, retail, pg_temp")
        connection.execute("SET jit = off")
        connection.execute("SET track_functions = 'all'")
        # The tests' cluster commits without waiting for its log, and rows whose commit is not
        # on disk yet are not marked as visible to all.
        connection.execute("CHECKPOINT")
        connection.execute("VACUUM retail.orders, retail.order_items")
        yield connection


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def explain(
    owner: psycopg.Connection, audience: Audience, sql: str, params: Any, *, by_index: bool
) -> dict[str, Any]:
    """Return the plan of a statement for an audience; `by_index` leaves out what a few rows merit."""
    with owner.transaction(force_rollback=True):
        owner.execute(f"SET LOCAL enable_seqscan = {'off' if by_index else 'on'}")
        owner.execute("SET LOCAL plan_cache_mode = 'force_custom_plan'")
        owner.execute(f"SET LOCAL ROLE {audience}_personal")
        owner.execute(f"PREPARE planned (jsonb) AS {sql}".encode())
        try:
            value = "NULL" if params is None else f"'{json.dumps(params)}'"
            explained = f"EXPLAIN (FORMAT JSON, VERBOSE) EXECUTE planned ({value})"
            (row,) = owner.execute(explained.encode()).fetchall()
        finally:
            owner.execute("DEALLOCATE planned")
    plan: dict[str, Any] = row[0][0]["Plan"]
    return plan


def scans_of_tenants(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the nodes that read a tenant table; a bitmap's rows come from the node above it."""
    return [
        node
        for node in nodes(plan)
        if node.get("Relation Name") in TENANT_TABLES and node.get("Schema") == "retail"
    ]


def conditions_of(node: dict[str, Any]) -> str:
    inner = [node] if node["Node Type"] != "Bitmap Heap Scan" else list(nodes(node))
    return " ".join(part.get("Index Cond", "") for part in inner)


@pytest.mark.requirement("S60")
@pytest.mark.parametrize("audience", TENANT_AUDIENCES, ids=str)
@pytest.mark.parametrize("name", SHIPPED)
def test_policy_is_the_condition_of_an_index(
    owner: psycopg.Connection, name: str, audience: Audience
) -> None:
    plan = explain(owner, audience, *SHIPPED[name], by_index=True)
    for node in scans_of_tenants(plan):
        if node["Relation Name"] in ONE_PAGE:
            continue
        conditions = conditions_of(node)
        assert "store_id" in conditions, f"{node['Node Type']} of {node['Relation Name']}"
        assert "InitPlan" in conditions or "$" in conditions, conditions


@pytest.mark.parametrize("audience", AUDIENCES.all, ids=str)
@pytest.mark.parametrize("name", SHIPPED)
def test_no_row_calls_a_function_of_the_seal(
    owner: psycopg.Connection, name: str, audience: Audience
) -> None:
    for node in scans_of_tenants(explain(owner, audience, *SHIPPED[name], by_index=False)):
        said = " ".join(node.get(key, "") for key in ("Filter", "Index Cond", "Recheck Cond"))
        assert "my_store" not in said, f"{node['Node Type']} of {node['Relation Name']}: {said}"


def run_sealed(
    owner: psycopg.Connection, caller: Caller, audience: Audience, sql: str, params: Any
) -> dict[str, int]:
    """Run a statement through its runner; return how often each of our functions was called."""
    text = "" if params is None else orjson.dumps(params).decode()
    signed = ContextSigner([ContextKey(*CONTEXT_KEY)]).sign(caller, sql, text)
    values = [signed.key_id, signed.tenant_id, signed.object_id, signed.expires, signed.nonce]
    # Never flushed within the session's transactions, so the counts only grow.
    counts = "SELECT funcname, calls FROM pg_stat_xact_user_functions"
    with owner.transaction(force_rollback=True):
        owner.execute("SET TRANSACTION READ ONLY")
        before: dict[str, int] = dict(owner.execute(counts).fetchall())
        owner.execute(
            f"SELECT zava.run_{audience}_personal(%s::integer, %s::uuid, %s::uuid, %s::bigint, %s::uuid,"
            " %s, %s, %s, 1000, 1000000::bigint)".encode(),
            [*values, signed.mac, signed.statement, signed.params],
        )
        after: dict[str, int] = dict(owner.execute(counts).fetchall())
    return {name: calls - before.get(name, 0) for name, calls in after.items()}


@pytest.mark.requirement("S60")
@pytest.mark.parametrize("audience", TENANT_AUDIENCES, ids=str)
@pytest.mark.parametrize("name", SHIPPED)
def test_the_scope_is_opened_once_for_each_table_that_is_named(
    owner: psycopg.Connection, callers: dict[str, Caller], name: str, audience: Audience
) -> None:
    sql, params = SHIPPED[name]
    plan = explain(owner, audience, sql, params, by_index=False)
    called = run_sealed(owner, callers[CALLERS[audience]], audience, sql, params)
    opened = called.get("my_store", 0) + called.get("my_stores", 0)
    assert opened <= len(scans_of_tenants(plan)), called
    assert called["open_context"] == 1


def test_every_audience_has_somebody_to_ask_for() -> None:
    named = {principal.name: principal.audience for principal in PRINCIPALS}
    assert {audience: named[name] for audience, name in CALLERS.items()} == dict(
        zip(TENANT_AUDIENCES, TENANT_AUDIENCES, strict=True)
    )


@pytest.mark.parametrize("name", ["revenue by month", "orders of a period", "customers"])
def test_one_store_s_history_is_read_from_indexes_alone(
    owner: psycopg.Connection, name: str
) -> None:
    plan = explain(owner, STORE_MANAGERS, ANALYTICS[name], None, by_index=True)
    kinds = {(node["Relation Name"], node["Node Type"]) for node in scans_of_tenants(plan)}
    assert kinds <= {("orders", "Index Only Scan"), ("order_items", "Index Only Scan")}
