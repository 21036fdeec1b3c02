"""With the guard off, nothing shows a caller what other stores' calls do."""

import psycopg
import pytest

from tests.support.servers.database import HIDE_PEERS, Cluster, Database, one
from zava.data.session.tenant_database import TenantDatabase
from zava.errors import ZavaError
from zava.infrastructure.postgres.migrations import migrate
from zava.model.core import Caller

CLOSED = [
    "SELECT objid, pid FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()",
    "SELECT * FROM pg_lock_status()",
    "SELECT pid, usename FROM pg_stat_activity",
    "SELECT n_tup_ins, seq_scan FROM pg_stat_user_tables WHERE relname = 'orders'",
    "SELECT pg_stat_get_live_tuples('retail.orders'::regclass)",
    "SELECT xact_commit FROM pg_stat_database",
    "SELECT pg_current_snapshot()",
    "SELECT txid_current_snapshot()",
    "SELECT currtid2('retail.orders', '(0,1)')",
]
OF_18 = [
    "SELECT * FROM pg_stat_get_backend_io(pg_backend_pid())",
    "SELECT * FROM pg_stat_get_backend_wal(pg_backend_pid())",
]


@pytest.fixture(scope="module")
def closed(database: Database) -> list[str]:
    """What this version of PostgreSQL has of them."""
    with psycopg.connect(database.owner) as owner:
        version = one(owner, "SELECT current_setting('server_version_num')::integer")
    return CLOSED + (OF_18 if version >= 180_000 else [])


async def test_a_caller_reads_no_trace_of_a_peer(
    closed: list[str], unguarded: TenantDatabase, callers: dict[str, Caller]
) -> None:
    for sql in closed:
        with pytest.raises(ZavaError) as caught:
            await unguarded.run(callers["seattle"], sql, max_rows=10)
        assert isinstance(caught.value.__cause__, psycopg.errors.InsufficientPrivilege), sql


def test_who_watches_the_server_reads_them_still(closed: list[str], database: Database) -> None:
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("SET ROLE pg_monitor")
        for sql in closed:
            if "currtid2" not in sql and "retail" not in sql:
                assert owner.execute(sql).description


@pytest.mark.parametrize("is_hidden_first", [True, False])
def test_the_owner_of_the_context_reads_the_locks_in_either_order(
    cluster: Cluster, is_hidden_first: bool
) -> None:
    with (
        cluster.blank("peers") as database,
        psycopg.connect(database.owner, autocommit=True) as owner,
        psycopg.connect(database.admin, autocommit=True) as admin,
    ):
        if is_hidden_first:
            owner.execute(HIDE_PEERS.read_bytes())
        migrate(admin)
        if not is_hidden_first:
            owner.execute(HIDE_PEERS.read_bytes())
        may = "SELECT has_function_privilege(%s, 'pg_lock_status()', 'EXECUTE')"
        assert one(owner, may, "zava_context") is True
        assert one(owner, may, "zava_server") is False
        assert one(owner, may, "head_office") is False
