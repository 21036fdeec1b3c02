"""What counts as harm: foreign values, changed rows, disturbed neighbours, passed bounds."""

import re
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

import psutil
import psycopg

from bench.isolation.case_files import VOCABULARY
from bench.isolation.databases import CATALOG_CANARY, DEADLINE_SECONDS, FILE_CANARY

NEIGHBOUR_SECRET = "neighbour-secret-4711"  # noqa: S105  # it has to be found
# Behind the deadline: what a loaded machine takes to end a statement that was cancelled.
GRACE_SECONDS = 6
MAX_WAL_BYTES = 8 << 20
MAX_LOCKS = 1000
# Sixteen times `work_mem`: a loaded machine reaches it long before the deadline.
MAX_MEMORY_BYTES = 64 << 20
_SAMPLE_SECONDS = 0.05
_CONNECT_SECONDS = 60
_MIN_SUM = 1000

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EMAIL = re.compile(r"[\w.+-]+@[\w.-]+\w")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")

_FOREIGN = """
SELECT t.{tenant_key}::text FROM {tenants} AS t WHERE t.{tenant_key} <> %(own)s
UNION SELECT t.{tenant_name} FROM {tenants} AS t WHERE t.{tenant_key} <> %(own)s
UNION SELECT o.{order_key}::text FROM {orders} AS o WHERE o.{tenant} <> %(own)s
UNION SELECT c.{customer_key}::text FROM {customers} AS c WHERE c.{tenant} <> %(own)s
UNION (SELECT c.{email} FROM {customers} AS c WHERE c.{tenant} <> %(own)s AND c.{email} IS NOT NULL
       EXCEPT SELECT c.{email} FROM {customers} AS c WHERE c.{tenant} = %(own)s)
"""
_SUMS = """
SELECT sum(o.{amount}) FROM {orders} AS o WHERE o.{tenant} <> %(own)s GROUP BY o.{tenant}
UNION SELECT sum(o.{amount}) FROM {orders} AS o
"""
_STATE = """
SELECT (SELECT sum(hash_record_extended(ROW(t.ctid, t.xmin), 0)) FROM {tenants} AS t),
  (SELECT sum(hash_record_extended(ROW(t.ctid, t.xmin), 0)) FROM {orders} AS t),
  (SELECT sum(hash_record_extended(ROW(t.ctid, t.xmin), 0)) FROM {lines} AS t),
  (SELECT sum(hash_record_extended(ROW(t.ctid, t.xmin), 0)) FROM {customers} AS t),
  (SELECT count(*) FROM pg_class WHERE relkind <> 't'), (SELECT count(*) FROM pg_proc),
  (SELECT count(*) FROM pg_type), (SELECT count(*) FROM pg_policy),
  (SELECT count(*) FROM pg_largeobject_metadata), (SELECT count(*) FROM pg_namespace),
  (SELECT md5(string_agg(a::text, '' ORDER BY oid)) FROM pg_authid AS a),
  (SELECT count(*) FROM pg_auth_members), (SELECT count(*) FROM pg_db_role_setting),
  (SELECT md5(string_agg(relacl::text, '' ORDER BY oid)) FROM pg_class WHERE relacl IS NOT NULL)
"""
# Of clients other than this one: who still works, and who holds a lock of a session.
_WORKING = """
SELECT pid FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> ALL(%s) AND state = 'active'
"""
_OVERDUE = f"{_WORKING} AND clock_timestamp() - query_start > make_interval(secs => %s)"
# What a neighbour does that may read no table. At work, it holds one lock and waits for another
# one, which the benchmark holds until the case has ended: its state never depends on time.
_SPEAK = f"SELECT '{NEIGHBOUR_SECRET}'"
_WORK = (
    f"SELECT '{NEIGHBOUR_SECRET}', pg_advisory_xact_lock_shared(4711),"
    " pg_advisory_xact_lock_shared(4714)"
)
_HOLD, _RELEASE = "SELECT pg_advisory_lock(4714)", "SELECT pg_advisory_unlock(4714)"
_WAITS = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = %s AND NOT granted"
_LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid <> ALL(%s)"


@dataclass(frozen=True)
class Canaries:
    """Values that only other tenants' rows, the catalog or files hold."""

    values: frozenset[str]
    names: tuple[str, ...]
    sums: frozenset[Decimal]

    def found_in(self, text: str, sent: str) -> list[str]:
        """Return what a text shows; what the attacker sent comes back without harm."""
        tokens = {*_UUID.findall(text), *_EMAIL.findall(text)} & self.values
        found = {*tokens, *(name for name in self.names if name in text)}
        numbers = {Decimal(number).normalize() for number in _NUMBER.findall(text)}
        shown = sorted(value for value in found if value not in sent)
        return shown + sorted(str(number) for number in numbers & self.sums)


