"""A person who is a customer of several stores: one for the head office, unknown to every store."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

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
from zava.errors import NotPermitted, QueryRefused
from zava.infrastructure.cache_backends import MemoryStore
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.model.metrics import MetricQuery
from zava.retail.declaration import RETAIL
from zava.service.metrics.periods import parse_period

# Customers of one first name and of one half of the addresses are taken for one person.
_PERSONS = """
INSERT INTO retail.customer_persons (store_id, customer_id, person_id)
SELECT store_id, customer_id, md5(first_name)::uuid FROM retail.customers WHERE email LIKE '%.org'
"""
YEAR = parse_period("last 12 months", TODAY)


@dataclass(frozen=True)
class Linked:
    """A database with persons: its metrics, its session without a guard, its rows for Python."""

    metrics: MetricReader
    unguarded: TenantDatabase
    rows: naive.Exported


@pytest.fixture(scope="module")
async def linked(
    cluster: Cluster, seeded_template: Database, signer: ContextSigner, catalogue: Catalogue
) -> AsyncIterator[Linked]:
    with cluster.database("persons", template=seeded_template) as database:
        with psycopg.connect(database.owner) as owner:
            owner.execute(_PERSONS)
        pool = DatabasePool(database.server, max_size=1, max_waiting=16)
        tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
        cache = result_cache(tenancy, MemoryStore(1), ttl_seconds=0)
        reader = MetricReader(tenancy, cache, catalogue)
        yield Linked(reader, tenancy, naive.export(database.owner))
        await pool.close()


@pytest.mark.parametrize("dimensions", [(), ("store",), ("category",), ("month", "region")])
async def test_head_office_counts_a_person_once(
    linked: Linked, callers: dict[str, Caller], dimensions: tuple[str, ...]
) -> None:
    metrics = ("people", "customers")
    query = MetricQuery(metrics, YEAR, TODAY, dimensions=dimensions, limit=1000)
    answer = (await linked.metrics.measure(callers["head-office"], {"q": query})).answers["q"]
    expected = naive.answer(
        linked.rows,
        naive.Asked(
            *(metrics, dimensions, YEAR.start, YEAR.end, TODAY),
            *(lambda _: True, YEAR.start, YEAR.start),
        ),
    )
    width = len(dimensions)
    assert {tuple(row[:width]): tuple(row[width:]) for row in answer.rows} == {
        group: tuple(figures[metric] for metric in metrics) for group, figures in expected.items()
    }
    assert any(figures["people"] < figures["customers"] for figures in expected.values())


@pytest.mark.parametrize("name", ["seattle", "eastside", "head-office without the permission"])
async def test_store_or_token_without_the_permission_learns_of_no_person(
    linked: Linked, callers: dict[str, Caller], name: str
) -> None:
    caller = callers[name.partition(" ")[0]]
    if " " in name:
        caller = replace(caller, permissions=frozenset())
    query = MetricQuery(("people",), YEAR, TODAY)
    with pytest.raises(NotPermitted, match="who is one person at several stores"):
        await linked.metrics.measure(caller, {"q": query})
    with pytest.raises(QueryRefused, match="Permission denied"):
        await linked.unguarded.run(caller, "SELECT * FROM retail.customer_persons", max_rows=1)
