"""docs/how-to/operations.md's own commands back up and restore."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.support.products.forked import ROOT
from tests.support.servers.database import Cluster, Database
from tests.support.servers.homes import open_directory
from tests.support.suite.patience import patient
from zava.infrastructure.local.embedded.postgres_server import EmbeddedServer
from zava.infrastructure.local.state_dir import StateDirectory

PAGE = (ROOT / "docs" / "how-to" / "operations.md").read_text(encoding="utf-8")
BACKUP, RESTORE, DUMP, LOAD = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
COUNTS = (
    "SELECT (SELECT count(*) FROM retail.stores), (SELECT count(*) FROM retail.customers),"
    " (SELECT count(*) FROM retail.orders), (SELECT sum(total_amount) FROM retail.order_items),"
    " (SELECT count(*) FROM retail.inventory), (SELECT count(*) FROM zava.principals)"
)


def shell(script: str, **environment: str) -> str:
    """Run a block of the page from the repository's root, with this interpreter."""
    ran = subprocess.run(
        ["/bin/sh", "-eu", "-c", script.replace(".venv/bin/python", shlex.quote(sys.executable))],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},  # noqa: TID251  # cp, find, date
        capture_output=True,
        text=True,
        check=False,
        timeout=patient(120),
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@contextmanager
def running(home: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(StateDirectory(home))
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def directory() -> Iterator[Path]:
    with open_directory() as opened:
        yield opened


def test_cluster_that_was_backed_up_while_it_served_comes_back_whole(directory: Path) -> None:
    home, backup = directory / "a home", directory / "a backup"
    places = {"ZAVA_HOME": str(home), "BACKUP": str(backup)}
    with running(home) as server:
        server.bootstrap()
        shell(".venv/bin/python -m zava migrate", **places)
        with psycopg.connect(server.superuser_url("zava"), autocommit=True) as owner:
            owner.execute("CREATE TABLE kept AS SELECT n FROM generate_series(1, 1000) AS n")
            shell(BACKUP, **places)
            owner.execute("DROP TABLE kept")
    (home / "context-keys").write_text("damaged")
    shell(RESTORE, **places)
    with (
        running(home) as server,
        psycopg.connect(server.superuser_url("zava"), autocommit=True) as owner,
    ):
        assert owner.execute("SELECT count(*), sum(n) FROM kept").fetchone() == (1000, 500_500)


def test_retail_data_and_grants_go_to_another_database_as_a_plain_administrator(
    cluster: Cluster, database: Database, tmp_path: Path
) -> None:
    binaries = EmbeddedServer(StateDirectory(tmp_path)).programs()

    def administrator(of: Database) -> str:
        return make_conninfo(of.admin)

    def counts(of: Database) -> tuple[object, ...] | None:
        with psycopg.connect(of.owner) as owner:
            return owner.execute(COUNTS).fetchone()

    with cluster.database("restored") as restored:
        assert counts(restored) != counts(database)
        places = {
            "BIN": str(binaries),
            "BACKUP": str(tmp_path),
            "ADMINISTRATOR": administrator(database),
            "NEW_ADMINISTRATOR": administrator(restored),
        }
        shell(DUMP, **places)
        shell(LOAD, **places)
        assert counts(restored) == counts(database)


@pytest.mark.parametrize(
    "word", ["BUSY", "QUERY_TIMEOUT", "isolation: unhealthy", "telemetry: failing"]
)
def test_runbooks_name_what_callers_and_probes_see(word: str) -> None:
    assert word in PAGE.partition("## Runbooks")[2]
