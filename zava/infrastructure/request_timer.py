"""Cancels work that outlasts its time, with one timer for all of it.

`asyncio.timeout` would cost each request and each statement a timer and three objects, though
hardly one is ever late.
"""

import asyncio
import time
from typing import Any

Task = asyncio.Task[Any]


class Patience:
    """The work under way, by its task, and until when each may take."""

    def __init__(self) -> None:
        # With the number of its cancellations until then: one that it swallowed still counts.
        self._until: dict[Task, tuple[float, int]] = {}
        self._late: set[Task] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._looks_at = float("inf")
        self._loop: asyncio.AbstractEventLoop | None = None

    def watch(self, task: Task, until: float) -> None:
        """Cancel a task at this moment, of `time.monotonic`, unless it is left before."""
        self._until[task] = until, task.cancelling()
        loop = task.get_loop()
        if until < self._looks_at or loop is not self._loop:
            self._look_at(until, loop)

    def is_late(self, task: Task) -> bool:
        """Whether a task was cancelled here, and not from outside as well while it is watched."""
        return task in self._late and task.cancelling() <= self._until[task][1] + 1

    def leave(self, task: Task) -> None:
        """Watch a task no longer; what cancelled it here is over."""
        self._until.pop(task, None)
        if task in self._late:
            self._late.discard(task)
            task.uncancel()

    def _look_at(self, moment: float, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._loop, self._looks_at = loop, moment
        self._timer = loop.call_later(moment - time.monotonic(), self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer, self._looks_at = None, float("inf")
        now = time.monotonic()
        for task, (until, _) in self._until.items():
            if until <= now and task not in self._late:
                self._late.add(task)
                task.cancel()
        if ahead := [until for until, _ in self._until.values() if until > now]:
            self._look_at(min(ahead), loop)
