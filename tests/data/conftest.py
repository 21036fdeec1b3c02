"""Fixtures of tests that write as an import would."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.servers.database import Database


@pytest.fixture
def loader(seeded_clone: Database) -> Iterator[psycopg.Connection]:
    """The loader role in a seeded database of the test's own."""
    with psycopg.connect(seeded_clone.admin, autocommit=True) as connection:
        connection.execute("SET ROLE zava_loader")
        yield connection
