"""Grants of an adopted database, and the database and app that its declaration names."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from psycopg.conninfo import conninfo_to_dict

from zava.adopted_app import AdoptedApplication, compose_adopted, declaration_of
from zava.adoption.adopted_grants import (
    GrantedTime,
    described,
    find_adopted,
    grant_adopted,
    list_adopted,
    revoke_adopted,
)
from zava.adoption.declared_values import AdoptionDeclaration, printable
from zava.cli.terminal import administered, console
from zava.infrastructure.local.database import LocalDatabase, local_database
from zava.infrastructure.local.state_dir import StateDirectory
from zava.model.core import Caller
from zava.settings import Settings, SettingsError, settings


def grant_access(
    name: str,
    audience: str,
    tenants: Sequence[str],
    caller: Caller | None,
    *,
    is_application: bool,
    since: datetime | None,
    until: datetime | None,
) -> None:
    """Grant a person or application access to the adopted database."""
    declaration = declaration_of(settings())
    with administered() as database, database.administration() as connection:
        granted = grant_adopted(
            connection,
            declaration,
            caller=caller,
            name=name,
            audience=audience,
            tenants=tenants,
            is_application=is_application,
            time=GrantedTime(
                since and since.replace(tzinfo=UTC), until and until.replace(tzinfo=UTC)
            ),
        )
    _print(f"Granted: {described(granted)}")


def revoke_access(who: str | Caller) -> None:
    """End the access of a principal; it holds at the next call."""
    declaration = declaration_of(settings())
    with administered() as database, database.administration() as connection:
        revoked = revoke_adopted(connection, declaration, who)
    _print(f"Revoked: {described(revoked)}")


def show_access() -> None:
    """Print every principal that was ever granted access."""
    declaration = declaration_of(settings())
    with administered() as database, database.administration() as connection:
        listed = list_adopted(connection, declaration)
    for principal in listed:
        _print(described(principal))


def adopted_caller(chosen: Settings, name: str) -> Caller:
    """Return the ids of a principal of the adopted database.

    Raises:
        GrantRefused: the name was never granted access.
    """
    declaration = declaration_of(chosen)
    with administered() as database, database.administration() as connection:
        return find_adopted(connection, declaration, name).caller


@contextmanager
def adopted_application(chosen: Settings) -> Iterator[AdoptedApplication]:
    """Join the app over the adopted database that the settings name."""
    declaration = declaration_of(chosen)
    home = StateDirectory(chosen.home)
    with local_database(chosen, home) as database:
        yield joined(chosen, database, declaration)


def joined(
    chosen: Settings, database: LocalDatabase, declaration: AdoptionDeclaration
) -> AdoptedApplication:
    """Return the app over an adopted database.

    The connection string is the administrator's, or that of the server's own login.

    Raises:
        SettingsError: the login authenticates by Entra, which serves no adopted database yet.
    """
    if database.tokens is not None:
        raise SettingsError("ZAVA_DATABASE_AUTH: an adopted database is served with a password")
    role, server = declaration.server_role, database.administrator
    if conninfo_to_dict(server).get("user") != role:
        server = database.login(role, StateDirectory(chosen.home).secret(role))
    return compose_adopted(
        chosen, conninfo=server, administrator=database.administrator, declaration=declaration
    )


def _print(text: str) -> None:
    # Names come from the application: one of them may contain what a terminal obeys.
    console.print(printable(text), highlight=False, markup=False)