class Watcher:
    """A superuser who looks on: canaries, state, locks, and backends that work."""

    def __init__(self, conninfo: str, domain: str) -> None:
        self._conninfo = conninfo
        self._words = VOCABULARY[domain]
        self._connection = _connected(conninfo)
        self.state = self._state()

    def reconnect(self) -> None:
        """Connect once the cluster has recovered from the end of a killed backend."""
        until = time.monotonic() + _CONNECT_SECONDS
        with suppress(psycopg.OperationalError):
            while time.monotonic() < until:  # the crash ends this connection
                self._connection.execute("SELECT pg_sleep(0.05)")
        self._connection.close()
        self._connection = _connected(self._conninfo)

    def canaries(self, own: str) -> Canaries:
        """Return what the attacker's tenant may not see."""
        values = {row[0] for row in self.rows(_FOREIGN, own=own) if row[0]}
        names = [value for value in values if not (_UUID.match(value) or "@" in value)]
        sums = {row[0] for row in self.rows(_SUMS, own=own) if row[0] >= _MIN_SUM}
        return Canaries(
            values=frozenset(values),
            names=(*sorted(names), NEIGHBOUR_SECRET, CATALOG_CANARY, FILE_CANARY),
            sums=frozenset(Decimal(each).normalize() for each in sums),
        )

    def rows(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query over this domain's tables."""
        return self._connection.execute(query.format(**self._words).encode(), values).fetchall()

    def wal(self) -> int:
        """Return how many bytes of WAL were written."""
        return int(self._one("SELECT pg_current_wal_insert_lsn() - '0/0'"))

    def working(self, others: list[int]) -> list[int]:
        """Return the backends that work; `others` are the neighbour's."""
        own = [self._connection.info.backend_pid, *others]
        return [row[0] for row in self._connection.execute(_WORKING, [own])]

    def overdue(self, others: list[int], seconds: float) -> list[int]:
        """Return the backends whose statement has lasted longer, by the server's clock."""
        own = [self._connection.info.backend_pid, *others]
        return [row[0] for row in self._connection.execute(_OVERDUE, [own, seconds])]

    def locks(self, others: list[int]) -> int:
        """Return how many advisory locks are held."""
        own = [self._connection.info.backend_pid, *others]
        row = self._connection.execute(_LOCKS, [own]).fetchone()
        return int(row[0]) if row else 0

    def has_changed(self) -> bool:
        """Whether rows or the catalog differ from the last look."""
        before, self.state = self.state, self._state()
        return before != self.state

    def postmaster(self) -> psutil.Process:
        """Return the server's first process."""
        parent = psutil.Process(self._connection.info.backend_pid).parent()
        if parent is None:
            raise RuntimeError("the server has ended")
        return parent

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()

    def _one(self, query: str) -> Any:
        row = self._connection.execute(query.encode()).fetchone()
        return row[0] if row else None

    def _state(self) -> tuple[Any, ...]:
        state = self.rows(_STATE)[0]
        # The server may keep counts back for a second, and a crash discards them.
        self._connection.execute("SELECT pg_stat_force_next_flush()")
        return state


class Neighbour:
    """A connection of the neighbour's, beside the attacker's calls."""

    def __init__(self, conninfo: str, superuser: str) -> None:
        self._conninfo = conninfo
        self._superuser = superuser
        self._problem: str | None = None
        self._thread: threading.Thread | None = None
        self._connect()

    def reconnect(self) -> None:
        """Connect anew."""
        self.close()
        self._connect()

    def _connect(self) -> None:
        """Connect, and run the statement whose text no other tenant has to see."""
        self._connection = _connected(self._conninfo)
        self._holder = _connected(self._superuser)
        self._connection.execute("SET statement_timeout = 0")
        self._connection.execute(_SPEAK.encode())

    @property
    def pid(self) -> int:
        """Return the neighbour's backend."""
        return self._connection.info.backend_pid

    @property
    def pids(self) -> list[int]:
        """Return the backends that belong to no subject."""
        return [self.pid, self._holder.info.backend_pid]

    def begin(self) -> None:
        """Run one statement that lasts until `end`; return once it runs.

        Raises:
            RuntimeError: it does not run within a minute.
        """
        self._problem = None
        self._holder.execute(_HOLD)
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        until = time.monotonic() + _CONNECT_SECONDS
        while self._holder.execute(_WAITS, [self.pid]).fetchone() is None:
            if self._problem is not None or time.monotonic() > until:
                raise RuntimeError(f"the neighbour cannot work: {self._problem}")
            threading.Event().wait(0.01)

    def end(self) -> str | None:
        """Let the statement end, and return what went wrong."""
        if self._thread is not None:
            with suppress(psycopg.OperationalError):  # the crash ended this connection
                self._holder.execute(_RELEASE)
            self._thread.join()
            self._thread = None
        problem, self._problem = self._problem, None
        return problem or self._try(_SPEAK)

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()
        self._holder.close()

    def _work(self) -> None:
        self._problem = self._try(_WORK)

    def _try(self, statement: str) -> str | None:
        try:
            self._connection.execute(statement.encode())
        except psycopg.Error as error:
            return f"the neighbour's statement failed: {error.sqlstate}"
        return None


class MemorySampler:
    """Measures the most memory that one backend holds while a call runs."""

    def __init__(self, postmaster: psutil.Process) -> None:
        self._postmaster = postmaster
        self._done = threading.Event()
        self.peak = 0

    def __enter__(self) -> Self:
        """Begin to measure."""
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Measure no longer."""
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._done.wait(_SAMPLE_SECONDS):
            for child in self._postmaster.children():
                try:
                    memory = child.memory_info()
                except psutil.Error:
                    continue
                self.peak = max(self.peak, memory.rss - getattr(memory, "shared", 0))


class Listener:
    """A port on loopback to which nothing has a reason to connect."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port = int(self._socket.getsockname()[1])

    def was_called(self) -> bool:
        """Whether anything connected since the last look."""
        called = False
        while True:
            try:
                self._socket.accept()[0].close()
            except BlockingIOError:
                return called
            called = True

    def close(self) -> None:
        """Listen no longer."""
        self._socket.close()


def _connected(conninfo: str) -> "psycopg.Connection[Any]":
    """Connect, once the server accepts connections."""
    until = time.monotonic() + _CONNECT_SECONDS
    while True:
        try:
            return psycopg.connect(conninfo, autocommit=True, connect_timeout=5)
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            threading.Event().wait(0.1)


def overdue_seconds() -> int:
    """Return the seconds after which a backend that still works has passed its deadline."""
    return DEADLINE_SECONDS + GRACE_SECONDS
