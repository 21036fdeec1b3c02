"""How a command ends when it cannot do its work: in one sentence, with exit code 1."""

import errno
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

import psycopg

from zava.adoption.applying import AdoptionRefused
from zava.adoption.declaration_file import DeclarationRefused
from zava.cli.check.values import CheckRefused
from zava.errors import ZavaError
from zava.infrastructure.azure.entra_credentials import NoToken
from zava.infrastructure.azure.key_vault import KeyVaultRefused
from zava.infrastructure.local.embedded.server_user import EmbeddedServerError
from zava.infrastructure.local.state_dir import StateDirectory, StateDirectoryInUse
from zava.infrastructure.local.token_issuer import LocalIssuerRefused
from zava.infrastructure.postgres.access_grants import GrantRefused
from zava.infrastructure.postgres.migrations import MigrationRefused
from zava.infrastructure.postgres.sign_in_list import SignInUnknown
from zava.retail.data.index_job import EmbedRefused
from zava.retail.demo.dataset import SeedRefused
from zava.retail.importing.layout import ImportRefused
from zava.settings import SettingsError, settings

_EXPECTED = (
    AdoptionRefused,
    CheckRefused,
    DeclarationRefused,
    SettingsError,
    MigrationRefused,
    SeedRefused,
    EmbedRefused,
    EmbeddedServerError,
    StateDirectoryInUse,
    ImportRefused,
    KeyVaultRefused,
    LocalIssuerRefused,
    GrantRefused,
    SignInUnknown,
    NoToken,
    ZavaError,
)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
# PostgreSQL writes its log of changes in files of this size.
_LITTLE_BYTES = 16 * 1024 * 1024
# The first statement of most commands takes a role that the first migration makes.
_OUR_ROLE_MISSING = re.compile(r'role "zava_\w+" does not exist')


@contextmanager
def one_sentence() -> Iterator[None]:
    """End the process with one sentence on stderr where an expected error is raised."""
    try:
        yield
    except (*_EXPECTED, psycopg.Error, OSError) as error:
        print(f"zava: {_sentence(error)}", file=sys.stderr)
        sys.exit(1)


def interrupt_at_every_end() -> None:
    """Treat SIGTERM and a closed terminal as Ctrl-C, so that what was started is stopped.

    A signal that the process was started to ignore, as `nohup` does, stays ignored.
    """
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def write_to_any_output() -> None:
    """Replace characters that the output's encoding lacks, such as `…` in ASCII or Latin-1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _sentence(error: Exception) -> str:
    full = _full_disk(error)
    if full is not None:
        return full
    if isinstance(error, psycopg.Error):
        if _OUR_ROLE_MISSING.search(str(error)):
            return (
                "the database is not prepared; run `zava migrate` first, or `zava run` for the demo"
            )
        return f"the database reported: {' '.join(str(error).split())}"
    if isinstance(error, OSError):
        place = f" ({error.filename})" if error.filename else ""
        return f"the system refuses: {error.strerror or error}{place}"
    return str(error)


def _full_disk(error: Exception) -> str | None:
    """Return what to do where a full disk is the cause; PostgreSQL names it in many ways."""
    if isinstance(error, psycopg.errors.DiskFull) and _is_of_another_server():
        return (
            "the disk of the database's server is full; free some space there, or give the server"
            " a larger disk, and run the command again"
        )
    path = _existing(StateDirectory(settings().home).path) if _has_settings() else Path.cwd()
    is_named = (
        isinstance(error, psycopg.errors.DiskFull)
        or (isinstance(error, OSError) and error.errno in _FULL)
        or os.strerror(errno.ENOSPC) in str(error)  # initdb's own words
    )
    is_likely = isinstance(error, (psycopg.OperationalError, EmbeddedServerError))
    free = shutil.disk_usage(path).free
    if not is_named and not (is_likely and free < _LITTLE_BYTES):
        return None
    return (
        f"the disk of {path} is full ({free // 2**20} MB are free); free some space, set ZAVA_HOME"
        " to a directory on another disk, or set SCALE to load fewer demo data"
    )


def _is_of_another_server() -> bool:
    """Whether the settings name a database, so that its disk is not that of the home."""
    return _has_settings() and bool(settings().database_url or settings().pg_host)


def _has_settings() -> bool:
    try:
        settings()
    except SettingsError:
        return False
    return True


def _existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())
