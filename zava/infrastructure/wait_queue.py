"""A queue of callers that wait for the next of something that comes free."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class WaitQueue(Generic[T]):
    """Callers that wait, the longest first; `pass_on` takes what came while its caller left."""

    def __init__(self, pass_on: Callable[[T], None]) -> None:
        self.waiting: deque[asyncio.Future[T]] = deque()
        self._pass_on = pass_on

    async def wait(self, seconds: float) -> T:
        """Return the next thing that is handed over.

        Raises:
            TimeoutError: none came in time.
            ConnectionError: `fail` was called meanwhile.
        """
        turn: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        try:
            async with asyncio.timeout(seconds):
                return await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                if turn.exception() is None:  # it came while its caller was leaving
                    self._pass_on(turn.result())
            elif turn in self.waiting:
                self.waiting.remove(turn)
            raise

    def hand_over(self, thing: T) -> bool:
        """Give the caller that waits longest a thing; return False if none waits."""
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(thing)
                return True
        return False

    def fail(self) -> None:
        """Fail all callers that wait: nothing will come."""
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_exception(ConnectionError())
