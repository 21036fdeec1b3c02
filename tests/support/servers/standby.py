"""A streaming standby of an embedded server: made by `pg_basebackup`, to hold up, end and promote."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from tests.support.servers.breakable import Breakable
from tests.support.servers.database import one
from tests.support.suite.patience import patient
from zava.infrastructure.local.embedded.cluster import STANDARD_VERSION
from zava.infrastructure.local.embedded.postgres_server import EmbeddedServer
from zava.infrastructure.local.embedded.server_user import server_user
from zava.infrastructure.local.state_dir import StateDirectory

_CLUSTER = f"postgresql-{STANDARD_VERSION}"
_WAIT_SECONDS = 20
_BOUND = "UPDATE zava.standby_bound SET seconds = %s"


@dataclass(frozen=True)
class Pair:
    """A primary and the standby that replays what it commits."""

    primary: Breakable
    standby: EmbeddedServer
    place: Path

    @property
    def database(self) -> str:
        """Return the connection string of the database on the primary, as the server's login."""
        return self.primary.database.server

    @property
    def replica(self) -> str:
        """Return the same of the standby."""
        return make_conninfo(self.primary.database.server, port=self.standby.port)

    @property
    def port(self) -> int:
        """Return the standby's port, by which a statement shows where it ran."""
        return self.standby.port

    def on_primary(self, statement: str, *values: object) -> object:
        """Run a statement as the superuser of the primary, committed when this returns."""
        with psycopg.connect(self.primary.database.owner, autocommit=True) as owner:
            owner.execute("SET synchronous_commit = on")
            cursor = owner.execute(statement.encode(), values)
            return cursor.fetchone() if cursor.description else None

    def on_standby(self, statement: str) -> object:
        """Return the first value that the superuser of the standby reads."""
        with psycopg.connect(self._superuser, autocommit=True) as owner:
            return one(owner, statement)

    def hold(self) -> None:
        """Replay nothing more, as a standby does that a long statement holds up."""
        self.on_standby("SELECT pg_wal_replay_pause()")
        self._until("SELECT pg_get_wal_replay_pause_state() = 'paused'")

    def resume(self) -> None:
        """Replay what came meanwhile, to the end."""
        self.on_standby("SELECT pg_wal_replay_resume()")
        self.catch_up()

    def catch_up(self) -> None:
        """Wait until the standby has replayed what the primary has committed so far."""
        with psycopg.connect(self.primary.database.owner, autocommit=True) as owner:
            owner.execute("SELECT pg_current_xact_id()")
            end = one(owner, "SELECT pg_current_wal_insert_lsn()::text")
        self._until(f"SELECT pg_last_wal_replay_lsn() >= '{end}'")

    def bound(self, seconds: float) -> None:
        """Change how far the standby may lag, on the primary; it holds once it is replayed."""
        self.on_primary(_BOUND, seconds)

    def until_late(self, seconds: float) -> None:
        """Wait until what the standby has replayed is older than so many seconds."""
        self._until(
            f"SELECT clock_timestamp() - pg_last_xact_replay_timestamp() > interval '{seconds} s'"
        )

    def promote(self) -> None:
        """Make the standby a primary of its own, beside the old one."""
        self.on_standby("SELECT pg_promote(wait => true)")

    def kill(self) -> None:
        """End the standby's first process with SIGKILL."""
        # Only a signal to the first process ends a server so.
        victim = self.standby._postmaster()
        assert victim is not None
        victim.kill()
        victim.wait(patient(_WAIT_SECONDS))

    def make_anew(self) -> None:
        """Copy the primary once more: what was promoted can follow it no longer."""
        self.standby.stop()
        shutil.rmtree(self.place / _CLUSTER)
        _copy(self.primary, self.place, self.standby.programs())
        self.standby.start()

    @property
    def _superuser(self) -> str:
        return make_conninfo(self.primary.database.owner, port=self.standby.port)

    def _until(self, question: str) -> None:
        """Wait until the standby answers yes; each look is a round trip."""
        deadline = time.monotonic() + patient(_WAIT_SECONDS)
        with psycopg.connect(self._superuser, autocommit=True) as owner:
            while not one(owner, question):
                assert time.monotonic() < deadline, question
                owner.execute("SELECT pg_sleep(0.01)")


@contextmanager
def standby_of(primary: Breakable, place: Path) -> Iterator[Pair]:
    """Copy a running server into a directory, and start the copy as its standby."""
    place.mkdir()
    place.chmod(0o711)
    standby = EmbeddedServer(StateDirectory(place), fast=True)
    _copy(primary, place, standby.programs())
    standby.start()
    try:
        yield Pair(primary, standby, place)
    finally:
        standby.stop()


def _copy(primary: Breakable, place: Path, programs: Path) -> None:
    cluster = place / _CLUSTER
    subprocess.run(
        [
            programs / "pg_basebackup",
            *("--pgdata", cluster, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
            *("--dbname", primary.database.superuser),
        ],
        check=True,
        capture_output=True,
    )
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    server_user(StateDirectory(place)).take_tree(cluster)
