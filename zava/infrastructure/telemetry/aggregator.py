"""Counts and distributions of this process, in bounded memory."""

import threading
from bisect import bisect_left
from dataclasses import dataclass, field

from zava.telemetry.instruments import Instrument
from zava.telemetry.sinks import Span

BUCKETS_SECONDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0),
)


@dataclass(slots=True)
class Distribution:
    """Values in seconds; `buckets` counts those up to each bound, the last one those above all."""

    count: int = 0
    total: float = 0.0
    smallest: float = float("inf")
    largest: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_SECONDS) + 1))

    def add(self, seconds: float) -> None:
        """Take one value."""
        self.count += 1
        self.total += seconds
        self.smallest = min(self.smallest, seconds)
        self.largest = max(self.largest, seconds)
        self.buckets[bisect_left(BUCKETS_SECONDS, seconds)] += 1


Key = tuple[str, tuple[str, ...]]


class InstrumentAggregator:
    """A sink that keeps every instrument's values since the start, or since it was last drained.

    Recorded on the event loop and drained from another thread. Labels outside their closed set are
    refused, so that the number of series is bounded.
    """

    takes_spans = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._checked: set[Key] = set()
        self._counters: dict[Key, int] = {}
        self._distributions: dict[Key, Distribution] = {}

    def count(self, instrument: Instrument, labels: tuple[str, ...]) -> None:
        """Take one more of a counter."""
        key = instrument.name, labels
        if key not in self._checked:
            self._check(instrument, labels)
        with self._lock:
            self._counters[key] = self._counters.get(key, 0) + 1

    def record(self, instrument: Instrument, labels: tuple[str, ...], seconds: float) -> None:
        """Take one value of a histogram."""
        key = instrument.name, labels
        if key not in self._checked:
            self._check(instrument, labels)
        with self._lock:
            distribution = self._distributions.get(key)
            if distribution is None:
                distribution = self._distributions[key] = Distribution()
            distribution.add(seconds)

    def span(self, span: Span) -> None:
        """Ignore spans; they are no instruments."""

    def counter(self, name: str, *labels: str) -> int:
        """Return a counter's value."""
        with self._lock:
            return self._counters.get((name, labels), 0)

    def distribution(self, name: str, *labels: str) -> Distribution:
        """Return a histogram's values."""
        with self._lock:
            return self._distributions.get((name, labels), Distribution())

    def _check(self, instrument: Instrument, labels: tuple[str, ...]) -> None:
        for (name, values), label in zip(instrument.labels, labels, strict=True):
            if label not in values:
                raise ValueError(f"{instrument.name}: {name} is not one of its values")
        self._checked.add((instrument.name, labels))

    def drain(self) -> tuple[dict[Key, int], dict[Key, Distribution]]:
        """Return what was taken since the last time, and forget it."""
        with self._lock:
            drained = self._counters, self._distributions
            self._counters, self._distributions = {}, {}
        return drained
