"""The files of a PostgreSQL cluster: made by initdb, and whole or not there."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from zava.infrastructure.local.embedded.server_user import EmbeddedServerError, ServerUser

SUPERUSER = "postgres"
STANDARD_VERSION = 18
CONFIGURATION = "zava.conf"

_MAKING = ".making-"
# The first id that PostgreSQL gives to what its users make.
_FIRST_USER_ID = 16_384
# A bound for what hangs; initdb takes a second, and a hundred on a busy machine.
_INITDB_SECONDS = 600


def is_in(home: Path) -> bool:
    """Whether a cluster of the standard version was made in a home."""
    return (home / f"postgresql-{STANDARD_VERSION}").exists()


def is_whole(cluster: Path) -> bool:
    """Whether initialisation has come to its end: its last step includes our configuration."""
    try:
        text = (cluster / "postgresql.conf").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return f"include '{CONFIGURATION}'" in text


def remove_unfinished(cluster: Path) -> None:
    """Remove what interrupted initialisations have left; never a cluster that holds data.

    Raises:
        EmbeddedServerError: the directory holds a database that initdb has not made.
    """
    for left in cluster.parent.glob(f"{cluster.name}{_MAKING}*"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink()
    if not cluster.exists() or is_whole(cluster):
        return
    databases = [path.name for path in (cluster / "base").glob("*") if path.name.isdigit()]
    if any(int(name) >= _FIRST_USER_ID for name in databases):
        raise EmbeddedServerError(
            f"{cluster} holds databases, and its postgresql.conf has no line"
            f" `include '{CONFIGURATION}'`; add that line, or move the directory away"
        )
    shutil.rmtree(cluster)


def initialise(cluster: Path, initdb: Path, user: ServerUser, password: str) -> None:
    """Make a cluster in which every user needs a password, in one step: by a rename at the end.

    Raises:
        EmbeddedServerError: initdb failed; the end of its words is in the message.
    """
    making = Path(tempfile.mkdtemp(prefix=f"{cluster.name}{_MAKING}", dir=cluster.parent))
    try:
        user.take(making)
        descriptor, name = tempfile.mkstemp(prefix=f"{cluster.name}{_MAKING}", dir=cluster.parent)
        password_file = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(password)
            user.take(password_file)
            _run_initdb(initdb, making, password_file, user)
        finally:
            password_file.unlink()
        with (making / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write(f"\ninclude '{CONFIGURATION}'\n")
        making.rename(cluster)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _run_initdb(initdb: Path, directory: Path, password_file: Path, user: ServerUser) -> None:
    arguments = (
        *("-D", directory, "-U", SUPERUSER, "--pwfile", password_file),
        *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"),
    )
    try:
        subprocess.run(  # noqa: S603  # our own program and paths
            [str(part) for part in (initdb, *arguments)],
            check=True,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C is for us: initdb is ended by subprocess.run
            timeout=_INITDB_SECONDS,
            **user.identity,
        )
    except subprocess.CalledProcessError as error:
        output = " ".join(error.stderr.split())[-500:]
        raise EmbeddedServerError(f"initdb failed: {output}") from error
    except subprocess.TimeoutExpired as error:
        raise EmbeddedServerError(f"initdb did not end in {_INITDB_SECONDS} s") from error
