"""Migrations: once, in order, whole, and by one administrator who need not be a superuser."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.generators.golden_schema import GOLDEN, dump
from tests.support.servers.database import CONTEXT_KEY, SERVER_PASSWORD, Cluster, Database
from tests.support.servers.homes import open_directory
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextKey, ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.infrastructure.local.embedded.postgres_server import EmbeddedServer
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.postgres.migrations import (
    MigrationRefused,
    OtherVersion,
    migrate,
    read_migrations,
)
from zava.infrastructure.postgres.pool import DatabasePool
from zava.infrastructure.postgres.server_login import install_context_keys, set_server_password
from zava.retail.declaration import RETAIL
from zava.retail.demo.dataset import checksum, seed
from zava.retail.demo.principals import demo_callers, grant_demo_principals


@pytest.fixture
def blank(cluster: Cluster) -> Iterator[Database]:
    with cluster.blank("blank") as database:
        yield database


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The project's migrations in a directory that a test may change."""
    for migration in read_migrations():
        (tmp_path / migration.name).write_text(migration.text)
    return tmp_path


@pytest.mark.requirement("S44")
@pytest.mark.requirement("S61")
def test_blank_database_is_migrated_in_one_pass_and_then_left_alone(blank: Database) -> None:
    with psycopg.connect(blank.admin, autocommit=True) as admin:
        row = admin.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        assert row == (False,)
        assert migrate(admin) == [migration.name for migration in read_migrations()]
        assert migrate(admin) == []


def test_failing_file_leaves_the_database_as_it_was(blank: Database, files: Path) -> None:
    (files / "9999_broken.sql").write_text(
        "CREATE TABLE public.half (a int); INSERT INTO public.half VALUES (1); SELECT 1 / 0;"
    )
    with psycopg.connect(blank.admin, autocommit=True) as admin:
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate(admin, directory=files)
        assert admin.execute("SELECT to_regclass('public.half')").fetchone() == (None,)
        (files / "9999_broken.sql").write_text("CREATE TABLE public.half (a int)")
        assert migrate(admin, directory=files) == ["9999_broken.sql"]


def test_changed_applied_file_is_refused_before_anything_is_applied(
    blank: Database, files: Path
) -> None:
    with psycopg.connect(blank.admin, autocommit=True) as admin:
        migrate(admin, directory=files)
        first = min(files.iterdir())
        first.write_text(first.read_text() + "\n-- changed\n")
        (files / "9999_more.sql").write_text("CREATE TABLE public.more (a int)")
        with pytest.raises(
            MigrationRefused, match=r"0001_roles\.sql was applied with another text"
        ):
            migrate(admin, directory=files)
        assert admin.execute("SELECT to_regclass('public.more')").fetchone() == (None,)


def test_database_of_another_version_is_refused_in_a_sentence_with_the_command(
    blank: Database, files: Path
) -> None:
    """Newer or older: its ledger names a file that this version does not have."""
    (files / "9998_later.sql").write_text("CREATE TABLE public.later (a int)")
    (files / "9999_latest.sql").write_text("CREATE TABLE public.latest (a int)")
    with psycopg.connect(blank.admin, autocommit=True) as admin:
        migrate(admin, directory=files)
        admin.execute("DELETE FROM zava_migrations.applied WHERE name = '0006_row_security.sql'")
        ledger = "SELECT array_agg(a ORDER BY name) FROM zava_migrations.applied AS a"
        before = admin.execute(ledger).fetchone()
        with pytest.raises(OtherVersion) as refused:
            migrate(admin)
        assert admin.execute(ledger).fetchone() == before
    assert re.fullmatch(
        rf"database {blank.name} on \S+ was migrated by another version of Zava"
        r" \(9998_later\.sql and 1 more\); nothing was changed; begin with an empty database,"
        r" on this machine with `ZAVA_HOME=(?:'[^']+'|\S+) \S+ -m zava run`,"
        r" elsewhere with its address in DATABASE_URL and `\S+ -m zava migrate`",
        str(refused.value).replace("the local socket", "socket"),
    )


