"""Serve an adopted database, and run the shipped example from nothing to an isolated answer."""

import json
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from rich.console import Console

from zava.adopted_app import AdoptedApplication
from zava.adoption.adopted_grants import AdoptedPrincipal, find_adopted, grant_adopted
from zava.adoption.applying import apply_declaration
from zava.adoption.declaration_file import read_declaration
from zava.adoption.declared_values import AdoptionDeclaration
from zava.cli import quickstart
from zava.cli.adopt.adopted_access import adopted_application, joined
from zava.cli.client import call_tool
from zava.data.session.signed_context import ContextKey
from zava.errors import ZavaError
from zava.infrastructure.local.database import ADMINISTRATOR, LocalDatabase, local_database
from zava.infrastructure.local.port import listen
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuer
from zava.protocol.tools.tool import ERROR_META
from zava.settings import Settings, SettingsError

EXAMPLES = Path(__file__).parents[2] / "examples"
_PEOPLE = {"ana": "Alder", "bo": "Birch"}
_AUDIENCE = "member"
_TOKEN_SECONDS = 600
_QUESTION = "How many invoices are there, and over how much?"
_ANSWERING_SQL = "SELECT count(*) AS invoices, sum(amount_cents) / 100 AS amount FROM invoices"
_FORGERY_SQL = (
    "WITH forged AS MATERIALIZED (SELECT set_config('zava.context', repeat('0', 64) || '{key}',"
    " true)) SELECT sum(i.amount_cents) AS amount FROM forged, invoices AS i"
)


def serve_adopted(settings: Settings, console: Console) -> None:
    """Serve the adopted database that the settings name, until Ctrl-C.

    Raises:
        ZavaError: isolation does not hold, or the declaration is another than the applied one.
    """
    with (
        listen(settings.port, settings.host) as listener,
        adopted_application(settings) as application,
    ):

        async def prove() -> None:
            await refuse_unproven(application, console)
            console.print(f"Serving http://127.0.0.1:{settings.port}/mcp until Ctrl-C.")

        quickstart.serve(application, application.endpoint, listener, before=prove)


async def refuse_unproven(application: AdoptedApplication, console: Console) -> None:
    """Prove isolation before anything is served.

    Raises:
        ZavaError: it does not hold; the problems are printed.
    """
    problems = await application.verification.problems()
    for problem in problems:
        console.print(f"isolation: {problem}", highlight=False, markup=False)
    if problems:
        raise ZavaError(f"isolation check failed; problems listed above: {len(problems)}")


def run_example(settings: Settings, name: str, console: Console) -> None:
    """Make the example's database on the embedded server, adopt it, show answers, and serve.

    Raises:
        SettingsError: there is no such example, or the settings name a database.
    """
    known = sorted(file.stem for file in EXAMPLES.glob("*.toml"))
    if name not in known:
        raise SettingsError(f"--example: expected one of {', '.join(known)}")
    if settings.database_url is not None:
        raise SettingsError("--example: it runs on the embedded server; unset DATABASE_URL")
    declaration = read_declaration(EXAMPLES / f"{name}.toml")
    with ExitStack() as stack:
        listener = stack.enter_context(listen(settings.port, settings.host))
        home = StateDirectory(settings.home)
        stack.enter_context(home.run_lock())
        embedded = stack.enter_context(
            local_database(settings, home, report=lambda what: console.print(what, highlight=False))
        )
        database = _filled_database(embedded, declaration, console)
        people = _adopted(database, declaration, home, console)
        application = joined(settings, database, declaration)

        async def introduce() -> None:
            await refuse_unproven(application, console)
            await _introduce(application, people, LocalIssuer(home, settings.port), console)
            _how_to_connect(settings.port, console)

        quickstart.serve(application, application.endpoint, listener, before=introduce)


