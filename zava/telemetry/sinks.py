"""The sinks that receive observations. A sink that fails costs the call a log line, no more."""

import logging
from dataclasses import dataclass
from typing import Literal, Protocol

from zava.telemetry.instruments import INSTRUMENTS, Instrument, QueryStatus
from zava.telemetry.redaction import described

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of work with its place in the trace; `started` is in seconds since the epoch."""

    name: str
    kind: Literal["server", "client"]
    trace_id: str
    span_id: str
    parent_id: str
    started: float
    seconds: float
    outcome: str
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def is_success(self) -> bool:
        """Whether what it covers went well."""
        return self.outcome == QueryStatus.SUCCESS


class Sink(Protocol):
    """Listens to observations; called on the event loop, so it must not wait."""

    takes_spans: bool
    """Whether it uses spans: none is made where no sink does."""

    def count(self, instrument: Instrument, labels: tuple[str, ...]) -> None:
        """Take one more of a counter."""

    def record(self, instrument: Instrument, labels: tuple[str, ...], seconds: float) -> None:
        """Take one value of a histogram."""

    def span(self, span: Span) -> None:
        """Take one finished span."""


_sinks: tuple[Sink, ...] = ()
span_sinks: tuple[Sink, ...] = ()
"""Those that take spans: without one, no span is made."""


def attach(sink: Sink) -> None:
    """Let a sink listen; attaching it again changes nothing."""
    if sink not in _sinks:
        _listen(*_sinks, sink)


def detach(sink: Sink) -> None:
    """Let a sink listen no longer."""
    _listen(*(other for other in _sinks if other is not sink))


def _listen(*sinks: Sink) -> None:
    global _sinks, span_sinks  # noqa: PLW0603  # like logging, one for the process
    _sinks = sinks
    span_sinks = tuple(sink for sink in sinks if sink.takes_spans)


def count(name: str, *labels: str) -> None:
    """Add one to a counter."""
    instrument = INSTRUMENTS[name]
    for sink in _sinks:
        try:
            sink.count(instrument, labels)
        except Exception as error:  # noqa: BLE001  # telemetry never fails a call
            sink_failed(error)


def record(name: str, seconds: float, *labels: str) -> None:
    """Add one value to a histogram."""
    instrument = INSTRUMENTS[name]
    for sink in _sinks:
        try:
            sink.record(instrument, labels, seconds)
        except Exception as error:  # noqa: BLE001  # telemetry never fails a call
            sink_failed(error)


def report_span(span: Span) -> None:
    """Pass a finished span to the sinks that take spans."""
    for sink in span_sinks:
        try:
            sink.span(span)
        except Exception as error:  # noqa: BLE001  # telemetry never fails a call
            sink_failed(error)


def sink_failed(error: Exception) -> None:
    """Report that a sink failed on an observation."""
    logger.warning("observation lost: %s", described(error))
