"""The time of the process's one thread is shared among principals, step by step."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import pytest

from tests.support.suite.patience import patient
from zava.protocol.capacity.process_time import (
    ANYONE,
    Connection,
    ProcessTime,
    current_connection,
)

SEATTLE, REDMOND, TACOMA = b"seattle", b"redmond", b"tacoma"


class Clock:
    """A clock that work moves in no time, and else time itself."""

    def __init__(self) -> None:
        self.moved = 0.0

    def __call__(self) -> float:
        return time.perf_counter() + self.moved


class Thread:
    """Requests of one process: what each step of theirs took, in the order in which it ran."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.time = ProcessTime(clock=self.clock)
        self.ran: list[tuple[bytes, float]] = []

    def start(
        self, principal: bytes, steps: int = 1, *, seconds: float = 0.001
    ) -> asyncio.Task[int]:
        """Start a request of so many steps, each of which computes for so long."""

        async def work() -> int:
            for left in reversed(range(steps)):
                self.clock.moved += seconds
                self.ran.append((principal, seconds))
                if left:
                    await _answer_of_the_database()
            return steps

        async def request() -> int:
            return await self.time.share(principal, work())

        return asyncio.create_task(request())

    def used(self) -> Mapping[bytes, float]:
        total: defaultdict[bytes, float] = defaultdict(float)
        for principal, seconds in self.ran:
            total[principal] += seconds
        return total


async def _answer_of_the_database() -> None:
    loop = asyncio.get_running_loop()
    came = loop.create_future()
    loop.call_soon(came.set_result, None)
    await came


async def two_principals(thread: Thread) -> None:
    await thread.start(REDMOND)
    await thread.start(SEATTLE)
    thread.ran.clear()


@pytest.mark.parametrize("flooding", [SEATTLE, ANYONE])
async def test_newcomer_waits_for_few_steps_of_200_requests(flooding: bytes) -> None:
    thread = Thread()
    await two_principals(thread)
    flood = [thread.start(flooding, 3) for _ in range(200)]
    newcomer = thread.start(REDMOND, 3)
    assert await newcomer == 3
    before = [principal for principal, _ in thread.ran].count(flooding)
    assert before <= 12, "some for each of the newcomer's steps"
    assert {await each for each in flood} == {3}, "those of the flood are served all the same"


async def test_newcomer_beside_one_who_was_alone_waits_no_longer_than_a_pass() -> None:
    thread = Thread()
    flood = [thread.start(SEATTLE, 3) for _ in range(200)]
    newcomer = thread.start(REDMOND)
    await newcomer
    assert len(thread.ran) <= 12
    await asyncio.gather(*flood)


async def test_principal_beside_another_uses_half_of_the_time_and_alone_all_of_it() -> None:
    thread = Thread()

    async def share_of_a_flood() -> float:
        thread.ran.clear()
        begun = thread.clock()
        await asyncio.gather(*(thread.start(SEATTLE, 2, seconds=0.01) for _ in range(30)))
        return thread.used()[SEATTLE] / (thread.clock() - begun)

    assert await share_of_a_flood() > 0.7
    await two_principals(thread)
    assert await share_of_a_flood() < 0.6
    thread.clock.moved += 60
    assert await share_of_a_flood() > 0.7, "alone again"


async def test_principals_get_the_same_time_however_long_their_steps_are() -> None:
    thread = Thread()
    await two_principals(thread)
    long = [thread.start(SEATTLE, seconds=0.02) for _ in range(100)]
    short = [thread.start(REDMOND, seconds=0.004) for _ in range(300)]
    await asyncio.wait(long, return_when=asyncio.FIRST_COMPLETED)
    thread.ran.clear()
    while thread.used().get(REDMOND, 0) < 0.3:
        await asyncio.wait(short, return_when=asyncio.FIRST_COMPLETED)
        short = [each for each in short if not each.done()]
    used = thread.used()
    assert 0.5 < used[SEATTLE] / used[REDMOND] < 2
    for each in [*long, *short]:
        each.cancel()
    await asyncio.gather(*long, *short, return_exceptions=True)


async def test_few_requests_at_once_do_not_wait_beside_another_principal() -> None:
    thread = Thread()
    await two_principals(thread)
    begun = thread.clock()
    await asyncio.gather(*(thread.start(REDMOND) for _ in range(5)))
    assert thread.clock() - begun < patient(0.006)


async def test_long_step_holds_its_principal_up_for_a_moment_only() -> None:
    thread = Thread()
    await two_principals(thread)
    await thread.start(REDMOND, seconds=5)
    begun = thread.clock()
    await thread.start(REDMOND)
    assert 0.001 < thread.clock() - begun < patient(0.5)


