"""Sends metrics and spans to Application Insights, and never lets a call wait for it.

Observations are kept in bounded memory and leave from one daemon thread. The package that speaks
to the service (`opencensus-ext-azure`) is imported on that thread, at the first export. A function
app has no hook at its end: what the last interval held is lost with an instance.

Log lines are not sent from here: `logs` gives them to the Functions host, and the package's own log
handler raises on Python 3.13.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from zava.infrastructure.telemetry.aggregator import Distribution, InstrumentAggregator, Key
from zava.telemetry import events, sinks
from zava.telemetry.instruments import INSTRUMENTS, Instrument
from zava.telemetry.sinks import Span

FAILING_AFTER = 3
_INTERVAL_SECONDS = 15.0
_MAX_SPANS = 4096  # about 2 MB; older ones make room
_BATCH = 100
_TRANSMIT_TIMEOUT_SECONDS = 10.0
_AGGREGATION = 1  # a data point's kind: many values in one
_ROLE = "zava-mcp-server"

Envelope = dict[str, Any]


class Transport(Protocol):
    """Takes one batch to the service."""

    def take(self, envelopes: Sequence[Envelope]) -> bool:
        """Return whether the service accepted it; never raises."""


class Telemetry:
    """A sink that exports every few seconds; a failure of the service never reaches a call.

    `client_id` names the managed identity, which the service requires if its local authentication
    is off.
    """

    def __init__(
        self,
        connection_string: str,
        *,
        client_id: str | None = None,
        interval_seconds: float = _INTERVAL_SECONDS,
        make_transport: Callable[[], Transport] | None = None,
    ) -> None:
        self._make_transport = make_transport or (
            lambda: open_transport(connection_string, client_id)
        )
        self._instrumentation_key = _instrumentation_key(connection_string)
        self._interval = interval_seconds
        self.takes_spans = True
        self._metrics = InstrumentAggregator()
        self._spans: deque[Span] = deque(maxlen=_MAX_SPANS)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._refused = 0

    @property
    def is_failing(self) -> bool:
        """Whether the last three exports were refused."""
        return self._refused >= FAILING_AFTER

    def count(self, instrument: Instrument, labels: tuple[str, ...]) -> None:
        """Take one more of a counter."""
        self._metrics.count(instrument, labels)
        self._start()

    def record(self, instrument: Instrument, labels: tuple[str, ...], seconds: float) -> None:
        """Take one value of a histogram."""
        self._metrics.record(instrument, labels, seconds)

    def span(self, span: Span) -> None:
        """Take one finished span."""
        self._spans.append(span)

    def close(self, timeout_seconds: float) -> None:
        """Export what is left, for so long at most."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(timeout_seconds)

    def _start(self) -> None:
        if self._thread is not None:
            return
        with self._starting:
            if self._thread is None and not self._ending.is_set():
                self._thread = threading.Thread(
                    target=self._export_until_closed, name="zava-telemetry", daemon=True
                )
                self._thread.start()

    def _export_until_closed(self) -> None:
        transport: Transport | None = None
        is_last = False
        while not is_last:
            is_last = self._ending.wait(self._interval)
            try:
                transport = transport or self._make_transport()
                self._export(transport)
            except Exception as error:  # noqa: BLE001  # a missing package, a wrong key: soft
                sinks.sink_failed(error)
                self._refuse()

    def _export(self, transport: Transport) -> None:
        counters, distributions = self._metrics.drain()
        now = datetime.now(UTC).isoformat()
        envelopes = [self._count_envelope(now, key, value) for key, value in counters.items()]
        envelopes += [
            self._distribution_envelope(now, key, values) for key, values in distributions.items()
        ]
        spans = [self._spans.popleft() for _ in range(len(self._spans))]
        envelopes += [self._span_envelope(span) for span in spans]
        for start in range(0, len(envelopes), _BATCH):
            batch = envelopes[start : start + _BATCH]
            if not transport.take(batch):
                self._refuse()
                return  # the rest would meet the same; what is new is sent the next time
            if self.is_failing:
                events.telemetry_recovered()
            self._refused = 0

    def _refuse(self) -> None:
        self._refused += 1
        if self._refused == FAILING_AFTER:
            events.telemetry_failing(self._refused)

    def _count_envelope(self, now: str, key: Key, value: int) -> Envelope:
        return self._metric_envelope(now, key, {"name": key[0], "value": value, "count": 1})

    def _distribution_envelope(self, now: str, key: Key, values: Distribution) -> Envelope:
        point = {
            "name": key[0],
            "kind": _AGGREGATION,
            "value": values.total,
            "count": values.count,
            "min": values.smallest,
            "max": values.largest,
        }
        return self._metric_envelope(now, key, point)

    def _metric_envelope(self, now: str, key: Key, point: dict[str, Any]) -> Envelope:
        name, labels = key
        names = [label for label, _ in INSTRUMENTS[name].labels]
        properties = dict(zip(names, labels, strict=True))
        data = {"ver": 2, "metrics": [point], "properties": properties}
        return self._envelope("Metric", "MetricData", now, {}, data)

    def _span_envelope(self, span: Span) -> Envelope:
        tags = {"ai.operation.id": span.trace_id}
        if span.parent_id:
            tags["ai.operation.parentId"] = span.parent_id
        data: dict[str, Any] = {
            "ver": 2,
            "id": span.span_id,
            "name": span.name,
            "duration": _duration(span.seconds),
            "success": span.is_success,
            "properties": dict(span.attributes),
        }
        moment = datetime.fromtimestamp(span.started, UTC).isoformat()
        if span.kind == "server":
            tags["ai.operation.name"] = span.name
            data["responseCode"] = span.outcome
            return self._envelope("Request", "RequestData", moment, tags, data)
        data |= {"resultCode": span.outcome, "type": "postgresql"}
        return self._envelope("RemoteDependency", "RemoteDependencyData", moment, tags, data)

    def _envelope(
        self, name: str, base_type: str, moment: str, tags: dict[str, str], data: dict[str, Any]
    ) -> Envelope:
        return {
            "ver": 1,
            "name": f"Microsoft.ApplicationInsights.{name}",
            "time": moment,
            "iKey": self._instrumentation_key,
            "tags": {"ai.cloud.role": _ROLE, **tags},
            "data": {"baseType": base_type, "baseData": data},
        }


