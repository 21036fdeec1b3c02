"""`make run`: from nothing to a served, isolated answer, shown step by step."""

import asyncio
import json
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import date
from http import HTTPStatus
from typing import Any

import psycopg
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from zava.app import Application, compose, embedders, local_site
from zava.data.context import ContextKey
from zava.errors import EmbeddingsUnavailable
from zava.infrastructure.demo_data import SeedReport, seed, store_id
from zava.infrastructure.demo_principals import demo_callers, grant_demo_principals
from zava.infrastructure.embedders.embedder import Embedder
from zava.infrastructure.embedding_job import EmbedRefused, EmbedReport, embed_catalogue
from zava.infrastructure.home import Home
from zava.infrastructure.local_database import LocalDatabase, local_database
from zava.infrastructure.local_issuer import LocalIssuer
from zava.infrastructure.logs import write_to_stderr
from zava.infrastructure.migrations import install_context_keys, migrate, set_server_password
from zava.one_call import call_tool
from zava.protocol.tools.tool import ERROR_META
from zava.service.periods import business_day
from zava.settings import Settings, SettingsError

_TOKEN_SECONDS = 600
_QUESTION = "How many orders do we have, and what is our revenue?"
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
    home: Home,
    *,
    scale: float,
    today: date,
    embedder: Embedder | None,
    console: Console,
) -> None:
    """Bring the laptop's database to the state that the app expects; everything in place stays.

    Raises:
        MigrationRefused: the database was migrated by somebody else or from other files.
        SeedRefused: it holds data that are not the demo's.
    """
    with database.administration() as connection:
        applied = migrate(connection)
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


def seed_with_progress(
    connection: psycopg.Connection, *, scale: float, today: date, replace: bool, console: Console
) -> SeedReport:
    """Load the demo data under a progress bar; one line per run elsewhere than on a terminal."""
    with _bar(console) as progress:
        report = seed(connection, scale=scale, today=today, replace=replace, progress=progress)
    console.print(str(report))
    return report


def embed_with_progress(
    connection: psycopg.Connection,
    embedder: Embedder,
    *,
    activate: bool,
    console: Console,
    lines: bool = False,
) -> EmbedReport:
    """Embed what changed under a progress bar; elsewhere, with `lines`, in a line for each batch.

    The embedder is closed afterwards.
    """
    with _bar(console) as progress:

        def tell(done: int, pending: int) -> None:
            progress(f"Embedding with {embedder.model.name}", done / max(done, pending))
            if lines and not console.is_terminal:
                console.print(f"{done:,} of {pending:,} embedded")

        return embed_catalogue(connection, embedder, activate=activate, progress=tell)


@contextmanager
def _bar(console: Console) -> Iterator[Callable[[str, float], None]]:
    """Lend what tells a progress bar the work and the share done; on a terminal it is seen."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    task = bar.add_task("", total=1.0)
    with ExitStack() as shown:

        def progress(what: str, done: float) -> None:
            # At the first word: where there is nothing to do, there is no bar.
            if console.is_terminal and not bar.live.is_started:
                shown.enter_context(bar)
            bar.update(task, description=what, completed=done)

        yield progress


def today_of(settings: Settings) -> date:
    """Return the retail day: ZAVA_TODAY, else today in the stores' time zone."""
    return business_day(settings.today)


def run(settings: Settings, console: Console) -> None:
    """Start everything on this machine, show three answers and a failed forgery, and serve.

    Raises:
        SettingsError: the port is taken, or a setting is wrong.
        HomeInUse: another run holds this home.
    """
    with ExitStack() as stack:
        listener = stack.enter_context(listen(settings.port))
        home = Home(settings.home)
        stack.enter_context(home.run_lock())
        database = stack.enter_context(
            local_database(settings, home, report=lambda what: console.print(f"{what} …"))
        )
        prepare(
            database,
            home,
            scale=settings.scale,
            today=today_of(settings),
            embedder=next(iter(embedders(settings)), None),
            console=console,
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
            listener,
            settings,
            before=lambda: _introduce(application, issuer, settings.port, console),
        )


def listen(port: int) -> socket.socket:
    """Take the port before any work is done.

    Raises:
        SettingsError: somebody else has it.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"PORT: {port} is taken; stop what listens there or set PORT to another"
        ) from error
    return listener


def serve(
    application: Application,
    listener: socket.socket,
    settings: Settings,
    *,
    before: Callable[[], Coroutine[Any, Any, None]],
) -> None:
    """Serve over HTTP until Ctrl-C or SIGTERM; `before` runs first, on the same event loop."""
    import uvicorn
    import uvloop

    from zava.protocol.asgi import asgi_application
    from zava.protocol.local_http import BoundedHttp

    async def main() -> None:
        config = uvicorn.Config(
            asgi_application(local_site(application, settings, listener.getsockname()[1])),
            http=BoundedHttp,
            lifespan="off",
            log_level="warning",
            server_header=False,
        )
        # Before anybody is told that it serves, and may end it: an interrupt that meets the exec()
        # of an import makes the interpreter report a death by signal, however cleanly it ends.
        config.load()
        await before()
        write_to_stderr()  # after what a person reads
        await uvicorn.Server(config).serve(sockets=[listener])

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            with suppress(KeyboardInterrupt):  # uvicorn raises it again after a clean end
                runner.run(main())
        finally:
            # A run of its own: the interruption that ended the first one does not cut it short.
            runner.run(application.close())


async def _introduce(
    application: Application,
    issuer: LocalIssuer,
    port: int,
    console: Console,
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
        f"\nTo look at it: http://127.0.0.1:{port}/"
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
