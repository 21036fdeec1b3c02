"""Statistics of statements, by their shape in PostgreSQL's own grammar.

Two statements that differ in literals alone share a fingerprint. The memory for a shape is bounded,
and so is the number of shapes: the least recently seen one is evicted. No caller, value or row is
kept.
"""

import asyncio
import re
import threading
import time
from array import array
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from math import ceil, log2

import pgparse

from zava import call_context
from zava.data.syntax.parser import parsing_thread
from zava.infrastructure.recent_values import RecentValues
from zava.model.core import PerformanceSummary, QueryStatistics
from zava.telemetry import events
from zava.telemetry.instruments import QueryType

MAX_SHAPES = 500
_MAX_TEXTS = 4096  # 16 bytes of digest each, never the text
_MAX_PENDING = 1000
_MAX_SHOWN_CHARACTERS = 400
_STEPS_PER_DOUBLING = 4  # a percentile is exact to a tenth
_SMALLEST_SECONDS = 0.0001
_BUCKETS = 84  # the last one holds everything above three minutes
_PLAN_IS_NEW_SECONDS = 60.0
_EXPLAIN_SECONDS = 7.0  # for a place, a connection and the planner
_CLOSE_SECONDS = 1.0
_READ_AFTER_SECONDS = 0.2
UNPARSED = "unparsed"

_NOT_A_NAME = re.compile(r'--[^\n]*|"(?:[^"]|"")*"|\s+')
_PLAIN_NAME = re.compile(r'"[a-z_][a-z0-9_]*"')
_COMMENT_EDGE = re.compile(r"/\*|\*/")

Explain = Callable[[], Awaitable[Sequence[str]]]
"""Returns the shape of a statement's plan, without a value: a line a step."""


@dataclass(slots=True)
class _Shape:
    text: str
    query_type: QueryType
    count: int = 0
    errors: int = 0
    slow: int = 0
    total: float = 0.0
    smallest: float = float("inf")
    largest: float = 0.0
    plan: tuple[str, ...] = ()
    planned_at: float = -_PLAN_IS_NEW_SECONDS
    buckets: "array[int]" = field(default_factory=lambda: array("I", bytes(4 * _BUCKETS)))

    def add(self, seconds: float, *, failed: bool, slow: bool) -> None:
        self.count += 1
        self.errors += failed
        self.slow += slow
        self.total += seconds
        self.smallest = min(self.smallest, seconds)
        self.largest = max(self.largest, seconds)
        self.buckets[_bucket(seconds)] += 1

    def percentile(self, part: float) -> float:
        wanted, seen = ceil(part * self.count), 0
        for place, count in enumerate(self.buckets):
            seen += count
            if seen >= wanted:
                bound = _SMALLEST_SECONDS * 2 ** (place / _STEPS_PER_DOUBLING)
                return max(self.smallest, min(self.largest, bound))
        return self.largest


class _Shapes(RecentValues[str, _Shape]):
    """The shapes seen of late; `evicted` counts the statements of those that made room."""

    evicted = 0

    def popitem(self, last: bool = True) -> tuple[str, _Shape]:  # noqa: FBT001, FBT002  # as it is inherited
        fingerprint, shape = super().popitem(last)
        self.evicted += shape.count
        return fingerprint, shape