def open_transport(connection_string: str, client_id: str | None = None) -> Transport:
    """Return the package's way to the service; imports it.

    Raises:
        ImportError: the package is not installed.
        ValueError: the connection string is not one.
    """
    from opencensus.ext.azure.common import Options
    from opencensus.ext.azure.common.transport import TransportMixin, TransportStatusCode

    credential = None
    if client_id is not None:
        from azure.identity import ManagedIdentityCredential

        credential = ManagedIdentityCredential(client_id=client_id)

    class OpenCensusTransport(TransportMixin):  # type: ignore[misc]  # it ships no types
        """The package's transport: endpoint, authentication, redirects; nothing stored on disk."""

        def __init__(self) -> None:
            self.options = Options(
                connection_string=connection_string,
                credential=credential,
                enable_local_storage=False,
                timeout=_TRANSMIT_TIMEOUT_SECONDS,
            )
            self.storage = None
            self._consecutive_redirects = 0

        def take(self, envelopes: Sequence[Envelope]) -> bool:
            """Send one batch; the package logs why when it is refused."""
            status = self._transmit(list(envelopes))
            return bool(status == TransportStatusCode.SUCCESS)

        def _check_stats_collection(self) -> bool:
            # The package would send statistics of itself to its makers.
            return False

    transport: Transport = OpenCensusTransport()
    return transport


def _instrumentation_key(connection_string: str) -> str:
    parts = (part.partition("=") for part in connection_string.split(";"))
    return next((value for name, _, value in parts if name.lower() == "instrumentationkey"), "")


def _duration(seconds: float) -> str:
    """Return a duration as the service writes it, `d.hh:mm:ss.fff`."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    days, hours = divmod(hours, 24)
    return f"{days}.{hours:02}:{minutes:02}:{rest:06.3f}"