def _filled_database(
    embedded: LocalDatabase, declaration: AdoptionDeclaration, console: Console
) -> LocalDatabase:
    """Return the example's database, made and filled by an application's owner at the first run."""
    name, owner = declaration.name, f"{declaration.name}_app"
    superuser = embedded.superuser or ""
    database, role = sql.Identifier(name), sql.Identifier(owner)
    with psycopg.connect(superuser, autocommit=True) as connection:
        is_there = connection.execute(
            "SELECT FROM pg_database WHERE datname = %s", [name]
        ).fetchone()
        if is_there is None:
            console.print(f"Making the database {name} of an application", highlight=False)
            if connection.execute("SELECT to_regrole(%s)", [owner]).fetchone() == (None,):
                connection.execute(sql.SQL("CREATE ROLE {}").format(role))
            grant = sql.SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE")
            connection.execute(grant.format(role, sql.Identifier(ADMINISTRATOR)))
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))
            grant = sql.SQL("GRANT CREATE ON DATABASE {} TO {}")
            connection.execute(grant.format(database, sql.Identifier(ADMINISTRATOR)))
    with psycopg.connect(make_conninfo(superuser, dbname=name)) as connection:
        is_filled = connection.execute("SELECT to_regclass(%s)", [declaration.tenant.table])
        if is_filled.fetchone() == (None,):
            connection.execute(sql.SQL("SET LOCAL ROLE {}").format(role))
            connection.execute((EXAMPLES / f"{name}.sql").read_bytes())
    return LocalDatabase(
        administrator=make_conninfo(embedded.administrator, dbname=name),
        server="",
        is_embedded=True,
    )


def _adopted(
    database: LocalDatabase,
    declaration: AdoptionDeclaration,
    home: StateDirectory,
    console: Console,
) -> list[AdoptedPrincipal]:
    """Adopt the database, and grant one tenant to each of two people."""
    keys = [ContextKey.parse(text) for text in home.context_keys()]
    with database.administration() as connection:
        groups = apply_declaration(
            connection,
            declaration,
            keys=[(key.key_id, key.secret) for key in keys],
            password=home.secret(declaration.server_role),
        )
        if groups:
            console.print(f"Adopted: {len(declaration.tables)} tables", highlight=False)
        for name, tenant in _PEOPLE.items():
            grant_adopted(
                connection,
                declaration,
                caller=None,
                name=name,
                audience=_AUDIENCE,
                tenants=[tenant],
            )
        return [find_adopted(connection, declaration, name) for name in _PEOPLE]


async def _introduce(
    application: AdoptedApplication,
    people: list[AdoptedPrincipal],
    issuer: LocalIssuer,
    console: Console,
) -> None:
    tokens: dict[str, str | None] = {
        each.name: issuer.token(
            tenant_id=each.caller.tenant_id,
            object_id=each.caller.object_id,
            name=each.name,
            ttl_seconds=_TOKEN_SECONDS,
        )
        for each in people
    }
    first, second = people
    asked = [(name, token, _ANSWERING_SQL) for name, token in (*tokens.items(), ("no token", None))]
    console.print(f"\n[bold]{_QUESTION}[/bold]")
    for name, token, statement in asked:
        await _show(application, name, token, statement, console)
    console.print(f"\n[bold]{first.name}'s model forges {second.name}'s context in its SQL[/bold]")
    forgery = _FORGERY_SQL.format(key=f"{{{second.tenants[0]}}}")
    await _show(application, first.name, tokens[first.name], forgery, console)


async def _show(
    application: AdoptedApplication, name: str, token: str | None, statement: str, console: Console
) -> None:
    status, body = await call_tool(
        application.endpoint, token, "query_database", {"postgresql_query": statement}
    )
    console.print(f"  {name:<12} {_one_line(status, body)}", highlight=False, markup=False)


def _one_line(status: int, body: dict[str, Any]) -> str:
    result = body.get("result", {})
    if status != HTTPStatus.OK:
        return f"HTTP {status}: {body.get('error_description') or body['error']['message']}"
    if result.get("isError"):
        error = result["_meta"][ERROR_META]
        return f"{error['code']}: {error['message']}"
    content = result["structuredContent"]
    names = [column["name"] for column in content["columns"]]
    values = ", ".join(
        f"{name} {value}" for name, value in zip(names, content["rows"][0], strict=True)
    )
    return f"{values}  ({', '.join(content['scope']['tenants'])})"


def _how_to_connect(port: int, console: Console) -> None:
    url = f"http://127.0.0.1:{port}/mcp"
    configuration = {"servers": {"zava": {"type": "http", "url": url}}}
    console.print(
        f"\nServing {url} until Ctrl-C."
        "\nFor VS Code, save this as .vscode/mcp.json. The browser then asks who you are:\n"
    )
    # Plain print: the terminal's width must not break a line of it.
    console.file.write(json.dumps(configuration, indent=2) + "\n")
    console.file.flush()
