"""Visible rows equal a model computed from the grants, whatever was granted and revoked before.

Random histories of grants, revocations and expiries over random principals; after each step every
tool that shows tenant data is called as everybody, through the whole endpoint.
"""

import asyncio
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.answers.rpc import MODERN, request
from tests.support.servers.database import Database
from zava.app import Application, compose
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuer
from zava.infrastructure.postgres.access_grants import grant, revoke
from zava.model.core import Caller
from zava.protocol.tools.tool import ERROR_META
from zava.retail.declaration import RETAIL
from zava.retail.demo.principals import DEMO_TENANT_ID
from zava.retail.demo.stores import STORES
from zava.retail.tools.registry import TOOLS
from zava.settings import Settings

pytestmark = pytest.mark.slow  # each example makes grants and asks every tool

NAMES = [store.name for store in STORES]
PEOPLE = 3
EXAMPLES = int(os.environ.get("ZAVA_TEST_EXAMPLES", "6"))  # noqa: TID251  # `make check-long`: 100
COUNTS = (
    "SELECT s.store_name, (SELECT count(*) FROM retail.{table} AS t WHERE t.store_id = s.store_id)"
    " FROM retail.stores AS s ORDER BY 1"
)
TABLES = ("customers", "inventory", "orders", "order_items")
TENANT_TOOLS: dict[str, dict[str, Any]] = {
    "execute_sales_query": {},  # asked for the counts of a table
    "get_multiple_table_schemas": {"table_names": ["retail.products"]},
    "query_metrics": {"metrics": ["orders"], "dimensions": ["store"], "time_period": "2025"},
    "show_sales_chart": {"metrics": ["orders"], "dimensions": ["store"], "time_period": "2025"},
    "get_store_performance": {"time_period": "2025"},
    "compare_with_chain": {"metric": "orders", "time_period": "2025"},
    "semantic_search_products": {"query_description": "hammer"},
}
WITHOUT_TENANT_DATA = {"get_current_utc_date"}
CUSTODY = {"cost", "gross_margin_percent"}


@dataclass(frozen=True)
class Given:
    """What the model remembers of one principal's grant."""

    audience: str
    stores: frozenset[str]


@dataclass
class World:
    """The database, the app over it, and the model of both."""

    admin: psycopg.Connection
    served: Application
    issuer: LocalIssuer
    truth: dict[str, dict[str, int]]
    people: list[Caller] = field(default_factory=list)
    grants: dict[Caller, Given] = field(default_factory=dict)

    def begin(self) -> None:
        self.people = [Caller(DEMO_TENANT_ID, uuid4()) for _ in range(PEOPLE)]
        self.grants = {}


steps = st.one_of(
    st.tuples(
        st.just("grant"),
        st.integers(0, PEOPLE - 1),
        st.sampled_from(["store_managers", "regional_managers", "head_office"]),
        st.sets(st.sampled_from(NAMES), min_size=1),
        st.sampled_from([-1, 0, 1]),  # ended, without an end, ends later
    ),
    st.tuples(
        st.just("revoke"), st.integers(0, PEOPLE - 1), st.just(""), st.just({""}), st.just(0)
    ),
)


def take(world: World, step: Any) -> None:
    """Take one step in the database and in the model."""
    kind, number, audience, stores, end = step
    who = world.people[number]
    if kind == "revoke":
        if world.grants.pop(who, None) is not None:
            revoke(world.admin, RETAIL, who)
        return
    chosen = {min(stores)} if audience == "store_managers" else set(stores)
    now = datetime.now(UTC)
    grant(
        world.admin,
        RETAIL,
        caller=who,
        display_name=str(who.object_id),
        audience=audience,
        stores=sorted(chosen),
        valid_from=now - timedelta(days=2) if end else None,
        valid_until=now + timedelta(days=end) if end else None,
    )
    world.grants.pop(who, None)
    if end >= 0:
        world.grants[who] = Given(audience, frozenset(chosen))


async def call(world: World, who: Caller, tool: str, arguments: Any) -> Any:
    token = world.issuer.token(tenant_id=who.tenant_id, object_id=who.object_id, name="x")
    headers, body = request(MODERN, "tools/call", {"name": tool, "arguments": arguments}, token)
    answer = await world.served.endpoint.handle("POST", "/mcp", headers, body)
    return orjson.loads(answer.body)


async def check(world: World) -> None:
    """Hold what everybody sees against the model."""
    for number, who in enumerate(world.people):
        table = TABLES[number % len(TABLES)]
        held = world.grants.get(who)
        for tool, asked in TENANT_TOOLS.items():
            arguments = asked or {"postgresql_query": COUNTS.format(table=table)}
            body = await call(world, who, tool, arguments)
            if held is None:
                assert body["result"]["isError"] is True
                assert body["result"]["_meta"][ERROR_META]["code"] == "AUTHORIZATION_ERROR"
                continue
            content = body["result"]["structuredContent"]
            assert set(content["scope"]["stores"]) == held.stores
            assert content["scope"]["audience"] == held.audience
            told = {
                cell for row in content.get("rows", []) for cell in row if isinstance(cell, str)
            }
            assert not told & (world.truth[table].keys() - held.stores), f"{tool} names another"
            if tool == "execute_sales_query":
                expected = [[name, world.truth[table][name]] for name in sorted(held.stores)]
                assert content["rows"] == expected
            elif tool == "get_multiple_table_schemas":
                columns = content["tables"][0]["columns"].keys()
                assert (columns >= CUSTODY) == (held.audience != "store_managers")


def test_every_tool_is_in_the_model() -> None:
    assert set(TOOLS) == TENANT_TOOLS.keys() | WITHOUT_TENANT_DATA, (
        "say here what the tool may show"
    )


@pytest.mark.requirement("S62")
@pytest.mark.requirement("S127")
async def test_visible_rows_equal_a_model_computed_from_the_grants(
    seeded_clone: Database, home: StateDirectory, context_keys: list[str]
) -> None:
    served = compose(
        Settings.model_validate({"ZAVA_HOME": home.path}),
        conninfo=seeded_clone.server,
        context_keys=context_keys,
    )
    with psycopg.connect(seeded_clone.owner) as owner:
        truth: dict[str, dict[str, int]] = {
            table: dict(owner.execute(COUNTS.format(table=table).encode()).fetchall())
            for table in TABLES
        }
    loop = asyncio.get_running_loop()
    with psycopg.connect(seeded_clone.admin, autocommit=True) as admin:
        world = World(admin, served, LocalIssuer(home), truth)

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(steps, min_size=2, max_size=5))
        def hold(history: list[Any]) -> None:
            world.begin()
            for step in history:
                take(world, step)
                asyncio.run_coroutine_threadsafe(check(world), loop).result()

        try:
            # Hypothesis is not asynchronous: it drives the loop from a thread of its own.
            await asyncio.to_thread(hold)
        finally:
            await served.close()
