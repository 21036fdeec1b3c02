"""The database of a laptop: the embedded server, or the one that DATABASE_URL names."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from zava.infrastructure.home import Home
from zava.settings import Settings, SettingsError

SERVER_LOGIN = "zava_server"
ADMINISTRATOR = "zava_admin"
DATABASE = "zava"


@dataclass(frozen=True, slots=True)
class LocalDatabase:
    """Connection strings of one database, for its administrator and for the server's login."""

    administrator: str
    server: str
    is_embedded: bool
    superuser: str | None = None

    @property
    def host(self) -> str:
        """Return the host of the database, '' for a socket."""
        return str(conninfo_to_dict(self.server).get("host") or "")

    @contextmanager
    def administration(self) -> Iterator[psycopg.Connection]:
        """Connect as the administrator, in autocommit.

        Raises:
            SettingsError: the server refuses or does not answer.
        """
        try:
            connection = psycopg.connect(self.administrator, autocommit=True, connect_timeout=10)
        except psycopg.OperationalError as error:
            raise SettingsError(
                "DATABASE_URL: the database does not accept this administrator's connection: "
                f"{str(error).strip().splitlines()[-1]}"
            ) from error
        with connection:
            yield connection


def named_database(settings: Settings) -> str | None:
    """Return the connection string of DATABASE_URL, which libpq was asked to read.

    Raises:
        SettingsError: libpq cannot read it.
    """
    if settings.database_url is None:
        return None
    try:
        return make_conninfo(settings.database_url)
    except psycopg.ProgrammingError:
        # No cause: libpq's words repeat what it was given, password included.
        raise SettingsError(
            "DATABASE_URL: expected postgresql://user:password@host:port/database"
        ) from None


@contextmanager
def local_database(
    settings: Settings, home: Home, *, report: Callable[[str], None] = lambda _: None
) -> Iterator[LocalDatabase]:
    """Lend the laptop's database, starting the embedded server when it is needed.

    Whoever started the embedded server stops it; others join it and leave it running.
    """
    password = home.secret(SERVER_LOGIN)
    if named := named_database(settings):
        yield LocalDatabase(
            administrator=named,
            server=make_conninfo(named, user=SERVER_LOGIN, password=password),
            is_embedded=False,
        )
        return
    from zava.infrastructure.embedded_server import EmbeddedServer  # nothing of it on Azure

    embedded = EmbeddedServer(home)
    report("starting PostgreSQL")
    embedded.start()
    try:
        embedded.bootstrap()
        yield LocalDatabase(
            administrator=embedded.url(ADMINISTRATOR, home.secret(ADMINISTRATOR), DATABASE),
            server=embedded.url(SERVER_LOGIN, password, DATABASE),
            is_embedded=True,
            superuser=embedded.superuser_url(DATABASE),
        )
    finally:
        if embedded.started_here:
            embedded.stop()
