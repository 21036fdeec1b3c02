"""The command line: what is done to a Zava, rather than asked of it."""

import asyncio
import json
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console

from zava import first_answer
from zava.app import Application, application, compose
from zava.data.context import ContextKey
from zava.errors import ZavaError
from zava.infrastructure.demo_data import SeedRefused
from zava.infrastructure.demo_principals import demo_callers
from zava.infrastructure.embedded_server import EmbeddedServerError
from zava.infrastructure.home import Home, HomeInUse
from zava.infrastructure.local_database import LocalDatabase, local_database, named_database
from zava.infrastructure.local_issuer import LocalIssuer, LocalIssuerRefused, local_issuer_allowed
from zava.infrastructure.migrations import (
    MigrationRefused,
    install_context_keys,
    migrate,
    set_server_password,
)
from zava.one_call import call_tool, read_resource
from zava.protocol.performance import URI as PERFORMANCE
from zava.settings import SettingsError, settings

app = typer.Typer(
    help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
)
keys = typer.Typer(help="Keys that sign the tenant context.", no_args_is_help=True)
app.add_typer(keys, name="keys")

console = Console(stderr=False, soft_wrap=True)

Name = Annotated[str, typer.Option("--as", help="Demo principal, such as seattle or head-office.")]

_EXPECTED = (
    SettingsError,
    MigrationRefused,
    SeedRefused,
    EmbeddedServerError,
    HomeInUse,
    LocalIssuerRefused,
    ZavaError,
)


def main() -> None:
    """Run one command; an error that somebody can mend is one sentence and exit code 1."""
    # As Ctrl-C does, so that what was started is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # What went wrong is that sentence; log lines are the served app's.
    logging.getLogger("zava").addHandler(logging.NullHandler())
    try:
        app()
    except _EXPECTED as error:
        print(f"zava: {error}", file=sys.stderr)
        sys.exit(1)
    except psycopg.Error as error:
        print(f"zava: the database said: {str(error).strip()}", file=sys.stderr)
        sys.exit(1)


@app.command()
def run() -> None:
    """Start everything on this machine, show the first answers, and serve until Ctrl-C."""
    first_answer.run(settings(), console)


@app.command()
def serve() -> None:
    """Serve a database that `run` or `migrate` has prepared."""
    with first_answer.listen(settings().port) as listener, _application() as served:

        async def announce() -> None:
            console.print(f"Serving http://127.0.0.1:{settings().port}/mcp until Ctrl-C.")

        first_answer.serve(served, listener, before=announce)


@app.command("migrate")
def migrate_command() -> None:
    """Bring the database's schema up to date and verify isolation."""
    with _database() as database:
        with database.administration() as connection:
            applied = migrate(connection, report=lambda name: console.print(f"applying {name}"))
            console.print(f"{len(applied)} migrations applied" if applied else "Up to date")
            home = Home(settings().home)
            set_server_password(connection, home.secret("zava_server"))
            install_context_keys(
                connection, _parsed(settings().context_keys or home.context_keys())
            )
        _verify(database)


@app.command("seed")
def seed_command(
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Delete what the database holds first.")
    ] = False,
) -> None:
    """Load the demo data; refuses a database that holds other data."""
    with _database() as database, database.administration() as connection:
        first_answer.seed_with_progress(
            connection,
            scale=settings().scale,
            today=first_answer.today_of(settings()),
            replace=replace,
            console=console,
        )


@app.command()
def verify() -> None:
    """Prove tenant isolation from the catalog and with the canaries; exit 1 when it is not real."""
    with _database() as database:
        _verify(database)


@app.command()
def token(
    name: Name,
    ttl: Annotated[int, typer.Option(min=1, max=86_400, help="Seconds it holds.")] = 3600,
) -> None:
    """Print a bearer token of the local issuer for a demo principal."""
    local_issuer_allowed(settings(), named_database(settings()) or "")
    print(_token(name, ttl))


