"""A full disk under the server: what needs no room is answered, the rest is told to come back."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.importing.files import export
from tests.support.servers.breakable import Breakable, application_over, ask, breakable
from tests.support.servers.database import one
from tests.support.servers.homes import open_directory
from zava.infrastructure.local.state_dir import StateDirectory
from zava.retail.importing.mapping import documented_layout
from zava.retail.importing.run import run_import

pytestmark = pytest.mark.outside

SIZE_MIB = 300
COUNT = "SELECT count(*) FROM retail.orders"
# Sorts far more than the 4 MB of memory that a statement may take.
HUNGRY = (
    "SELECT count(*) FROM (SELECT i.order_id::text || n::text AS t FROM retail.order_items AS i"
    " CROSS JOIN (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)) AS many (n)"
    " CROSS JOIN (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)) AS more (m)"
    " ORDER BY t OFFSET 0) AS sorted"
)


@pytest.fixture(scope="module")
def small_disk() -> Iterator[Path]:
    """A file system of a few hundred MiB."""
    with open_directory() as path:
        subprocess.run(
            ["/bin/mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "none", path], check=True
        )
        try:
            yield path
        finally:
            subprocess.run(["/bin/umount", path], check=True)


@pytest.fixture(scope="module")
def own_server(small_disk: Path) -> Iterator[Breakable]:
    with breakable(small_disk / "home", scale=0.02) as own:
        yield own


def fill(path: Path) -> None:
    """Write a file until nothing more fits."""
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(64 * 1024))


async def test_full_disk_harms_no_answer_that_needs_no_room_and_heals_by_itself(
    own_server: Breakable,
    small_disk: Path,
    home: StateDirectory,
    context_keys: list[str],
    tokens: dict[str, str],
) -> None:
    async with application_over(own_server.database.server, home, context_keys) as application:
        before = await ask(application, tokens["head-office"], COUNT)
        assert before[0] == "OK"
        ballast = small_disk / "ballast"
        with pytest.raises(OSError, match="No space left"):
            fill(ballast)
        assert await ask(application, tokens["head-office"], COUNT) == before
        code, _ = await ask(application, tokens["head-office"], HUNGRY)
        assert code == "BUSY"
        assert await ask(application, tokens["head-office"], COUNT) == before
        ready = await application.endpoint.handle("GET", "/health/ready", {}, b"")
        assert ready.status == 200
        ballast.unlink()
        assert (await ask(application, tokens["head-office"], HUNGRY))[0] == "OK"


def import_into(server: Breakable, directory: Path) -> int:
    """Import files and return how many orders were added."""
    with psycopg.connect(server.database.admin, autocommit=True) as admin:
        return run_import(admin, directory, documented_layout()).counts["orders"].added


@pytest.mark.parametrize("free_mib", [0, 2, 5])
def test_disk_that_fills_during_an_import_leaves_the_data_as_they_were(
    own_server: Breakable, small_disk: Path, tmp_path: Path, free_mib: int
) -> None:
    export(own_server.database.owner, tmp_path)
    with psycopg.connect(own_server.database.owner) as owner:
        before = one(owner, COUNT)
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space left"):
        fill(ballast)
    try:
        with ballast.open("rb+") as file:
            file.truncate(ballast.stat().st_size - free_mib * 1024 * 1024)
        # The server reports it, or ends because it cannot write its log.
        with pytest.raises(psycopg.OperationalError):
            import_into(own_server, tmp_path)
    finally:
        ballast.unlink()
    own_server.restart()
    with psycopg.connect(own_server.database.owner) as owner:
        assert one(owner, COUNT) == before
        assert one(owner, "SELECT count(*) FROM zava_import.order_keys") == 0


def test_import_goes_on_when_there_is_room_again(own_server: Breakable, tmp_path: Path) -> None:
    export(own_server.database.owner, tmp_path)
    assert import_into(own_server, tmp_path) > 0
    assert import_into(own_server, tmp_path) == 0