class QueryStatsCollector:
    """Statistics of this process's statements; they end with it."""

    def __init__(
        self,
        *,
        slow_seconds: float = 1.0,
        most_shapes: int = MAX_SHAPES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.slow_seconds = slow_seconds
        self._clock = clock
        self._lock = threading.Lock()  # recorded on the parsing thread, summed up on the loop
        self._texts: RecentValues[bytes, str] = RecentValues(_MAX_TEXTS)
        self._shapes = _Shapes(most_shapes)
        self._pending = 0
        self._unread: deque[Callable[[], None]] = deque()
        self._is_explaining = False
        self._reports: set[asyncio.Task[None]] = set()

    def record(
        self,
        query_type: QueryType,
        sql: str,
        seconds: float,
        *,
        failed: bool,
        fingerprint: str | None = None,
    ) -> None:
        """Record one statement that ended; the caller does not wait for it.

        `fingerprint` is the statement's, if it was computed already.
        """
        is_slow = seconds > self.slow_seconds
        with self._lock:
            known = fingerprint or self._texts.get(_digest(sql))
            shape = self._shapes.get(known) if known is not None else None
            if known is not None and shape is not None:
                self._shapes.move_to_end(known)
                shape.add(seconds, failed=failed, slow=is_slow)
                return
            if self._pending >= _MAX_PENDING:
                self._shapes.evicted += 1
                return
            self._pending += 1
        self._unread.append(partial(self._learn, query_type, sql, seconds, failed=failed))
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._read_next()
        else:
            # Once the call is answered: reading takes long enough to measure, and a shape that is
            # known already would reveal that another caller asked the same.
            loop.call_later(_READ_AFTER_SECONDS, self._read_next)

    def _read_next(self) -> None:
        if self._unread:  # closing has read them all
            parsing_thread().submit(self._unread.popleft())

    def is_slow(self, seconds: float) -> bool:
        """Whether a statement took longer than the threshold."""
        return seconds > self.slow_seconds

    def report_slow(
        self, query_type: QueryType, sql: str, seconds: float, explain: Explain | None = None
    ) -> None:
        """Log a slow statement, soon: its caller's answer does not wait for that.

        The line has the plan of its shape, which is read again when it is a minute old. One plan is
        read at a time; meanwhile other statements are logged with the plans at hand. A process
        that ends at once loses the lines that it has not written yet.
        """
        with call_context.use(call_context.afterwards(_EXPLAIN_SECONDS)):
            task = asyncio.create_task(self._log_slow(query_type, sql, seconds, explain))
        self._reports.add(task)
        task.add_done_callback(self._reports.discard)

    async def close(self) -> None:
        """Read and log what is left, for at most a second."""
        while self._unread:
            self._read_next()
        loop = asyncio.get_running_loop()
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await loop.run_in_executor(parsing_thread(), int)
        if self._reports:
            _, late = await asyncio.wait(self._reports, timeout=_CLOSE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def summary(self, most: int = 20) -> PerformanceSummary:
        """Return the shapes that took most time, the costliest first, and what they are part of."""
        with self._lock:
            shapes = sorted(dict(self._shapes).items(), key=lambda item: -item[1].total)
            return PerformanceSummary(
                statements=sum(shape.count for _, shape in shapes),
                shapes=len(shapes),
                evicted=self._shapes.evicted,
                slow_seconds=self.slow_seconds,
                costliest=tuple(
                    _statistics(fingerprint, shape) for fingerprint, shape in shapes[:most]
                ),
            )

    async def _log_slow(
        self, query_type: QueryType, sql: str, seconds: float, explain: Explain | None
    ) -> None:
        loop = asyncio.get_running_loop()
        fingerprint, text = await loop.run_in_executor(parsing_thread(), _read, sql)
        with self._lock:
            shape = self._shapes.setdefault(fingerprint, _Shape(text, query_type))
            is_old = self._clock() - shape.planned_at >= _PLAN_IS_NEW_SECONDS
        if explain is not None and is_old and not self._is_explaining:
            self._is_explaining = True
            try:
                shape.plan = tuple(await explain())
            except Exception as error:  # noqa: BLE001  # the statement's answer is not at stake
                shape.plan = shape.plan or (f"no plan: {events.error_type(error)}",)
            finally:
                self._is_explaining = False
                shape.planned_at = self._clock()
        events.slow_query(query_type, fingerprint=fingerprint, seconds=seconds, plan=shape.plan)

    def _learn(self, query_type: QueryType, sql: str, seconds: float, *, failed: bool) -> None:
        fingerprint, text = _read(sql)
        with self._lock:
            self._pending -= 1
            self._texts[_digest(sql)] = fingerprint
            shape = self._shapes.get(fingerprint) or _Shape(text, query_type)
            self._shapes[fingerprint] = shape
            shape.add(seconds, failed=failed, slow=self.is_slow(seconds))


def _digest(sql: str) -> bytes:
    return blake2b(sql.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _read(sql: str) -> tuple[str, str]:
    """Return a statement's fingerprint and what of its text may be shown; on the parsing thread."""
    try:
        return str(pgparse.fingerprint(sql)), _shown(pgparse.normalize(sql))
    except (pgparse.PGQueryError, RecursionError):
        return UNPARSED, "(no statement)"


def _shown(normalised: str) -> str:
    """Drop from a text whose literals are `$n` already what else a caller may have written in it.

    Comments go, and so does every quoted name that is not a plain one.
    """
    text = _NOT_A_NAME.sub(_replacement, normalised)
    parts, depth, start = [], 0, 0
    for edge in _COMMENT_EDGE.finditer(text):  # nested, as PostgreSQL's are
        if edge[0] == "/*":
            if depth == 0:
                parts.append(text[start : edge.start()])
            depth += 1
        elif depth > 0:
            depth -= 1
            start = edge.end()
    if depth == 0:
        parts.append(text[start:])
    text = " ".join(" ".join(parts).split())
    if "'" in text:  # a literal that the parser's library left in place
        return "(not shown)"
    return text if len(text) <= _MAX_SHOWN_CHARACTERS else f"{text[:_MAX_SHOWN_CHARACTERS]}…"


def _replacement(found: re.Match[str]) -> str:
    if found[0].startswith('"'):
        return found[0] if _PLAIN_NAME.fullmatch(found[0]) else '"…"'
    return " "


def _bucket(seconds: float) -> int:
    if seconds <= _SMALLEST_SECONDS:
        return 0
    place = ceil(log2(seconds / _SMALLEST_SECONDS) * _STEPS_PER_DOUBLING)
    return min(place, _BUCKETS - 1)


def _statistics(fingerprint: str, shape: _Shape) -> QueryStatistics:
    return QueryStatistics(
        fingerprint=fingerprint,
        query_type=str(shape.query_type),
        text=shape.text,
        count=shape.count,
        errors=shape.errors,
        slow=shape.slow,
        mean_seconds=shape.total / shape.count if shape.count else 0.0,
        smallest_seconds=shape.smallest if shape.count else 0.0,
        largest_seconds=shape.largest,
        p50_seconds=shape.percentile(0.50),
        p95_seconds=shape.percentile(0.95),
        p99_seconds=shape.percentile(0.99),
        plan=shape.plan,
    )
