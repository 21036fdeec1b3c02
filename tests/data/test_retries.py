"""What is repeated, how often and for how long: reads alone, after passing faults alone."""

import logging
import time

import psycopg
import pytest
from psycopg import errors

from tests.data.test_faults import STATES, reported
from zava import call_context
from zava.data.session import retries
from zava.data.session.retries import Repetition, is_lost_connection, is_passing
from zava.errors import Busy
from zava.infrastructure.postgres.pool import Unreachable

PASSING = {
    *("40001", "40P01", "55P03", "53300", "57P01", "57P02", "57P03"),
    *(state for state in STATES if state.startswith("08")),
}


@pytest.mark.requirement("S83")
def test_each_sqlstate_is_repeated_or_not() -> None:
    assert {state for state in STATES if is_passing(reported(state))} == PASSING
    assert is_passing(reported(None))


@pytest.mark.requirement("S83")
def test_errors_of_the_driver_or_of_the_program_are_not_repeated() -> None:
    for error in (
        psycopg.InterfaceError("x"),
        psycopg.ProgrammingError("x"),
        psycopg.DataError("x"),
        Busy("x"),
        LookupError("x"),
    ):
        assert not is_passing(error)
        assert not is_lost_connection(error)


async def attempts(error: Exception) -> int:
    """Return how often a statement that always fails is tried."""
    repetition, tried = Repetition(), 1
    while repetition.allows(error):
        await repetition.pause(error)
        tried += 1
    return tried


async def test_lost_connection_is_repeated_once_and_a_servers_wish_twice() -> None:
    assert await attempts(errors.AdminShutdown()) == 2
    assert await attempts(psycopg.OperationalError("gone")) == 2
    assert await attempts(errors.SerializationFailure()) == 3
    assert await attempts(errors.SyntaxError()) == 1


@pytest.mark.requirement("S84")
async def test_repetitions_end_with_the_calls_time() -> None:
    started = time.monotonic()
    with call_context.use(call_context.begin(None, seconds=0.3)):
        assert await attempts(Unreachable("no")) > 1
    assert 0.25 < time.monotonic() - started < 1.5
    with call_context.use(call_context.begin(None, seconds=0)):
        assert await attempts(errors.SerializationFailure()) == 1
        assert await attempts(errors.AdminShutdown()) == 1


@pytest.mark.requirement("S84")
async def test_waits_are_jittered_and_capped(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.data.session.retries._UNREACHABLE_SECONDS", 0.2)
    for _ in range(3):
        await attempts(Unreachable("no"))
    waits = [record.__dict__["wait_seconds"] for record in caplog.records]
    assert len(set(waits)) > 5
    assert all(0 <= wait <= 0.5 for wait in waits)
    # The page of operations states this bound.
    assert retries._MAX_WAIT_SECONDS == 0.5


@pytest.mark.requirement("S85")
async def test_each_repetition_is_one_line_with_its_sqlstate(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="zava")
    await attempts(reported("40001", "planted host=db user=zava_server"))
    assert [record.getMessage() for record in caplog.records] == ["statement repeated"] * 2
    for record in caplog.records:
        assert record.__dict__["sqlstate"] == "40001"
        assert "planted" not in str(record.__dict__)
