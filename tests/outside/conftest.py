"""Both servers of the product behind a socket, for programs that nobody here wrote."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from tests.functions.hosting import OF_THE_HOST, Hosted, functions_host
from tests.pictures.serving import Serving
from tests.protocol.recorded import VARIABLE
from tests.support.servers.database import Database
from tests.support.servers.seeded import TODAY
from zava.infrastructure.local.state_dir import StateDirectory

_RECORD = os.environ.get(VARIABLE)  # noqa: TID251  # `make recordings` keeps what is sent
_OPTIONS = ("--as", "seattle", *(("--record", _RECORD) if _RECORD else ()))
_ISSUERS_PORT = "7071"  # the default, which the issuer of the tests' tokens has in its name
HOSTS = ("functions host", "local server")


@pytest.fixture(scope="session")
def production(
    database: Database, home: StateDirectory, context_keys: list[str]
) -> Iterator[Hosted]:
    """function_app.py as deployed; a request without a token is the Seattle manager's."""
    with functions_host(
        *_OPTIONS, database=database, home=home, context_keys=context_keys, **OF_THE_HOST
    ) as hosted:
        yield hosted


@pytest.fixture(scope="session")
def with_fixtures(
    database: Database, home: StateDirectory, context_keys: list[str]
) -> Iterator[Hosted]:
    """The same with the tools, resources and prompts that the conformance suite calls."""
    with functions_host(
        *_OPTIONS,
        "--fixtures",
        database=database,
        home=home,
        context_keys=context_keys,
        **OF_THE_HOST,
    ) as hosted:
        yield hosted


@contextmanager
def _local_server(
    kind: str, database: Database, home: StateDirectory, context_keys: Sequence[str]
) -> Iterator[str]:
    server = Serving(database, home, context_keys, TODAY)
    server.program = (sys.executable, "-m", "tests.outside.local_server", str(server.port))
    server.environment = {"PORT": _ISSUERS_PORT}
    url = f"{server.base_url}/mcp"
    server.start(kind, until=f"Serving {url} until Ctrl-C.")
    try:
        yield url
    finally:
        server.stop()


@pytest.fixture(scope="session")
def local_url(database: Database, home: StateDirectory, context_keys: list[str]) -> Iterator[str]:
    """The local web server; a request without a token is the Seattle manager's."""
    with _local_server("product", database, home, context_keys) as url:
        yield url


@pytest.fixture(scope="session")
def local_url_with_fixtures(
    database: Database, home: StateDirectory, context_keys: list[str]
) -> Iterator[str]:
    """The same with what the conformance suite calls."""
    with _local_server("fixtures", database, home, context_keys) as url:
        yield url


@pytest.fixture(scope="session", params=HOSTS)
def url(request: pytest.FixtureRequest) -> str:
    """The endpoint of the product behind the Functions host, then behind the local server."""
    if request.param == HOSTS[0]:
        hosted: Hosted = request.getfixturevalue("production")
        return hosted.mcp_url
    local: str = request.getfixturevalue("local_url")
    return local


@pytest.fixture(scope="session", params=HOSTS)
def url_with_fixtures(request: pytest.FixtureRequest) -> str:
    """The same two, with what the conformance suite calls."""
    if request.param == HOSTS[0]:
        hosted: Hosted = request.getfixturevalue("with_fixtures")
        return hosted.mcp_url
    local: str = request.getfixturevalue("local_url_with_fixtures")
    return local
