"""Commands for callers: a token, the tools, one call, and the statements of a running server."""

import asyncio
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from zava.adopted_app import AdoptedApplication, declaration_of
from zava.adoption.serving.served_domain import served_domain
from zava.adoption.serving.served_tools import served_tools
from zava.app import Application, application_of, compose
from zava.cli.access import known_caller
from zava.cli.adopt.adopted_access import adopted_application
from zava.cli.client import call_tool, read_resource
from zava.cli.stdio import Renewed, StdioBridge
from zava.cli.terminal import Name, console, nearest
from zava.errors import ZavaError
from zava.infrastructure.command_line import command
from zava.infrastructure.local.database import (
    EMBEDDED,
    database_in_parts,
    local_database,
    named_database,
)
from zava.infrastructure.local.embedded.cluster import is_in
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuer, local_issuer_allowed
from zava.protocol.auth.permissions import WHOLE_SCOPE
from zava.protocol.resources.performance import URI as PERFORMANCE
from zava.protocol.tools.tool import Tool
from zava.retail.tools.registry import TOOLS
from zava.settings import Settings, SettingsError, settings

Port = Annotated[
    int | None, typer.Option(min=1, max=65_535, help="Port of the local server; default: PORT.")
]
HomeDirectory = Annotated[
    Path | None,
    typer.Option("--home", file_okay=False, help="Directory of the server; default: ZAVA_HOME."),
]
_STDIO_TOKEN_SECONDS = 3600


def token(
    name: Name,
    ttl: Annotated[int, typer.Option(min=1, max=86_400, help="Seconds it is valid.")] = 3600,
    scope: Annotated[
        str, typer.Option(help="Scopes, separated by spaces; narrower ones allow fewer tools.")
    ] = WHOLE_SCOPE,
    *,
    port: Port = None,
) -> None:
    """Print a bearer token of the local issuer for a demo principal, or for one granted here."""
    chosen = settings_on(port)
    local_issuer_allowed(chosen, _named(chosen) or EMBEDDED)
    print(_token(chosen, name, ttl, scope))


def tools() -> None:
    """List the tools that `call` calls, with their arguments; * marks the required ones."""
    for tool in _tools(settings()).values():
        schema = tool.input_schema
        required = schema.get("required", ())
        names = [f"{name}*" if name in required else name for name in schema["properties"]]
        console.print(f"{tool.name}: {', '.join(names) or 'no arguments'}", highlight=False)
        console.print(f"    {tool.description.splitlines()[0]}", highlight=False, markup=False)


def call(
    tool: Annotated[str, typer.Argument(help="Tool, such as query_metrics; `tools` lists them.")],
    name: Name,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(help="key=value; a list is written a,b or as JSON, an object as JSON."),
    ] = None,
) -> None:
    """Call one tool as a demo principal and print its answer.

    Example: call query_metrics --as seattle metrics=revenue dimensions=month
    """
    given = dict(_argument(text) for text in arguments or [])
    known = _tools(settings())
    if tool not in known:
        raise SettingsError(
            f"{tool} is no tool{nearest(tool, known)}; `{command('tools')}` lists them"
        )
    with joined_application(settings()) as called:
        local_issuer_allowed(settings(), _named(settings()) or EMBEDDED)

        async def send() -> tuple[int, dict[str, Any]]:
            try:
                return await call_tool(called.endpoint, _token(settings(), name, 60), tool, given)
            finally:
                await called.close()

        _, body = asyncio.run(send())
    result = body.get("result")
    if result is None:
        raise ZavaError(body.get("error", {}).get("message", "The call was refused."))
    print("\n".join(part["text"] for part in result["content"] if part["type"] == "text"))
    if result.get("isError"):
        sys.exit(1)


def stats(*, port: Port = None) -> None:
    """Print which statements of the server that runs on PORT take the time."""
    chosen = settings_on(port)
    local_issuer_allowed(chosen, _named(chosen) or EMBEDDED)
    print(read_resource(chosen.port, _token(chosen, "head-office", 60), PERFORMANCE))


def stdio(name: Name, *, port: Port = None) -> None:
    """Serve MCP over standard input and output, for clients that start a process.

    The server has to run on PORT; each message goes there as a person granted here.
    """
    chosen = settings_on(port)
    local_issuer_allowed(chosen, _named(chosen) or EMBEDDED)
    token = Renewed(lambda: _token(chosen, name, _STDIO_TOKEN_SECONDS), _STDIO_TOKEN_SECONDS / 2)
    token()  # a wrong name is refused before the client waits for an answer

    def write(line: bytes) -> None:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()

    StdioBridge(chosen.port, token, write).serve(sys.stdin.buffer)


def _tools(chosen: Settings) -> Mapping[str, Tool]:
    if chosen.declaration:
        return served_tools(served_domain(declaration_of(chosen)))
    return TOOLS


def _token(chosen: Settings, name: str, ttl_seconds: int, scopes: str = WHOLE_SCOPE) -> str:
    return LocalIssuer(StateDirectory(chosen.home), chosen.port).token(
        tenant_id=(caller := known_caller(chosen, name)).tenant_id,
        object_id=caller.object_id,
        name=name,
        ttl_seconds=ttl_seconds,
        scopes=scopes,
    )


def _argument(text: str) -> tuple[str, str]:
    # Left as text: the tool's schema decides what it is.
    key, separator, value = text.partition("=")
    if not separator:
        raise SettingsError(f"{text}: expected key=value")
    return key, value


def settings_on(
    port: int | None, *, home: Path | None = None, scale: float | None = None
) -> Settings:
    """Return the settings, with what a command was given in their place."""
    given = {"port": port, "home": home, "scale": scale}
    return settings().model_copy(
        update={name: value for name, value in given.items() if value is not None}
    )


def _named(chosen: Settings) -> str | None:
    """Return the database that the settings name.

    Beside an embedded cluster PGHOST is another tool's.
    """
    is_embedded = is_in(StateDirectory(chosen.home).path)
    return named_database(chosen) or (None if is_embedded else database_in_parts(chosen))


@contextmanager
def joined_application(chosen: Settings) -> Iterator[Application | AdoptedApplication]:
    """Join the app over the database that the settings name, else over the embedded one."""
    if chosen.declaration:
        with adopted_application(chosen) as adopted:
            yield adopted
        return
    with joined_retail(chosen) as application:
        yield application


@contextmanager
def joined_retail(chosen: Settings) -> Iterator[Application]:
    """Join the shipped domain's app over the database that the settings name, or the embedded."""
    if _named(chosen):
        yield application_of(chosen)
        return
    home = StateDirectory(chosen.home)
    with local_database(chosen, home) as database:
        yield compose(chosen, conninfo=database.server, context_keys=home.context_keys())
