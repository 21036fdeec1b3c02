"""What the command line's modules share: where they print, and the database they administer."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console

from zava.infrastructure.home import Home
from zava.infrastructure.local_database import LocalDatabase, local_database
from zava.settings import settings

console = Console(stderr=False, soft_wrap=True)

Name = Annotated[str, typer.Option("--as", help="Demo principal, such as seattle or head-office.")]


@contextmanager
def administered() -> Iterator[LocalDatabase]:
    """Lend the database that the settings name, else the embedded one."""
    with local_database(settings(), Home(settings().home)) as database:
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
