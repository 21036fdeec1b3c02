"""A deployment behind the Functions host, with the directory that signs its people in."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.functions.hosting import OF_THE_HOST, functions_host
from tests.sign_in.broker import managed_identity
from tests.sign_in.directory import Directory
from tests.sign_in.registrations import APP_ID, app, trusted_identity
from tests.sign_in.served import directory as served_directory
from tests.support.products.laptop import free_port
from tests.support.servers.database import Database
from zava.infrastructure.local.state_dir import StateDirectory
from zava.model.core import Caller


@dataclass(frozen=True)
class Deployed:
    """The URL that clients are given, and the directory."""

    url: str
    directory: Directory


@contextmanager
def deployment(
    database: Database, home: StateDirectory, context_keys: Sequence[str], person: Caller
) -> Iterator[Deployed]:
    """Serve a deployment while the block runs; the directory signs this person in."""
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    url = f"{base_url}/mcp"
    with (
        served_directory(person) as directory,
        managed_identity(directory, trusted_identity()) as identity,
    ):
        directory.applications = (app(url, signIn=True),)
        with functions_host(
            *("--port", str(port)),
            database=database,
            home=home,
            context_keys=context_keys,
            AZURE_CLIENT_ID="the-identity-of-the-app",
            IDENTITY_ENDPOINT=identity,
            IDENTITY_HEADER="of-this-machine",
            ZAVA_IDENTITY_ISSUER=directory.issuer,
            ZAVA_IDENTITY_AUDIENCE=APP_ID,
            ZAVA_ALLOWED_TENANTS=directory.tenant,
            ZAVA_SIGN_IN="true",
            ZAVA_SIGN_IN_URL=base_url,
            ZAVA_SIGN_IN_CLIENT_ID=APP_ID,
            **OF_THE_HOST,
        ):
            yield Deployed(url, directory)
