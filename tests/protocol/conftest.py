"""One app for all the tests that do not ask for a cold one."""

from collections.abc import AsyncIterator

import pytest

from tests.support.servers.database import Database
from zava.app import Application, compose
from zava.infrastructure.local.state_dir import StateDirectory
from zava.settings import Settings


@pytest.fixture(scope="session")
async def warm(
    database: Database, home: StateDirectory, context_keys: list[str]
) -> AsyncIterator[Application]:
    """The whole app over the shared database, started once."""
    settings = Settings.model_validate({"ZAVA_HOME": home.path})
    application = compose(settings, conninfo=database.server, context_keys=context_keys)
    yield application
    await application.close()
