"""What takes minutes: an importer that is killed at fifty moments, and a file of two gigabytes."""

import csv
import random
import time
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

import psycopg
import pytest

from tests.importing.files import export, importer, kill, write_shop
from tests.support.servers.database import Cluster, Database, one
from tests.support.suite.patience import patient

pytestmark = pytest.mark.long

_KILLS = 50
_LARGE_BYTES = 2 * 1024**3
_UNKNOWN_COLUMNS, _CELL = 20, "x" * 500
_MOST_MIB = 200
_FIGURES = """
SELECT (SELECT count(*) FROM retail.stores), (SELECT count(*) FROM retail.products),
       (SELECT count(*) FROM retail.customers), (SELECT count(*) FROM retail.inventory),
       (SELECT count(*) FROM retail.orders), (SELECT sum(total_amount) FROM retail.orders),
       (SELECT count(*) FROM retail.order_items), (SELECT sum(total_amount) FROM retail.order_items),
       (SELECT count(*) FROM zava_import.order_keys)
"""


def test_importer_killed_at_fifty_moments_leaves_all_or_nothing(
    cluster: Cluster, database: Database, tmp_path: Path
) -> None:
    export(database.owner, tmp_path)
    draw = random.Random(50)  # noqa: S311  # repeatable, not secret
    with cluster.database("whole") as empty, psycopg.connect(empty.owner) as owner:
        nothing = owner.execute(_FIGURES).fetchone()
        owner.rollback()
        begun = time.monotonic()
        child = importer(empty.admin, tmp_path)
        child.communicate(timeout=patient(120))
        seconds = time.monotonic() - begun
        everything = owner.execute(_FIGURES).fetchone()
    assert nothing is not None
    assert everything is not None
    assert everything[4] == everything[8] > nothing[4]
    kills, ended = 0, 0
    while kills < _KILLS:
        with cluster.database("killed") as empty:
            found: tuple[Any, ...] | None = nothing
            # A run goes on from what the one before it staged, so each moment is another one.
            while found == nothing and kills < _KILLS:
                child = importer(empty.admin, tmp_path)
                try:
                    child.wait(draw.uniform(0, seconds))
                except TimeoutExpired:
                    kills += 1
                kill(child, empty.admin)
                with psycopg.connect(empty.owner) as owner:
                    found = owner.execute(_FIGURES).fetchone()
                assert found in (nothing, everything), kills
            ended += found == everything
    print(f"{kills} kills, {ended} of the imports were committed before or without one")


def test_file_of_two_gigabytes_is_loaded_in_little_memory(cluster: Cluster, tmp_path: Path) -> None:
    write_shop(tmp_path)
    path = tmp_path / "customers.csv"
    unknown = [f"note_{number}" for number in range(_UNKNOWN_COLUMNS)]
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["store_key", "customer_key", "email", *unknown])
        while file.tell() < _LARGE_BYTES:
            for _ in range(1000):
                count += 1
                rows.writerow(["s1", f"c{count}", f"{count}@example.com", *[_CELL] * len(unknown)])
    with cluster.database("large") as empty:
        child = importer(empty.admin, tmp_path)
        printed, _ = child.communicate(timeout=patient(1200))
        assert child.returncode == 0, printed
        assert int(printed.splitlines()[-1]) < _MOST_MIB
        with psycopg.connect(empty.owner) as owner:
            assert one(owner, "SELECT count(*) FROM retail.customers") == count
