"""One app, started once, at whose endpoint clients sign in."""

from collections.abc import AsyncIterator

import pytest

from tests.database import Database
from tests.sign_in.client import SigningClient
from zava.app import Application, compose
from zava.infrastructure.home import Home
from zava.settings import Settings


@pytest.fixture(scope="session")
async def signing_app(
    database: Database, home: Home, context_keys: list[str]
) -> AsyncIterator[Application]:
    """The app of a laptop, whose page lists who is granted access."""
    settings = Settings.model_validate({"ZAVA_HOME": home.path})
    application = compose(
        settings,
        conninfo=database.server,
        context_keys=context_keys,
        administrator=database.admin,
    )
    yield application
    await application.close()


@pytest.fixture
def client(signing_app: Application) -> SigningClient:
    return SigningClient(signing_app.endpoint)
