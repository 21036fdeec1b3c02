"""`make run`: from nothing to a served, isolated answer, shown step by step."""

import asyncio
import json
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import date
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from rich.console import Console

from zava.app import Application, compose
from zava.cli.client import call_tool
from zava.cli.progress import embed_with_progress, seed_with_progress
from zava.cli.terminal import may_take
from zava.cold_start import collect_rarely
from zava.composition.backends import embedders
from zava.composition.local_site import local_site
from zava.data.session.signed_context import ContextKey
from zava.errors import EmbeddingsUnavailable
from zava.infrastructure.command_line import command
from zava.infrastructure.embeddings.embedder import Embedder
from zava.infrastructure.local.database import (
    EMBEDDED,
    LocalDatabase,
    local_database,
    named_database,
)
from zava.infrastructure.local.port import listen
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuer, local_issuer_allowed
from zava.infrastructure.postgres.foreign_database import place
from zava.infrastructure.postgres.migrations import migrate
from zava.infrastructure.postgres.server_login import install_context_keys, set_server_password
from zava.infrastructure.telemetry.json_logs import warnings_alone, write_to_stderr
from zava.protocol.http.endpoint import Endpoint
from zava.protocol.tools.tool import ERROR_META
from zava.retail.data.index_job import EmbedRefused
from zava.retail.declaration import RETAIL
from zava.retail.demo.principals import demo_callers, grant_demo_principals
from zava.retail.demo.stores import store_id
from zava.service.metrics.periods import business_day
from zava.settings import Settings

if TYPE_CHECKING:
    from zava.protocol.http.asgi import Site

_TOKEN_SECONDS = 600
_QUESTION = "How many orders do we have, and what is our revenue?"
_SHELL_QUESTION = "call query_metrics --as seattle metrics=revenue dimensions=month"
_ANSWERING_SQL = (
    "SELECT count(*) AS orders, sum(total_amount) AS revenue FROM retail.orders "
    "WHERE status NOT IN ('cancelled', 'refunded')"
)
_FORGERY_SQL = (
    "WITH forged AS MATERIALIZED (SELECT set_config('zava.context', repeat('0', 64) || "
    "'{store_id}', true)) SELECT sum(o.total_amount) AS revenue FROM forged, retail.orders AS o"
)


def prepare(
    database: LocalDatabase,
    home: StateDirectory,
    *,
    scale: float,
    today: date,
    embedder: Embedder | None,
    console: Console,
    adopt: bool = False,
) -> None:
    """Bring the laptop's database to the state that the app expects; everything in place stays.

    Raises:
        MigrationRefused: another owner or other files migrated the database.
        SeedRefused: it holds data that are not the demo's.
    """
    with database.administration() as connection:
        embedded = f", embedded in {home.path}" if database.is_embedded else ""
        console.print(f"Using {place(connection)}{embedded}", highlight=False, markup=False)
        applied = migrate(connection, adopt=adopt or may_take(connection))
        set_server_password(connection, home.secret("zava_server"))
        install_context_keys(
            connection,
            [(key.key_id, key.secret) for key in map(ContextKey.parse, home.context_keys())],
        )
        if applied:
            console.print(f"Migrated: {', '.join(applied)}")
        seed_with_progress(connection, scale=scale, today=today, replace=False, console=console)
        grant_demo_principals(connection)
        if embedder is not None:
            _embed_what_is_new(connection, embedder, console)


def _embed_what_is_new(
    connection: psycopg.Connection, embedder: Embedder, console: Console
) -> None:
    try:
        report = embed_with_progress(connection, embedder, activate=False, console=console)
    except (EmbedRefused, EmbeddingsUnavailable) as error:
        # Search by words does without, and so does everything else.
        console.print(f"Not embedded: {error}")
    else:
        if report.embedded:
            console.print(str(report))


def today_of(settings: Settings) -> date:
    """Return the retail day: ZAVA_TODAY, else today in the stores' time zone."""
    return business_day(settings.today, RETAIL.time_zone)


def run(
    settings: Settings,
    console: Console,
    *,
    adopt: bool = False,
    shell: Callable[[str], str] = command,
) -> None:
    """Start everything on this machine, show three answers and a failed forgery, and serve.

    `adopt` allows for a database that is another project's. `shell` returns the command line of a
    subcommand, which works while this server runs.

    Raises:
        ForeignDatabase: the database is one, and it is not adopted.
        LocalIssuerRefused: it is on another machine.
        SettingsError: the port is taken, or a setting is wrong.
        StateDirectoryInUse: another run holds this home.
    """
    with ExitStack() as stack:
        listener = stack.enter_context(listen(settings.port, settings.host))
        home = StateDirectory(settings.home)
        named = named_database(settings)
        if not settings.identity_issuer:  # before anything is made there
            local_issuer_allowed(settings, named or EMBEDDED)
        stack.enter_context(home.run_lock())
        database = stack.enter_context(
            local_database(settings, home, report=lambda what: console.print(what, highlight=False))
        )
        prepare(
            database,
            home,
            scale=settings.scale,
            today=today_of(settings),
            embedder=next(iter(embedders(settings)), None),
            console=console,
            adopt=adopt,
        )
        application = compose(
            settings,
            conninfo=database.server,
            context_keys=home.context_keys(),
            administrator=database.administrator,
        )
        issuer = LocalIssuer(home, settings.port)
        serve(
            application,
            local_site_of(application, settings, listener),
            listener,
            before=lambda: _introduce(application, issuer, settings.port, console, shell),
        )