@app.command()
def call(
    tool: Annotated[str, typer.Argument(help="Tool, such as execute_sales_query.")],
    name: Name,
    arguments: Annotated[
        list[str] | None, typer.Argument(help="key=value; a value that is JSON is read as JSON.")
    ] = None,
) -> None:
    """Call one tool as a demo principal and print its answer."""
    given = dict(_argument(text) for text in arguments or [])
    with _application() as called:
        local_issuer_allowed(settings(), named_database(settings()) or "")

        async def ask() -> tuple[int, dict[str, Any]]:
            try:
                return await call_tool(called.endpoint, _token(name, 60), tool, given)
            finally:
                await called.close()

        _, body = asyncio.run(ask())
    result = body.get("result")
    if result is None:
        raise ZavaError(body.get("error", {}).get("message", "The call was refused."))
    print("\n".join(part["text"] for part in result["content"] if part["type"] == "text"))
    if result.get("isError"):
        sys.exit(1)


@app.command()
def stats() -> None:
    """Print which statements of the server that runs on PORT take the time."""
    local_issuer_allowed(settings(), named_database(settings()) or "")
    print(read_resource(settings().port, _token("head-office", 60), PERFORMANCE))


@keys.command("rotate")
def rotate() -> None:
    """Put a fresh context key in front; the one before stays valid, so that no call fails."""
    if settings().context_keys:
        raise SettingsError(
            "ZAVA_CONTEXT_KEYS: this app's keys are given to it; put a new `id:base64` in front, "
            "keep the present one second, and run `zava migrate` before the app restarts"
        )
    home = Home(settings().home)
    with _database() as database, database.administration() as connection:
        home.rotate_context_key()
        install_context_keys(connection, _parsed(home.context_keys()))
    console.print("Rotated; restart the server to sign with the new key. Both keys are valid.")


@app.command("database-url")
def database_url(
    role: Annotated[str, typer.Option(help="admin (superuser) or server (the app's own login).")],
) -> None:
    """Print the embedded server's connection string, for tests and tools."""
    with _database() as database:
        if not database.is_embedded:
            raise SettingsError("DATABASE_URL: this command is about the embedded server only")
        urls = {"admin": database.superuser, "server": database.server}
        if role not in urls:
            raise SettingsError("--role: expected admin or server")
        print(urls[role])


@contextmanager
def _database() -> Iterator[LocalDatabase]:
    with local_database(settings(), Home(settings().home)) as database:
        yield database


@contextmanager
def _application() -> Iterator[Application]:
    """Join the app over the database that the settings name, else over the embedded one."""
    if settings().database_url or settings().pg_host:
        yield application()
        return
    home = Home(settings().home)
    with local_database(settings(), home) as database:
        yield compose(settings(), conninfo=database.server, context_keys=home.context_keys())


def _verify(database: LocalDatabase) -> None:
    keys_in_use = settings().context_keys or Home(settings().home).context_keys()
    verified = compose(settings(), conninfo=database.server, context_keys=keys_in_use)

    async def ask() -> list[str]:
        try:
            return await verified.verification.problems()
        finally:
            await verified.close()

    problems = asyncio.run(ask())
    for problem in problems:
        console.print(f"isolation: {problem}")
    if problems:
        raise ZavaError(f"{len(problems)} ways in which isolation is not real; see above")
    console.print("Isolation holds: catalog and canaries agree.")


def _token(name: str, ttl_seconds: int) -> str:
    callers = demo_callers()
    if name not in callers:
        raise SettingsError(f"--as: expected one of {', '.join(callers)}")
    caller = callers[name]
    return LocalIssuer(Home(settings().home)).token(
        tenant_id=caller.tenant_id, object_id=caller.object_id, name=name, ttl_seconds=ttl_seconds
    )


def _argument(text: str) -> tuple[str, Any]:
    key, separator, value = text.partition("=")
    if not separator:
        raise SettingsError(f"{text}: expected key=value")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _parsed(texts: tuple[str, ...]) -> list[tuple[int, bytes]]:
    return [(key.key_id, key.secret) for key in map(ContextKey.parse, texts)]