def test_two_migrations_at_once_apply_each_file_once(blank: Database) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def run() -> list[str]:
        with psycopg.connect(blank.admin, autocommit=True) as admin:
            return migrate(admin)

    with ThreadPoolExecutor(2) as threads:
        applied = [future.result() for future in [threads.submit(run), threads.submit(run)]]
    assert sorted(map(len, applied)) == [0, len(read_migrations())]


def test_another_administrator_gets_one_clear_error(cluster: Cluster, blank: Database) -> None:
    with psycopg.connect(cluster.superuser, autocommit=True) as superuser:
        superuser.execute("CREATE ROLE other_admin LOGIN CREATEROLE PASSWORD 'x'")
    try:
        other = psycopg.conninfo.make_conninfo(blank.admin, user="other_admin", password="x")
        with (
            psycopg.connect(other, autocommit=True) as connection,
            pytest.raises(MigrationRefused, match="other_admin cannot act as zava_owner"),
        ):
            migrate(connection)
    finally:
        with psycopg.connect(cluster.superuser, autocommit=True) as superuser:
            superuser.execute("DROP ROLE other_admin")


def test_golden_schema_is_the_sum_of_the_migrations(cluster: Cluster) -> None:
    assert dump(cluster.template) == GOLDEN.read_text(encoding="utf-8"), "run `make schema`"


async def test_rotation_keeps_two_keys_valid_and_drops_the_third(
    seeded_clone: Database,
) -> None:
    keys = [CONTEXT_KEY, (2, bytes(32)), (3, b"3" * 32)]
    caller = demo_callers()["seattle"]

    async def works(key: tuple[int, bytes]) -> bool:
        pool = DatabasePool(seeded_clone.server, max_size=1)
        signer = ContextSigner([ContextKey(*key)])
        verification = IsolationCheck(pool, signer, RETAIL)
        try:
            if await verification.problems():
                return False
            answer = await TenantDatabase(pool, signer, verification).run(
                caller, "SELECT 1", max_rows=1
            )
            return answer.rows == [[1]]
        finally:
            await pool.close()

    with psycopg.connect(seeded_clone.admin, autocommit=True) as admin:
        assert [await works(key) for key in keys] == [True, False, False]
        install_context_keys(admin, [keys[1], keys[0]])
        assert [await works(key) for key in keys] == [True, True, False]
        install_context_keys(admin, [keys[2], keys[1]])
        assert [await works(key) for key in keys] == [False, True, True]
        for wrong in ([], keys):
            with pytest.raises(ValueError, match="one or two"):
                install_context_keys(admin, wrong)


@pytest.fixture
def opened() -> Iterator[Path]:
    with open_directory() as directory:
        yield directory


@pytest.mark.slow
@pytest.mark.requirement("S47")
async def test_older_standard_version_migrates_seeds_and_isolates_alike(
    opened: Path, empty_admin: psycopg.Connection
) -> None:
    from tests.support.servers.seeded import TODAY

    def load(connection: psycopg.Connection) -> None:
        seed(connection, scale=0.01, today=TODAY, progress=lambda *_: None)
        connection.execute("SET ROLE zava_loader")

    load(empty_admin)
    here = checksum(empty_admin)
    home = StateDirectory(opened / "home")
    server = EmbeddedServer(home, version=16, fast=True)
    server.start()
    try:
        server.bootstrap()
        administrator = server.url("zava_admin", home.secret("zava_admin"), "zava")
        with psycopg.connect(administrator, autocommit=True) as admin:
            assert admin.info.server_version // 10_000 == 16
            migrate(admin)
            set_server_password(admin, SERVER_PASSWORD)
            install_context_keys(admin, [CONTEXT_KEY])
            load(admin)
            assert checksum(admin) == here
            admin.execute("RESET ROLE")
            grant_demo_principals(admin)
        pool = DatabasePool(server.url("zava_server", SERVER_PASSWORD, "zava"), max_size=1)
        signer = ContextSigner([ContextKey(*CONTEXT_KEY)])
        verification = IsolationCheck(pool, signer, RETAIL)
        assert await verification.problems() == []
        tenancy = TenantDatabase(pool, signer, verification)
        answer = await tenancy.run(
            demo_callers()["redmond"], "SELECT DISTINCT store_name FROM retail.stores", max_rows=9
        )
        assert answer.rows == [["Zava Retail Redmond"]]
        await pool.close()
    finally:
        server.stop()
