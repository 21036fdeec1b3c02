"""How a run ends, and how the next one on the same home begins."""

import time
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from tests.support.answers.rpc import MODERN, request
from tests.support.products.laptop import Laptop
from tests.support.suite.patience import patient
from zava.infrastructure.local.embedded.postgres_server import EmbeddedServer
from zava.infrastructure.local.state_dir import StateDirectory

BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'zava-mcp-server'"
_GONE_SECONDS = 5


@pytest.fixture
def stopped(laptop: Laptop) -> Iterator[Laptop]:
    """The laptop after SIGTERM; it serves again for whoever comes next."""
    assert laptop.stop() == 0
    yield laptop
    laptop.stop()
    laptop.start()


def answers(screen: list[str]) -> list[str]:
    start = screen.index("How many orders do we have, and what is our revenue?")
    return screen[start : start + 4]


def test_sigterm_stops_the_embedded_server_that_the_run_started(stopped: Laptop) -> None:
    assert not EmbeddedServer(StateDirectory(stopped.home)).is_running()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{stopped.base_url}/health/live")


def test_second_start_loads_nothing_and_shows_the_same_figures(stopped: Laptop) -> None:
    stopped.start()
    first, second = stopped.screens[0], stopped.screens[-1]
    assert answers(second) == answers(first)
    before = second[: second.index("")]
    assert [line.partition(" ")[0] for line in before] == ["starting", "Using", "Found"]


@pytest.mark.requirement("S90")
def test_sigterm_leaves_no_backend_in_a_server_of_somebody_else(
    stopped: Laptop, laptop_tokens: dict[str, str]
) -> None:
    server = EmbeddedServer(StateDirectory(stopped.home), fast=True)
    server.start()
    try:
        stopped.start()
        params = {"name": "get_multiple_table_schemas", "arguments": {"table_names": ["orders"]}}
        headers, body = request(MODERN, "tools/call", params, laptop_tokens["seattle"])
        httpx.post(f"{stopped.base_url}/mcp", headers=headers, content=body).raise_for_status()
        with psycopg.connect(server.superuser_url(), autocommit=True) as superuser:
            assert superuser.execute(BACKENDS).fetchone() != (0,)
            assert stopped.stop() == 0
            deadline = time.monotonic() + patient(_GONE_SECONDS)
            while superuser.execute(BACKENDS).fetchone() != (0,):
                assert time.monotonic() < deadline
    finally:
        server.stop()