async def test_client_that_leaves_while_it_waits_holds_nobody_up() -> None:
    thread = Thread()
    await two_principals(thread)
    flood = [thread.start(SEATTLE) for _ in range(50)]
    await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
    left = [each for each in flood if not each.done()]
    for each in left[:-1]:
        each.cancel()
    assert await left[-1] == 1
    gone = await asyncio.gather(*left[:-1], return_exceptions=True)
    assert {type(each) for each in gone} <= {asyncio.CancelledError, int}
    assert asyncio.CancelledError in {type(each) for each in gone}
    # That nothing stays behind shows here alone.
    assert not thread.time._waiting


async def test_work_meets_its_cancellation_and_its_errors() -> None:
    thread = Thread()
    met: list[type[BaseException]] = []
    begun = asyncio.Event()

    async def waiting() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            met.append(asyncio.CancelledError)
            raise

    async def failing() -> None:
        await _answer_of_the_database()
        raise ValueError("of the work")

    async def ending(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        await thread.time.share(SEATTLE, work())

    task = asyncio.create_task(ending(waiting))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert met == [asyncio.CancelledError]
    with pytest.raises(ValueError, match="of the work"):
        await ending(failing)


async def test_deadline_inside_the_work_holds_while_it_waits_for_its_turn() -> None:
    thread = Thread()
    await two_principals(thread)

    async def bounded() -> str:
        try:
            async with asyncio.timeout(0):
                await _answer_of_the_database()
                await _answer_of_the_database()
        except TimeoutError:
            return "late"
        return "in time"

    async def request() -> str:
        return await thread.time.share(SEATTLE, bounded())

    flood = [thread.start(SEATTLE) for _ in range(20)]
    assert await asyncio.create_task(request()) == "late"
    await asyncio.gather(*flood)


def test_waiting_in_a_loop_that_ended_holds_up_no_other_loop() -> None:
    thread = Thread()

    async def flood() -> None:
        await two_principals(thread)
        for _ in range(20):
            thread.start(SEATTLE)
        await _answer_of_the_database()

    async def ask() -> list[int]:
        return await asyncio.gather(*(thread.start(SEATTLE) for _ in range(20)))

    asyncio.run(flood())
    assert asyncio.run(ask()) == [1] * 20


async def test_principals_that_used_little_of_late_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # No setting changes this bound, and a test cannot fill it.
    monkeypatch.setattr("zava.protocol.capacity.process_time._MAX_REMEMBERED", 3)
    thread = Thread()
    for number in range(50):
        thread.clock.moved += 1
        await thread.start(bytes([number]), seconds=0.01)
        await _answer_of_the_database()
        await _answer_of_the_database()
    # That memory is bounded shows here alone.
    assert len(thread.time._due) <= 5


async def test_request_that_was_read_in_its_turn_has_its_first_step_at_once() -> None:
    thread = Thread()
    await two_principals(thread)
    connection = Connection()
    connection.principal = SEATTLE
    read: list[float] = []

    def read_on() -> bool:
        read.append(thread.clock())
        return True

    flood = [thread.start(SEATTLE) for _ in range(20)]
    await _answer_of_the_database()
    assert not thread.time.reads_now(connection, read_on)
    await asyncio.gather(*flood)
    while not read:
        await _answer_of_the_database()
    flood = [thread.start(SEATTLE) for _ in range(20)]
    await _answer_of_the_database()
    before = len(thread.ran)
    token = current_connection.set(connection)
    in_turn = thread.start(SEATTLE)
    current_connection.reset(token)
    await in_turn
    assert len(thread.ran) - before <= 2
    await asyncio.gather(*flood)


async def test_turn_of_a_request_that_was_held_back_is_gone() -> None:
    thread = Thread()
    await two_principals(thread)
    connection = Connection()
    connection.principal = SEATTLE
    assert thread.time.reads_now(connection, lambda: True)
    thread.clock.moved += 1
    flood = [thread.start(SEATTLE) for _ in range(40)]
    await _answer_of_the_database()
    token = current_connection.set(connection)
    late = thread.start(SEATTLE)
    current_connection.reset(token)
    await late
    assert all(each.done() for each in flood), "it waits behind what came before"


async def test_connection_without_a_request_takes_no_turn_of_others() -> None:
    thread = Thread()
    await two_principals(thread)
    connection = Connection()
    connection.principal = SEATTLE
    flood = [thread.start(SEATTLE) for _ in range(10)]
    await _answer_of_the_database()
    assert not thread.time.reads_now(connection, lambda: False)
    flood += [thread.start(SEATTLE) for _ in range(10)]
    assert await asyncio.gather(*flood) == [1] * 20
    assert not thread.time._waiting
