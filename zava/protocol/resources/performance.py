"""The resource `zava://performance`: which statements take the time, for the head office."""

from collections.abc import Mapping

from zava.model.core import Caller, PerformanceSummary, QueryStatistics
from zava.service.analytics import Analytics

URI = "zava://performance"
_HEADER = "calls  errors  slow  mean ms   p50   p95   p99   max  fingerprint       statement"


async def read(analytics: Analytics, caller: Caller, _values: Mapping[str, str]) -> str:
    """Return the statistics of this process as text.

    Raises:
        NotPermitted: the caller is not of the head office.
    """
    return performance_text(await analytics.data.performance(caller))


def performance_text(summary: PerformanceSummary) -> str:
    """Return the costliest shapes as a table, times in milliseconds; plans below their shape."""
    lines = [
        f"{summary.statements:,} statements of {summary.shapes:,} shapes since this process began.",
        f"{summary.evicted:,} more were of shapes no longer kept.",
        f"Slow: over {summary.slow_seconds:g} s. Times in ms.",
        "",
        _HEADER,
    ]
    for statistics in summary.costliest:
        lines.append(_line(statistics))
        lines += [f"       {node}" for node in statistics.plan]
    return "\n".join(lines)


def _line(statistics: QueryStatistics) -> str:
    times = (
        statistics.mean_seconds,
        statistics.p50_seconds,
        statistics.p95_seconds,
        statistics.p99_seconds,
        statistics.largest_seconds,
    )
    shown = " ".join(
        f"{seconds * 1000:{width}.1f}"
        for seconds, width in zip(times, (8, 5, 5, 5, 5), strict=True)
    )
    return (
        f"{statistics.count:>5} {statistics.errors:>7} {statistics.slow:>5} {shown}"
        f"  {statistics.fingerprint:<16}  {statistics.text}"
    )
