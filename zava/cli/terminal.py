"""What the command line's modules share: where they print, and the database they administer."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Annotated

import psycopg
import typer
from rich.console import Console

from zava.infrastructure.local.database import LocalDatabase, local_database
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.postgres.foreign_database import foreign_contents, place
from zava.infrastructure.postgres.migrations import ForeignDatabase
from zava.settings import settings

console = Console(stderr=False, soft_wrap=True)

Requester = Annotated[
    str | None, typer.Option("--by", help="Who requested it, for the log; default: your account.")
]
Name = Annotated[str, typer.Option("--as", help="Principal, such as seattle or head-office.")]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the names like one that is unknown, as the end of a message."""
    found = get_close_matches(name.lower(), list(known), n=3)
    return f"; perhaps {', '.join(found)}" if found else ""


def may_take(connection: psycopg.Connection) -> bool:
    """Offer on a terminal to take over a database of another project.

    Raises:
        ForeignDatabase: there is no terminal, or the answer is no.
    """
    found = foreign_contents(connection)
    if not found:
        return False
    refusal = ForeignDatabase(connection, found)
    if not (sys.stdin.isatty() and console.is_terminal):
        raise refusal
    console.print(f"{place(connection)} holds {', '.join(found)}.", highlight=False, markup=False)
    if not typer.confirm("Make Zava's roles and schemas there, and close it to PUBLIC?"):
        raise refusal
    return True


@contextmanager
def administered() -> Iterator[LocalDatabase]:
    """Lend the database that the settings name, else the embedded one."""
    with local_database(settings(), StateDirectory(settings().home)) as database:
        yield database


def operator() -> str:
    """Return the account of this machine that runs the command, for the change log."""
    try:
        import pwd
    except ImportError:  # Windows prepares deployments, too
        return os.getlogin()
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run under a number alone
        return f"uid {os.getuid()}"
