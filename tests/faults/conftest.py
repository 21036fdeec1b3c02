"""One server for all tests that break things, apart from the one that the others share."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.servers.breakable import Breakable, application_over, breakable
from tests.support.servers.homes import open_directory
from tests.support.servers.proxy import Proxy, counting_proxy
from zava.app import Application
from zava.infrastructure.local.state_dir import StateDirectory


@pytest.fixture(scope="session")
def own_server() -> Iterator[Breakable]:
    with open_directory() as directory, breakable(directory / "home", scale=0.02) as own:
        yield own


@pytest.fixture
async def line(own_server: Breakable) -> AsyncIterator[Proxy]:
    async with counting_proxy(own_server.database.server) as proxy:
        yield proxy


@pytest.fixture
async def over_the_line(
    line: Proxy, home: StateDirectory, context_keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Application]:
    """The app, with three connections, behind a line that can be broken."""
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.infrastructure.postgres.pool._CLOSE_TIMEOUT_SECONDS", 0.2)
    async with application_over(line.conninfo, home, context_keys, ZAVA_POOL_MAX=3) as application:
        yield application
