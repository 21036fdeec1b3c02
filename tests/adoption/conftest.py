"""One server with databases of applications, and one adopted database of each."""

from collections.abc import Iterator

import pytest

from tests.adoption.foreign import BILLING, RENTALS, Foreign, ForeignServer
from tests.support.servers.database import Cluster


@pytest.fixture(scope="session")
def foreign_server(cluster: Cluster) -> Iterator[ForeignServer]:
    server = ForeignServer(cluster)
    yield server
    server.end()


@pytest.fixture(scope="session")
def unadopted(foreign_server: ForeignServer) -> Iterator[Foreign]:
    """A database that is only checked: each check undoes what it began with."""
    with foreign_server.database(BILLING, "checked") as foreign:
        yield foreign


@pytest.fixture(scope="session")
def billing(foreign_server: ForeignServer) -> Iterator[Foreign]:
    """An adopted database with keys of type uuid, that no test changes."""
    with foreign_server.database(BILLING, "billing") as foreign:
        foreign.apply()
        yield foreign


@pytest.fixture(scope="session")
def rentals(foreign_server: ForeignServer) -> Iterator[Foreign]:
    """An adopted database with integer keys, that no test changes."""
    with foreign_server.database(RENTALS, "rentals") as foreign:
        foreign.apply()
        yield foreign
