"""Reads a caller's statement once, for the guard, the audit and the limit on its work.

Handing a text to the parsing thread costs many times what parsing it does. So they share the trip,
and a short text, whose depth any stack bears, is read where it is.
"""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar, TypeVarTuple
from weakref import WeakValueDictionary

from zava.data.guard.cost.work import HEAVY_ROWS
from zava.data.guard.guard import Guard, Verdict
from zava.data.syntax.fingerprint import fingerprint
from zava.data.syntax.parser import parsing_thread
from zava.infrastructure.recent_values import RecentValues

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

_MAX_REMEMBERED = 1024  # statements of at most 16 KiB

SHORT_CHARACTERS = 512
"""The longest text that is read on the caller's own stack.

Nothing that long takes 256 KiB of stack, or comes near the depth that Python allows a loop's task.
"""


class StatementAnalysis(NamedTuple):
    """The analysis of a text, the same for every caller.

    `fingerprint` is None if the text is not a statement.
    """

    verdict: Verdict
    fingerprint: str | None

    @property
    def is_heavy(self) -> bool:
        """Whether the statement leaves one connection free for others while it runs."""
        return self.verdict.visited_rows >= HEAVY_ROWS


class ParsingTurns:
    """Sends work to the parsing thread, one piece of each person at a time.

    The thread takes what comes first. So a person's text waits for at most one of each other
    person, however many those have sent. `charge` is given each person's time on the thread, which
    the rest of the process cannot use meanwhile.
    """

    def __init__(self, charge: Callable[[bytes, float], None] = lambda *_: None) -> None:
        self._charge = charge
        # By identity, for as long as something of that person runs or waits.
        self._turns: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def run(
        self, identity: bytes, work: Callable[[*Arguments], T], *arguments: *Arguments
    ) -> T:
        """Return what the work returns, once the person's earlier pieces are done."""
        turn = self._turns.get(identity)
        if turn is None:
            turn = self._turns[identity] = asyncio.Lock()
        async with turn:
            loop = asyncio.get_running_loop()
            result, seconds = await loop.run_in_executor(parsing_thread(), _timed, work, *arguments)
            self._charge(identity, seconds)
            return result


def _timed(work: Callable[[*Arguments], T], *arguments: *Arguments) -> tuple[T, float]:
    """Return what the work returns, and the seconds that it computed."""
    begun = time.thread_time()
    return work(*arguments), time.thread_time() - begun


class StatementAnalyzer:
    """Reads statements and remembers them by person and exact text.

    Reading a long text takes long enough to measure: a memory that callers share would reveal that
    another one sent it.
    """

    def __init__(self, guard: Guard, turns: ParsingTurns) -> None:
        self._guard = guard
        self._turns = turns
        self._read: RecentValues[tuple[bytes, str], StatementAnalysis]
        self._read = RecentValues(_MAX_REMEMBERED)

    async def read(self, identity: bytes, statement: str) -> StatementAnalysis:
        """Return the analysis of a caller's text within the limits (`check_limits`)."""
        key = identity, statement
        known = self._read.get(key)
        if known is not None:
            self._read.move_to_end(key)
            return known
        if len(statement) <= SHORT_CHARACTERS:
            known = self.read_here(statement)
        else:
            known = await self._turns.run(identity, self.read_here, statement)
        self._read[key] = known
        return known

    def read_here(self, statement: str) -> StatementAnalysis:
        """Return a text's analysis; read one above `SHORT_CHARACTERS` on the parsing thread."""
        return StatementAnalysis(self._guard.judge(statement), fingerprint(statement))
