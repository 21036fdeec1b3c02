"""A request that outlasts its time is cancelled, and no other."""

import asyncio
import time
from contextlib import suppress

from zava.infrastructure.request_timer import Patience


async def waited(patience: Patience, seconds: float, started: asyncio.Event | None = None) -> bool:
    """Wait for ever under a time; return whether the time ended it."""
    task = asyncio.current_task()
    assert task is not None
    patience.watch(task, time.monotonic() + seconds)
    if started is not None:
        started.set()
    try:
        await asyncio.get_running_loop().create_future()
    except asyncio.CancelledError:
        return patience.is_late(task)
    finally:
        patience.leave(task)
    return False


async def test_each_is_cancelled_at_its_own_time() -> None:
    patience = Patience()
    started = time.monotonic()
    long = asyncio.create_task(waited(patience, 0.3))
    short = asyncio.create_task(waited(patience, 0.05))
    assert await short
    assert time.monotonic() - started < 0.3
    assert not long.done()
    assert await long
    assert (short.cancelling(), long.cancelling()) == (0, 0)
    assert time.monotonic() - started >= 0.3
    # The look at the tasks is called without its timer; what is left of it shows here alone.
    assert patience._timer is None


async def test_cancellation_from_outside_is_not_taken_for_lateness() -> None:
    patience, started = Patience(), asyncio.Event()
    task = asyncio.create_task(waited(patience, 30, started))
    await started.wait()
    task.cancel()
    assert not await task
    # The look at the tasks is called without its timer; what is left of it shows here alone.
    assert not patience._until


async def test_who_is_cancelled_both_ways_is_cancelled_from_outside() -> None:
    patience, started = Patience(), asyncio.Event()
    task = asyncio.create_task(waited(patience, 0.0, started))
    await started.wait()
    task.cancel()
    # The look at the tasks is called without its timer; what is left of it shows here alone.
    patience._look(asyncio.get_running_loop())
    assert task.cancelling() == 2
    assert not await task, "it goes on as a cancellation"
    # The look at the tasks is called without its timer; what is left of it shows here alone.
    assert not patience._late


async def test_task_that_swallowed_an_earlier_cancellation_is_late_as_any_other() -> None:
    patience, started = Patience(), asyncio.Event()

    async def reused() -> list[bool]:
        started.set()
        with suppress(asyncio.CancelledError):
            await asyncio.get_running_loop().create_future()
        return [await waited(patience, 0.0), await waited(patience, 0.01)]

    task = asyncio.create_task(reused())
    await started.wait()
    task.cancel()
    assert await task == [True, True]
    assert task.cancelling() == 1


def test_another_loop_has_a_timer_of_its_own() -> None:
    patience = Patience()

    async def leave_at_once() -> None:
        task = asyncio.current_task()
        assert task is not None
        patience.watch(task, time.monotonic() + 0.1)
        patience.leave(task)

    asyncio.run(leave_at_once())
    assert asyncio.run(waited(patience, 0.05))
