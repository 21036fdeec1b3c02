"""Whatever weakens isolation is named by the proof, and whatever does not passes it.

Changes are drawn from the catalog of the migrated database. What a change does to isolation follows
from its family alone, never from what the proof finds.
"""

import os
from collections.abc import Iterator
from random import Random

import psycopg
import pytest

from tests.security.changes import Catalog, Change, Family, problems, read_catalog
from tests.security.harmless import HARMLESS
from tests.security.weakening import WEAKENING
from tests.support.servers.database import Cluster
from zava.data.session.isolation_check import catalog_queries

pytestmark = pytest.mark.slow  # each change is proven anew

EXAMPLES = int(os.environ.get("ZAVA_TEST_EXAMPLES", "2"))  # noqa: TID251  # `make check-long`: 100


@pytest.fixture(scope="module")
def owner(cluster: Cluster) -> Iterator[psycopg.Connection]:
    with (
        cluster.database("proven") as database,
        psycopg.connect(database.owner, autocommit=True) as connection,
    ):
        yield connection


@pytest.fixture(scope="module")
def catalog(owner: psycopg.Connection) -> Catalog:
    return read_catalog(owner)


def drawn(family: Family, catalog: Catalog) -> Iterator[Change]:
    """Draw from a seed of the family's name, so that a failure is met again."""
    draw = Random(family.__name__)  # noqa: S311  # no secret is drawn
    for _ in range(EXAMPLES):
        yield family(catalog, draw)


def test_nothing_is_found_where_nothing_was_changed(owner: psycopg.Connection) -> None:
    assert problems(owner, catalog_queries(), Change("SELECT")) == []


@pytest.mark.parametrize("family", WEAKENING, ids=lambda family: family.__name__)
def test_change_that_weakens_isolation_is_named(
    family: Family, owner: psycopg.Connection, catalog: Catalog
) -> None:
    for change in drawn(family, catalog):
        found = problems(owner, catalog_queries(), change)
        assert any(all(name in text for name in change.named) for text in found), (change, found)
        assert all("; run " in text for text in found), (change, found)


@pytest.mark.parametrize("family", HARMLESS, ids=lambda family: family.__name__)
def test_change_that_weakens_nothing_passes(
    family: Family, owner: psycopg.Connection, catalog: Catalog
) -> None:
    for change in drawn(family, catalog):
        assert problems(owner, catalog_queries(), change) == [], change
