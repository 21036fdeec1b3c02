"""Runs a coroutine up to one of its awaits, and has that one cancelled or never end."""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Generic, Literal, TypeVar

T = TypeVar("T")


class Disturbed(Generic[T]):
    """A coroutine whose await of this number is disturbed; `is_reached` says that there is one.

    The number counts the times at which the coroutine gives control back to its loop.
    """

    def __init__(
        self, coroutine: Coroutine[Any, Any, T], number: int, how: Literal["cancel", "hang"]
    ) -> None:
        self._coroutine = coroutine
        self._number = number
        self._how = how
        self.is_reached = False

    def __await__(self) -> Generator[Any, Any, T]:
        steps = 0
        thrown: BaseException | None = None
        while True:
            try:
                if thrown is None:
                    waited = self._coroutine.send(None)
                else:
                    waited = self._coroutine.throw(thrown)
            except StopIteration as done:
                result: T = done.value
                return result
            steps += 1
            if steps == self._number:
                self.is_reached = True
                waited = self._disturb(waited)
            thrown = None
            try:
                yield waited
            except BaseException as error:  # noqa: BLE001  # it is the coroutine's
                thrown = error

    def _disturb(self, waited: Any) -> Any:
        if self._how == "hang":
            never = asyncio.get_running_loop().create_future()
            never._asyncio_future_blocking = True  # as `await` does
            return never
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        return waited


async def disturbed(
    coroutine: Coroutine[Any, Any, T], number: int, how: Literal["cancel", "hang"]
) -> tuple[T, bool]:
    """Run a coroutine in a task of its own; say as well whether it has so many awaits."""
    run = Disturbed(coroutine, number, how)

    async def wait() -> T:
        return await run

    return await asyncio.create_task(wait()), run.is_reached
