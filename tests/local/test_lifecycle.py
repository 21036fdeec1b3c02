"""What starts when, and that whatever was started ends."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.support.answers.rpc import MODERN, request
from tests.support.products.forked import ROOT
from tests.support.servers.database import Cluster, Database
from zava.app import Application, compose
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuerRefused
from zava.protocol.http_responses import HttpResponse
from zava.settings import Settings, SettingsError
from zava.telemetry import sinks

STARTED, STOPPED = "MCP server startup complete", "shutdown complete"


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[Database]:
    """A database to which nobody else connects."""
    with cluster.database("lifecycle") as database:
        yield database


@pytest.fixture
def composed(empty: Database, home: StateDirectory, context_keys: list[str]) -> Application:
    """The app over it; the test itself closes it."""
    settings = Settings.model_validate({"ZAVA_HOME": home.path})
    return compose(settings, conninfo=empty.server, context_keys=context_keys)


def backends(database: Database) -> int:
    with psycopg.connect(database.owner) as owner:
        row = owner.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'zava-mcp-server'"
            " AND datname = current_database()"
        ).fetchone()
    assert row is not None
    return int(row[0])


async def ready(application: Application) -> int:
    return (await application.endpoint.handle("GET", "/health/ready", {}, b"")).status


async def list_prompts(application: Application, token: str) -> HttpResponse:
    headers, body = request(MODERN, "prompts/list", token=token)
    return await application.endpoint.handle("POST", "/mcp", headers, body)


@pytest.mark.requirement("S86")
@pytest.mark.asyncio(loop_scope="function")  # the session's loop has other tests' tasks
async def test_composing_and_closing_opens_nothing(composed: Application, empty: Database) -> None:
    before = asyncio.all_tasks()
    assert backends(empty) == 0
    await composed.close()
    assert composed.pool.times_opened == 0
    assert composed.endpoint.sdk_bridge.times_started == 0
    assert asyncio.all_tasks() == before


@pytest.mark.requirement("S86")
def test_importing_the_function_app_reads_no_setting_and_opens_nothing() -> None:
    # Functions have no hook at start: the first request starts what it needs.
    program = """
import function_app, zava.app, zava.settings
print(zava.app.application.cache_info().misses, zava.settings.settings.cache_info().misses)
"""
    imported = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PORT": "not a port"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert imported.stdout == "0 0\n"


@pytest.mark.requirement("S89")
@pytest.mark.requirement("S91")
async def test_start_and_end_are_each_told_once(
    composed: Application, tokens: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="zava")
    answers = await asyncio.gather(*(list_prompts(composed, tokens["seattle"]) for _ in range(5)))
    assert [answer.status for answer in answers] == [200] * 5
    assert caplog.messages.count(STARTED) == 1
    assert STOPPED not in caplog.messages
    await composed.close()
    assert caplog.messages.count(STARTED) == 1
    assert caplog.messages.count(STOPPED) == 1


@pytest.mark.requirement("S86")
async def test_start_that_fails_leaves_nothing_behind(
    composed: Application,
    empty: Database,
    tokens: dict[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = asyncio.all_tasks()

    def fail() -> Any:
        raise RuntimeError("no server")

    # The server of the SDK is made once, at first use; the test replaces it before.
    composed.endpoint.sdk_bridge._make_server = fail
    assert await ready(composed) == 200
    assert (await list_prompts(composed, tokens["seattle"])).status == 500
    assert backends(empty) == 1
    await composed.close()
    assert backends(empty) == 0
    assert asyncio.all_tasks() == before
    assert STARTED not in caplog.messages


@pytest.mark.requirement("S86")
async def test_start_that_failed_is_tried_again_at_the_next_request(
    composed: Application, tokens: dict[str, str]
) -> None:
    sdk_bridge = composed.endpoint.sdk_bridge
    make_server = sdk_bridge._make_server
    attempts = 0

    def fail_once() -> Any:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise RuntimeError("not yet")
        return make_server()

    sdk_bridge._make_server = fail_once
    statuses = [(await list_prompts(composed, tokens["seattle"])).status for _ in range(3)]
    await composed.close()
    assert statuses == [500, 200, 200]
    assert attempts == 2


@pytest.mark.requirement("S86")
async def test_first_caller_who_leaves_during_the_start_spoils_it_for_nobody(
    composed: Application, tokens: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    before = asyncio.all_tasks()
    sdk_bridge = composed.endpoint.sdk_bridge
    make_server = sdk_bridge._make_server
    first = asyncio.ensure_future(list_prompts(composed, tokens["seattle"]))

    def make_while_the_first_leaves() -> Any:
        first.cancel()
        return make_server()

    sdk_bridge._make_server = make_while_the_first_leaves
    with pytest.raises(asyncio.CancelledError):
        await first
    assert sdk_bridge.times_started == 0
    assert (await list_prompts(composed, tokens["seattle"])).status == 200
    assert sdk_bridge.times_started == 1
    await composed.close()
    assert asyncio.all_tasks() == before
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.requirement("S90")
@pytest.mark.requirement("S91")
async def test_each_part_is_closed_though_another_fails(
    composed: Application,
    empty: Database,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO, logger="zava")
    assert await ready(composed) == 200
    assert backends(empty) == 1

    async def fail() -> None:
        raise RuntimeError("postgresql://somebody:secret@somewhere/zava")

    monkeypatch.setattr(composed.endpoint, "aclose", fail)
    with pytest.raises(RuntimeError):
        await composed.close()
    assert backends(empty) == 0
    assert "shutdown failed: RuntimeError" in caplog.messages
    assert "secret" not in caplog.text
    assert STOPPED not in caplog.messages


@pytest.mark.requirement("S90")
async def test_part_that_never_ends_is_given_up_and_the_others_are_closed(
    composed: Application, empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.app._CLOSE_SECONDS", 0.05)
    assert await ready(composed) == 200
    monkeypatch.setattr(composed.endpoint, "aclose", asyncio.Event().wait)
    with pytest.raises(TimeoutError):
        await composed.close()
    assert backends(empty) == 0


@pytest.mark.requirement("S86")
def test_app_that_cannot_be_joined_listens_to_nothing(
    home: StateDirectory, empty: Database
) -> None:
    # That the list of sinks is as before shows here alone.
    before = sinks._sinks
    settings = Settings.model_validate({"ZAVA_HOME": home.path})
    with pytest.raises(SettingsError):
        compose(settings, conninfo=empty.server, context_keys=[])
    with pytest.raises(LocalIssuerRefused):
        compose(settings, conninfo="host=db.example", context_keys=home.context_keys())
    assert sinks._sinks == before