@contextmanager
def until_interrupted(console: Console) -> Iterator[None]:
    """End quietly on Ctrl-C, SIGTERM or a closed terminal, at every moment."""
    try:
        yield
    except KeyboardInterrupt:
        with suppress(OSError):  # the terminal is closed
            console.print("Stopped.")


def local_site_of(application: Application, settings: Settings, listener: socket.socket) -> "Site":
    """Return what a server on this machine serves: the console in front of the endpoint."""
    return local_site(
        application.endpoint,
        settings,
        listener.getsockname()[1],
        make_calls=application.make_console_calls,
        administrator=application.administrator,
    )


class ServedApplication(Protocol):
    """What is served: an endpoint, and what closes all behind it."""

    @property
    def endpoint(self) -> Endpoint:
        """Return the handler of every request."""

    async def close(self) -> None:
        """Close what was opened."""


def serve(
    application: ServedApplication,
    site: "Site",
    listener: socket.socket,
    *,
    before: Callable[[], Coroutine[Any, Any, None]],
) -> None:
    """Serve a site over HTTP until Ctrl-C or SIGTERM; `before` runs first, on the same event loop.

    `application` is behind the site: its process time paces the connections, and it is closed.
    """
    import uvicorn
    import uvloop

    from zava.protocol.http.asgi import asgi_application
    from zava.protocol.http.uvicorn_protocol import paced_http

    async def main() -> None:
        config = uvicorn.Config(
            asgi_application(site),
            http=paced_http(application.endpoint.process_time),
            lifespan="off",
            log_level="warning",
            server_header=False,
        )
        # Before anybody is told that it serves, and may end it: an interrupt that meets the exec()
        # of an import makes the interpreter report a death by signal, however cleanly it ends.
        config.load()
        await before()
        # A collection over all objects of loading holds every request up for tens of milliseconds.
        collect_rarely()
        write_to_stderr()  # after what a person reads
        server = uvicorn.Server(config)
        if signal.getsignal(signal.SIGHUP) is signal.default_int_handler:
            # A closed terminal: uvicorn itself heeds SIGINT and SIGTERM alone.
            asyncio.get_running_loop().add_signal_handler(
                signal.SIGHUP, server.handle_exit, signal.SIGHUP, None
            )
        await server.serve(sockets=[listener])

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(main())  # uvicorn raises the interruption again after a clean end
        finally:
            warnings_alone()  # what a person reads ends with one word
            # A run of its own: the interruption that ended the first one does not cut it short.
            runner.run(application.close())


async def _introduce(
    application: Application,
    issuer: LocalIssuer,
    port: int,
    console: Console,
    shell: Callable[[str], str],
) -> None:
    console.print(f"\n[bold]{_QUESTION}[/bold]")
    callers = demo_callers()
    tokens: dict[str, str | None] = {
        name: issuer.token(
            tenant_id=callers[name].tenant_id,
            object_id=callers[name].object_id,
            name=name,
            ttl_seconds=_TOKEN_SECONDS,
        )
        for name in ("seattle", "head-office")
    }
    tokens["no token"] = None
    ask = {"postgresql_query": _ANSWERING_SQL}
    for name, token in tokens.items():
        status, body = await call_tool(application.endpoint, token, "execute_sales_query", ask)
        console.print(f"  {name:<12} {_one_line(status, body)}", highlight=False)
    status, body = await call_tool(
        application.endpoint,
        tokens["seattle"],
        "execute_sales_query",
        {"postgresql_query": _FORGERY_SQL.format(store_id=store_id("Redmond"))},
    )
    console.print(
        "\n[bold]The Seattle manager's model forges Redmond's context in its SQL[/bold]"
        f"\n  {'seattle':<12} {_one_line(status, body)}",
        highlight=False,
    )
    url = f"http://127.0.0.1:{port}/mcp"
    configuration = {"servers": {"zava": {"type": "http", "url": url}}}
    console.print(
        f"\nServing {url} until Ctrl-C."
        f"\nOpen the console: http://127.0.0.1:{port}/"
        "\nAsk there, or in your client: Which products sold best last month?"
        f"\nOr in a shell: {shell(_SHELL_QUESTION)}"
        "\nFor VS Code, save this as .vscode/mcp.json. The browser then asks who you are:\n"
    )
    # Plain print: the terminal's width must not break a line of it.
    console.file.write(json.dumps(configuration, indent=2) + "\n")
    console.file.flush()


def _one_line(status: int, body: dict[str, Any]) -> str:
    result = body.get("result", {})
    content = result.get("structuredContent", {})
    if status != HTTPStatus.OK:
        return f"HTTP {status}: {body.get('error_description') or body['error']['message']}"
    if result.get("isError"):
        error = result["_meta"][ERROR_META]
        return f"{error['code']}: {error['message']}"
    names = [column["name"] for column in content["columns"]]
    values = ", ".join(
        f"{name} {value if isinstance(value, str) else format(value, ',')}"
        for name, value in zip(names, content["rows"][0], strict=True)
    )
    scope = content["scope"]
    return f"{values}  ({len(scope['stores'])} of {scope['store_count']} stores)"
