"""What a statement reads, and so how long it takes, does not follow from other stores' rows."""

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.security.legitimate import COST, Legitimate, read_legitimate
from tests.support.servers.database import CONTEXT_KEY, Database
from zava.data.session.signed_context import ContextKey, ContextSigner
from zava.model.audiences import Audience
from zava.model.core import Caller
from zava.retail.access_rules import REGIONAL_MANAGERS, STORE_MANAGERS
from zava.retail.demo.stores import STORES, store_id

TENANT_TABLES = {"stores", "customers", "inventory", "orders", "order_items"}
ONE_PAGE = {"stores"}  # a row for each store, and their number is no secret
CALLERS = {STORE_MANAGERS: "redmond", REGIONAL_MANAGERS: "eastside"}
NO_STORE = "4f0fbd5a-6b5a-4c85-8d31-3b0d3a1e0001"

# The first rows of a table, and one product's: what a few own rows among many are looked for by.
FEW_ROWS = [
    "SELECT 1 FROM retail.{table} LIMIT 1",
    "SELECT * FROM retail.{table} LIMIT 10",
    "SELECT * FROM retail.{table} OFFSET 5 LIMIT 1",
    "SELECT EXISTS (SELECT FROM retail.{table})",
    "SELECT (SELECT 1 FROM retail.{table} LIMIT 1) FROM generate_series(1, 3)",
    "SELECT count(*) FROM retail.{table} WHERE {column} = '{value}'",
    "SELECT * FROM retail.{table} WHERE {column} = '{value}' LIMIT 1",
    "SELECT * FROM retail.{table} ORDER BY {column} LIMIT 1",
    "SELECT min({column}::text) FROM retail.{table}",
]
# Each names a store, which may be another one or none.
NAMED = [
    "SELECT count(*) FROM retail.{table} AS o WHERE o.store_id = '{store}'",
    "SELECT count(*) FROM retail.{table} AS o WHERE o.store_id IN ('{store}', '{none}')",
    "SELECT count(*) FROM retail.{table} AS o WHERE o.store_id BETWEEN '{store}' AND '{store}'",
    "SELECT count(*) FROM (VALUES ('{store}'::uuid)) AS v (x) JOIN retail.{table} AS o ON o.store_id = v.x",
    "SELECT count(o.store_id) FROM (VALUES ('{store}'::uuid)) AS v (x) LEFT JOIN retail.{table} AS o ON o.store_id = v.x",
    "SELECT count(*) FROM (VALUES ('{store}'::uuid)) AS v (x), LATERAL (SELECT * FROM retail.{table} AS o WHERE o.store_id = v.x OFFSET 0) AS o",
    "SELECT 1 FROM retail.{table} AS o WHERE o.store_id = (SELECT x FROM (VALUES ('{store}'::uuid)) AS v (x)) LIMIT 1",
    "SELECT EXISTS (SELECT FROM retail.{table} AS o WHERE o.store_id = '{store}')",
    "SELECT count(*) FROM retail.{table} AS o WHERE o.store_id <> '{store}'",
    "SELECT count(*) FROM retail.{table} AS a LEFT JOIN retail.{table} AS b ON b.store_id = '{store}' AND b.{column} = a.{column}",
]  # fmt: skip
COLUMNS = {
    "customers": "customer_id",
    "inventory": "product_id",
    "orders": "order_id",
    "order_items": "product_id",
}

corpus = [each for each in read_legitimate() if COST not in each.marks]


@pytest.fixture(scope="module")
def owner(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.owner, autocommit=True) as connection:
        for name, value in read_settings(connection):
            connection.execute("SELECT set_config(%s, %s, false)", [name, value])
        yield connection


