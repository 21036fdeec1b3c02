"""The database that the commands work on: the embedded server, or the one that settings name."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from zava.infrastructure.azure.entra_credentials import (
    DatabaseTokens,
    authenticated,
    database_tokens,
)
from zava.infrastructure.local.state_dir import StateDirectory
from zava.settings import Settings, SettingsError

SERVER_LOGIN = "zava_server"
ADMINISTRATOR = "zava_admin"
DATABASE = "zava"
EMBEDDED = "host=127.0.0.1 hostaddr=127.0.0.1"
"""Where the embedded server listens, as a connection string that no PGHOSTADDR adds to."""
EVERY_HOST = "target_session_attrs"
"""What libpq requires of a host of a list before it takes it."""

_STANDBYS = frozenset({"standby", "prefer-standby"})
_NEVER_MATCHES = frozenset({"read-write", "read-only"})


@dataclass(frozen=True, slots=True)
class LocalDatabase:
    """Connection strings of one database, for its administrator and for the server's login.

    With `tokens` the administrator authenticates by Entra, and no process on this machine can log
    in as the server.
    """

    administrator: str
    server: str
    is_embedded: bool
    superuser: str | None = None
    tokens: DatabaseTokens | None = None

    @property
    def host(self) -> str:
        """Return the host of the database, '' for a socket."""
        return str(conninfo_to_dict(self.server).get("host") or "")

    def login(self, role: str, password: str) -> str:
        """Return the connection string of another login of this database."""
        return make_conninfo(self.administrator, user=role, password=password)

    @contextmanager
    def administration(self, database: str | None = None) -> Iterator[psycopg.Connection]:
        """Connect as the administrator, in autocommit; to another database when it is named.

        Raises:
            SettingsError: the server refuses or does not answer.
            NoToken: no one is signed in to Entra.
        """
        conninfo = make_conninfo(self.administrator, dbname=database)
        if self.tokens is not None:
            conninfo = make_conninfo(conninfo, password=self.tokens.password())
        try:
            connection = psycopg.connect(conninfo, autocommit=True, connect_timeout=10)
        except psycopg.OperationalError as error:
            raise SettingsError(
                f"{'DATABASE_URL' if self.tokens is None else 'PGUSER'}: "
                "the database does not accept this administrator's connection: "
                f"{str(error).strip().splitlines()[-1]}"
            ) from error
        with connection:
            yield connection

    @contextmanager
    def as_server(self) -> Iterator[str]:
        """Lend a connection string with the rights of the server's login.

        If only the app's identity can log in as it, the administrator takes its role meanwhile.
        That role may call the sealed runners and nothing else.
        """
        if self.tokens is None:
            yield self.server
            return
        with self.administration() as connection:
            connection.execute(f"GRANT {SERVER_LOGIN} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE")
            try:
                yield make_conninfo(self.administrator, options=f"-c role={SERVER_LOGIN}")
            finally:
                connection.execute(f"REVOKE {SERVER_LOGIN} FROM CURRENT_USER")


def named_database(settings: Settings) -> str | None:
    """Return the connection string that the settings name for administrators and commands.

    PGHOST alone may be left over from another tool; with Entra it was meant.

    Of several hosts it takes the primary.

    Raises:
        SettingsError: libpq cannot read DATABASE_URL, or it can never match the primary.
    """
    if settings.database_url is None:
        return database_in_parts(settings) if settings.database_auth == "entra" else None
    try:
        return _primary_of(make_conninfo(settings.database_url))
    except psycopg.ProgrammingError:
        # No cause: libpq's words repeat what it was given, password included.
        raise SettingsError(
            "DATABASE_URL: expected postgresql://user:password@host:port/database"
        ) from None


def database_in_parts(settings: Settings) -> str | None:
    """Return the connection string of PGHOST and its kin, None when PGHOST is not set."""
    if settings.pg_host is None:
        return None
    return _primary_of(
        make_conninfo(
            host=settings.pg_host,
            port=settings.pg_port,
            dbname=settings.pg_database,
            user=settings.pg_user,
            password=settings.pg_password,
        )
    )


def has_standby(settings: Settings) -> bool:
    """Whether the settings name a standby that reads run on."""
    if settings.replica_url is not None:
        return True
    url = settings.database_url or ""
    return EVERY_HOST in url and conninfo_to_dict(url).get(EVERY_HOST) in _STANDBYS


def _primary_of(conninfo: str) -> str:
    # Most strings name one host: they are not read here.
    if "," not in conninfo and EVERY_HOST not in conninfo:
        return conninfo
    parts = conninfo_to_dict(conninfo)
    wanted = parts.get(EVERY_HOST)
    if wanted in _NEVER_MATCHES:
        raise SettingsError(
            f"DATABASE_URL: {EVERY_HOST}={wanted} compares the session's default, and the "
            "login's transactions only read on every server; "
            "expected primary, standby or prefer-standby"
        )
    has_several = "," in str(parts.get("host") or parts.get("hostaddr") or "")
    return make_conninfo(conninfo, **{EVERY_HOST: "primary"}) if has_several or wanted else conninfo


@contextmanager
def local_database(
    settings: Settings, home: StateDirectory, *, report: Callable[[str], None] = lambda _: None
) -> Iterator[LocalDatabase]:
    """Lend the database that the settings name, else the embedded server's, started when needed.

    The last process that uses the embedded server stops it.
    """
    named = named_database(settings)
    tokens = database_tokens(settings)
    if tokens is not None:
        if named is None:
            raise SettingsError("PGHOST: required with ZAVA_DATABASE_AUTH=entra")
        named = authenticated(named)
        yield LocalDatabase(administrator=named, server="", is_embedded=False, tokens=tokens)
        return
    password = home.secret(SERVER_LOGIN)
    if named:
        yield LocalDatabase(
            administrator=named,
            server=make_conninfo(named, user=SERVER_LOGIN, password=password),
            is_embedded=False,
        )
        return
    from zava.infrastructure.local.embedded.postgres_server import (
        EmbeddedServer,  # nothing of it on Azure
    )

    embedded = EmbeddedServer(home, report=report)
    report("starting PostgreSQL …")
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
        embedded.leave()
