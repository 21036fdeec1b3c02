"""Reads a caller's statement once, for the guard, the audit and the limit on its work.

Handing a text to the parsing thread costs many times what parsing it does. So they share the trip,
and a short text, whose depth any stack bears, is read where it is.
"""

import asyncio
from typing import NamedTuple

from cachetools import LRUCache

from zava.data.fingerprint import fingerprint
from zava.data.guard import Guard
from zava.data.guard.guard import Verdict
from zava.data.guard.parsing import parsing_thread
from zava.data.guard.work import HEAVY_ROWS
from zava.data.outside_text import reads_outside_text

_REMEMBERED = 1024  # statements of at most 16 KiB

SHORT_CHARACTERS = 512
"""The longest text that is read on the caller's own stack.

Nothing that long takes 256 KiB of stack, or comes near the depth that Python allows a loop's task.
"""


class ReadStatement(NamedTuple):
    """What a text says by itself, whoever sent it.

    `fingerprint` is None for what is no statement. `reads_outside_text` says of one that passed
    that its answer may hold what outsiders wrote.
    """

    verdict: Verdict
    fingerprint: str | None
    reads_outside_text: bool

    @property
    def is_heavy(self) -> bool:
        """Whether the statement leaves one connection free for others while it runs."""
        return self.verdict.visited_rows >= HEAVY_ROWS


class StatementReader:
    """Reads statements and remembers them by person and exact text.

    Reading a long text takes long enough to measure: a memory that callers share would reveal that
    another one sent it.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._read: LRUCache[tuple[bytes, str], ReadStatement] = LRUCache(_REMEMBERED)

    async def read(self, identity: bytes, statement: str) -> ReadStatement:
        """Return what a caller's text within the limits (`check_limits`) says."""
        known = self._read.get((identity, statement))
        if known is None:
            if len(statement) <= SHORT_CHARACTERS:
                known = self.read_here(statement)
            else:
                loop = asyncio.get_running_loop()
                known = await loop.run_in_executor(parsing_thread(), self.read_here, statement)
            self._read[identity, statement] = known
        return known

    def read_here(self, statement: str) -> ReadStatement:
        """Return what a text says; a longer one than `SHORT_CHARACTERS` on the parsing thread."""
        verdict = self._guard.judge(statement)
        is_outside = verdict.error is None and reads_outside_text(statement)
        return ReadStatement(verdict, fingerprint(statement), is_outside)