def read_settings(connection: psycopg.Connection) -> list[tuple[str, str]]:
    """Return what the login and the runner of store managers set for a statement's plan."""
    rows = connection.execute(
        "SELECT split_part(entry, '=', 1), substr(entry, strpos(entry, '=') + 1)"
        " FROM (SELECT unnest(setconfig) FROM pg_db_role_setting WHERE setdatabase = 0"
        "       AND setrole = 'zava_server'::regrole"
        "       UNION ALL SELECT unnest(proconfig) FROM pg_proc WHERE proname = 'run_store_managers')"
        "   AS setting (entry)"
    ).fetchall()
    planner = ("search_path", "random_page_cost", "jit", "enable_seqscan")
    settings = [(name, value) for name, value in rows if name in planner]
    assert ("enable_seqscan", "off") in settings
    return settings


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def unbounded(owner: psycopg.Connection, audience: Audience, sql: str) -> list[str]:
    """Return the steps of a plan that pass over rows of stores which the policy then leaves out."""
    with owner.transaction(force_rollback=True):
        owner.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        owner.execute(f"SET LOCAL ROLE {audience}_personal".encode())
        (row,) = owner.execute(f"EXPLAIN (FORMAT JSON) {sql}".encode()).fetchall()
    plan = row[0][0]["Plan"]
    of_tables = [node for node in nodes(plan) if node.get("Relation Name") in TENANT_TABLES]
    found = []
    for node in of_tables:
        parts = [node] if node["Node Type"] != "Bitmap Heap Scan" else list(nodes(node))
        # Of a bitmap each index is read by itself.
        conditions = [part["Index Cond"] for part in parts if "Index Cond" in part]
        if node["Relation Name"] in ONE_PAGE:
            continue
        if not conditions or not all(re.search(r"\bstore_id\b", text) for text in conditions):
            found.append(f"{node['Node Type']} of {node['Relation Name']}: {conditions}")
    return found


@pytest.mark.parametrize("audience", list(CALLERS), ids=str)
@pytest.mark.parametrize("table", COLUMNS)
def test_few_rows_are_found_without_passing_over_other_stores_rows(
    owner: psycopg.Connection, table: str, audience: Audience
) -> None:
    column = COLUMNS[table]
    (value,) = owner.execute(
        f"SELECT {column} FROM retail.{table} LIMIT 1".encode()
    ).fetchone() or (None,)
    for text in FEW_ROWS:
        sql = text.format(table=table, column=column, value=value)
        assert unbounded(owner, audience, sql) == [], sql


@pytest.mark.parametrize("legitimate", corpus, ids=lambda legitimate: legitimate.label)
def test_every_tenant_s_table_is_read_by_its_store(
    owner: psycopg.Connection, legitimate: Legitimate
) -> None:
    for audience in CALLERS:
        assert unbounded(owner, audience, legitimate.sql) == []


def pages_read(owner: psycopg.Connection, caller: Caller, audience: Audience, sql: str) -> int:
    """Run a statement as its runner does, and return how many pages of tables and indexes it read."""
    call = ContextSigner([ContextKey(*CONTEXT_KEY)]).sign(caller, sql)
    run = (
        f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) SELECT zava.run_{audience}_personal("
        "%s::integer, %s::uuid, %s::uuid, %s::bigint, %s::uuid, %s, %s, %s, 1000, 1000000::bigint)"
    )
    values = [call.key_id, call.tenant_id, call.object_id, call.expires, call.nonce, call.mac]
    with owner.transaction(force_rollback=True):
        owner.execute("SET TRANSACTION READ ONLY")
        row = owner.execute(run.encode(), [*values, call.statement, call.params]).fetchone()
    assert row is not None
    plan = row[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


@pytest.mark.parametrize("audience", list(CALLERS), ids=str)
@pytest.mark.parametrize("table", COLUMNS)
def test_statement_that_names_another_store_reads_as_much_as_one_that_names_none(
    owner: psycopg.Connection, callers: dict[str, Caller], table: str, audience: Audience
) -> None:
    caller = callers[CALLERS[audience]]
    own = {"Redmond", "Bellevue", "Kirkland"}
    others = [str(store.store_id) for store in STORES if store.short_name not in own]
    for text in NAMED:
        read = {
            store: pages_read(
                owner,
                caller,
                audience,
                text.format(table=table, store=store, none=NO_STORE, column=COLUMNS[table]),
            )
            for store in (NO_STORE, *others, NO_STORE, *others)  # the second time from the caches
        }
        assert len(set(read.values())) == 1, (text, read)


def test_pages_are_counted(owner: psycopg.Connection, callers: dict[str, Caller]) -> None:
    counted = [
        pages_read(
            owner,
            callers["redmond"],
            STORE_MANAGERS,
            f"SELECT count(*) FROM retail.order_items WHERE store_id = '{store}'",
        )
        for store in (NO_STORE, store_id("Redmond"), NO_STORE, store_id("Redmond"))
    ]
    assert counted[3] > counted[2]
