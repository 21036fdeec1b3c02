"""A deployment behind a socket, with the directory that signs its people in."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.conftest import TODAY
from tests.database import Database
from tests.pictures.serving import Serving
from tests.sign_in.broker import managed_identity
from tests.sign_in.directory import Directory
from tests.sign_in.registrations import APP_ID, app, trusted_identity
from tests.sign_in.served import directory as served_directory
from zava.infrastructure.local.state_dir import Home
from zava.model.core import Caller


@dataclass(frozen=True)
class Deployed:
    """The URL that clients are given, and the directory."""

    url: str
    directory: Directory


@contextmanager
def deployment(
    database: Database, home: Home, context_keys: Sequence[str], person: Caller
) -> Iterator[Deployed]:
    """Serve a deployment while the block runs; the directory signs this person in."""
    server = Serving(database, home, context_keys, TODAY)
    with (
        served_directory(person) as directory,
        managed_identity(directory, trusted_identity()) as identity,
    ):
        url = f"{server.base_url}/mcp"
        directory.applications = (app(url, signIn=True),)
        server.environment = {
            "AZURE_CLIENT_ID": "the-identity-of-the-app",
            "IDENTITY_ENDPOINT": identity,
            "IDENTITY_HEADER": "of-this-machine",
            "ZAVA_IDENTITY_ISSUER": directory.issuer,
            "ZAVA_IDENTITY_AUDIENCE": APP_ID,
            "ZAVA_ALLOWED_TENANTS": directory.tenant,
            "ZAVA_SIGN_IN": "true",
            "ZAVA_SIGN_IN_URL": server.base_url,
            "ZAVA_SIGN_IN_CLIENT_ID": APP_ID,
        }
        server.start("serve", until=f"Serving {url} until Ctrl-C.")
        try:
            yield Deployed(url, directory)
        finally:
            server.stop()
