"""A full disk under the server: what needs no room is answered, the rest is told to come back."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers.breakable import Breakable, application_over, ask, breakable
from tests.support.servers.homes import open_directory
from zava.infrastructure.local.state_dir import StateDirectory

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
