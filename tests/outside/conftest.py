"""function_app.py behind a socket, for programs that nobody here wrote."""

import os
from collections.abc import Iterator

import pytest

from tests.database import Database
from tests.functions.hosting import Hosted, functions_host
from tests.protocol.recorded import VARIABLE
from zava.infrastructure.local.state_dir import Home

_RECORD = os.environ.get(VARIABLE)  # noqa: TID251  # `make recordings` keeps what is sent
_OPTIONS = ("--as", "seattle", *(("--record", _RECORD) if _RECORD else ()))


@pytest.fixture(scope="session")
def production(database: Database, home: Home, context_keys: list[str]) -> Iterator[Hosted]:
    """What is deployed; a request without a token is the Seattle manager's."""
    with functions_host(
        *_OPTIONS, database=database, home=home, context_keys=context_keys
    ) as hosted:
        yield hosted


@pytest.fixture(scope="session")
def with_fixtures(database: Database, home: Home, context_keys: list[str]) -> Iterator[Hosted]:
    """The same with the tools, resources and prompts that the conformance suite calls."""
    with functions_host(
        *_OPTIONS, "--fixtures", database=database, home=home, context_keys=context_keys
    ) as hosted:
        yield hosted
