"""What one call carries from the edge to the statement: identifiers, deadline and record."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field, replace
from os import urandom

from zava.model.core import CallRecord

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


def new_span_id() -> str:
    """Return the id of a new stretch of work."""
    return urandom(8).hex()


@dataclass(slots=True)
class Trace:
    """One call's place in a trace (W3C Trace Context) and the moment at which it is given up.

    A client may send any `trace_id`, twice, too: it links spans. `correlation_id` is the server's
    own for this call, and is in the record, the log and the error. `deadline` is of
    `time.monotonic`, None for work without a waiting client. `principal` is a hash. `record` is
    the audit's, None before a tool, a resource or a completion is called.
    """

    trace_id: str
    correlation_id: str
    span_id: str = field(default_factory=new_span_id)
    parent_id: str = ""
    deadline: float | None = None
    principal: str = ""
    record: CallRecord | None = None

    @property
    def client_trace_id(self) -> str | None:
        """Return the id of the client's trace; None where the client sent none."""
        return self.trace_id if self.parent_id else None


# Set where a request arrives; every task that it starts inherits it.
_current: ContextVar[Trace | None] = ContextVar("zava_trace", default=None)


def begin(
    traceparent: str | None,
    *,
    seconds: float | None = None,
    principal: str = "",
    since: float | None = None,
) -> Trace:
    """Return the trace of a new call, continuing the client's where it names a well-formed one.

    Without a client's, the trace is known by the correlation id. The call's seconds count from
    `since`, of `time.monotonic`; None for this moment.
    """
    deadline = None
    if seconds is not None:
        deadline = (time.monotonic() if since is None else since) + seconds
    drawn = urandom(24).hex()
    own, span = drawn[:32], drawn[32:]
    found = _of_client(traceparent) if traceparent else None
    if found is None:
        return Trace(own, own, span, deadline=deadline, principal=principal)
    return Trace(found[1], own, span, found[2], deadline, principal)


def known(traceparent: str | None, principal: str) -> Trace:
    """Return the current request's trace with what became known of it: the client's, and who."""
    trace = _current.get() or begin(None)
    trace.principal = principal
    found = _of_client(traceparent) if traceparent else None
    if found is not None:
        trace.trace_id, trace.parent_id = found[1], found[2]
    return trace


def _of_client(traceparent: str) -> re.Match[str] | None:
    found = _TRACEPARENT.fullmatch(traceparent)
    return None if found is None or found[1] == _NO_TRACE or found[2] == _NO_SPAN else found


def afterwards(seconds: float) -> Trace:
    """Return the current call's place for work that outlives it and has a time of its own."""
    trace = _current.get()
    if trace is None:
        return begin(None, seconds=seconds)
    return replace(trace, deadline=time.monotonic() + seconds)


def traceparent_of(headers: Mapping[str, str], message: Mapping[str, object]) -> str | None:
    """Return the client's `traceparent`: of the HTTP header, else of the message's `_meta`."""
    named: object = headers.get("traceparent")
    params = message.get("params")
    if named is None and isinstance(params, dict):
        meta = params.get("_meta")
        named = meta.get("traceparent") if isinstance(meta, dict) else None
    return named if isinstance(named, str) else None


def current() -> Trace | None:
    """Return the trace of the call in whose task this runs."""
    return _current.get()


def record() -> CallRecord | None:
    """Return the record of the current call; None for work outside any call."""
    trace = _current.get()
    return None if trace is None else trace.record


def remaining_seconds(at_most: float) -> float:
    """Return how long the current call may still take, at most `at_most`, never below zero."""
    trace = _current.get()
    if trace is None or trace.deadline is None:
        return at_most
    return max(0.0, min(at_most, trace.deadline - time.monotonic()))


def correlation_id() -> str:
    """Return the current call's id in the log; a fresh one outside a call."""
    trace = _current.get()
    return urandom(16).hex() if trace is None else trace.correlation_id


def enter(trace: Trace) -> Token[Trace | None]:
    """Make a trace the current one, until `leave` is called with what this returns."""
    return _current.set(trace)


def leave(entered: Token[Trace | None]) -> None:
    """Make the trace before `enter` the current one again."""
    _current.reset(entered)


@contextmanager
def use(trace: Trace | None) -> Iterator[None]:
    """Make a trace the current one; None for work that begins in a call and outlives it."""
    token = _current.set(trace)
    try:
        yield
    finally:
        _current.reset(token)
