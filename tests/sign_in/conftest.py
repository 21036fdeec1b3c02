"""Apps, each started once, at whose endpoints clients sign in."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.sign_in.broker import Browser, Client, managed_identity, settings_of
from tests.sign_in.client import SigningClient
from tests.sign_in.directory import Directory
from tests.sign_in.registrations import app, trusted_identity
from tests.sign_in.served import directory as served_directory
from tests.support.servers.database import Database
from zava.app import Application, compose
from zava.infrastructure.azure.entra_credentials import exchange_tokens
from zava.infrastructure.local.state_dir import StateDirectory
from zava.model.core import Caller
from zava.settings import Settings


@pytest.fixture(scope="session")
async def signing_app(
    database: Database, home: StateDirectory, context_keys: list[str]
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


@dataclass(frozen=True)
class Deployment:
    """Two instances over one database, the directory that knows their people, the database."""

    first: Application
    second: Application
    directory: Directory
    database: Database
    settings: Settings

    def client(self, **given: str) -> Client:
        return Client(self.first.endpoint, **given)

    def browser(self) -> Browser:
        return Browser(self.first.endpoint)


@pytest.fixture(scope="session")
async def signing_deployment(
    database: Database, context_keys: list[str], callers: dict[str, Caller]
) -> AsyncIterator[Deployment]:
    with (
        served_directory(callers["seattle"]) as directory,
        managed_identity(directory, trusted_identity()) as identity,
    ):
        given = {"IDENTITY_ENDPOINT": identity, "AZURE_CLIENT_ID": "the-identity-of-the-app"}
        given["ZAVA_CONSOLE"] = "true"
        settings = Settings.model_validate(settings_of(directory, **given))
        with pytest.MonkeyPatch.context() as patch:
            # For one request: the credential of the process keeps the token.
            patch.setenv("IDENTITY_ENDPOINT", identity)
            patch.setenv("IDENTITY_HEADER", "of-this-machine")
            await exchange_tokens(settings).token()
        first, second = (
            compose(settings, conninfo=database.server, context_keys=context_keys) for _ in range(2)
        )
        yield Deployment(first, second, directory, database, settings)
        await second.close()
        await first.close()


@pytest.fixture
def deployment(signing_deployment: Deployment, callers: dict[str, Caller]) -> Deployment:
    """The deployment, its directory as new."""
    directory = signing_deployment.directory
    directory.person = callers["seattle"]
    directory.applications = (app(signIn=True),)
    directory.changed.clear()
    directory.seen.clear()
    return signing_deployment
