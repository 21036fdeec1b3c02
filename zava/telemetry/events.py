"""Every telemetry event of the product, as a closed list; sinks receive each of them.

Code does not format log lines or name instruments; it calls one of the functions below. A sink
turns an observation into a log line, a count or a span. A sink that fails costs the call nothing.
No observation holds SQL, values, tokens or rows. A statement is its fingerprint, and a person is a
hash. A cause is the types of its exceptions and the lines of code that they passed.

Metrics have the source design's names. Each label takes its values from a closed set, so callers
cannot raise the number of values.
"""

import asyncio
import logging
import time
from collections.abc import Sequence

from zava import call_context
from zava.errors import InvalidInput, ZavaError
from zava.telemetry import sinks
from zava.telemetry.instruments import (
    OPERATIONS,
    OTHER,
    CacheType,
    ErrorType,
    QueryStatus,
    QueryType,
    Refusal,
    StandbyRefusal,
)
from zava.telemetry.redaction import described
from zava.telemetry.sinks import Span

logger = logging.getLogger(__name__)

_TYPES = {
    "VALIDATION_ERROR": ErrorType.VALIDATION,
    "AUTHORIZATION_ERROR": ErrorType.AUTHORIZATION,
    "QUERY_REFUSED": ErrorType.REFUSED,
    "QUERY_TIMEOUT": ErrorType.TIMEOUT,
    "RESULT_TOO_LARGE": ErrorType.DATABASE,
    "DATABASE_ERROR": ErrorType.DATABASE,
    "BUSY": ErrorType.BUSY,
    "EMBEDDINGS_UNAVAILABLE": ErrorType.EMBEDDINGS,
}
# A caller's mistakes are theirs to correct and ours to count; what we or the database failed at is
# somebody's to look at.
_LEVELS = {
    ErrorType.DATABASE: logging.ERROR,
    ErrorType.UNEXPECTED: logging.ERROR,
    ErrorType.CANCELLED: logging.INFO,
    ErrorType.REFUSED: logging.INFO,
}
_STATUSES = {
    ErrorType.AUTHORIZATION: QueryStatus.DENIED,
    ErrorType.TIMEOUT: QueryStatus.TIMEOUT,
    ErrorType.BUSY: QueryStatus.BUSY,
}


_REFUSALS_EVERY_SECONDS = 1.0

# When a line about each reason was last written, and how many had none since.
_refusals: dict[Refusal, tuple[float, int]] = {}


def operation(name: str) -> "_TimedOperation":
    """Time, count and log one operation, and let nothing out of it but the product's errors.

    The `async with` block raises ZavaError as it was raised inside; any other exception becomes one
    that reveals no cause.
    """
    return _TimedOperation(name if name in OPERATIONS else OTHER)


class _TimedOperation:
    """One block of `operation`."""

    __slots__ = ("_began", "_name", "_started")

    def __init__(self, name: str) -> None:
        self._name = name
        self._started, self._began = time.monotonic(), time.time()

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> None:
        name, seconds = self._name, time.monotonic() - self._started
        if error is None:
            _ended(name, seconds, self._began, QueryStatus.SUCCESS)
            sinks.count("operation_success", name)
            if logger.isEnabledFor(logging.DEBUG):
                logger.debug("operation succeeded", extra=_of_operation(name, seconds))
        elif isinstance(error, ZavaError):
            _operation_failed(name, seconds, self._began, error)
        elif isinstance(error, asyncio.CancelledError):
            _ended(name, seconds, self._began, ErrorType.CANCELLED)
            sinks.count("operation_error", name, ErrorType.CANCELLED)
            logger.info("operation cancelled", extra=_of_operation(name, seconds))
        elif isinstance(error, Exception):
            fault = ZavaError("The server failed.", hint="Report the correlation id.")
            fault.__cause__ = error
            _operation_failed(name, seconds, self._began, fault)
            raise fault from error


def _of_operation(name: str, seconds: float) -> dict[str, object]:
    return {"operation": name, "duration_seconds": round(seconds, 6)}


def query(
    query_type: QueryType,
    *,
    seconds: float,
    error: BaseException | None,
    attempts: int = 1,
    server: str | None = None,
) -> None:
    """Report one statement that ended; its wait for a connection is not in `seconds`.

    `server` is which one answered, where there is more than one.
    """
    if error is None:
        status = QueryStatus.SUCCESS
    elif isinstance(error, asyncio.CancelledError):
        status = QueryStatus.CANCELLED
    else:
        status = _STATUSES.get(error_type(error), QueryStatus.ERROR)
    sinks.count("query_total", query_type, status)
    sinks.record("query_duration", seconds, query_type, status)
    current = call_context.current()
    if current is not None and sinks.span_sinks:
        sinks.report_span(
            Span(
                "statement",
                "client",
                current.trace_id,
                call_context.new_span_id(),
                current.span_id,
                time.time() - seconds,
                seconds,
                status,
                (
                    ("type", query_type),
                    ("attempts", str(attempts)),
                    *((("server", server),) if server else ()),
                ),
            )
        )


def slow_query(
    query_type: QueryType, *, fingerprint: str, seconds: float, plan: Sequence[str] = ()
) -> None:
    """Report a statement over the threshold; `plan` is its shape, without any value."""
    sinks.count("slow_query", query_type)
    logger.warning(
        "slow query",
        extra={
            "fingerprint": fingerprint,
            "duration_seconds": round(seconds, 6),
            "type": str(query_type),
            "plan": list(plan),
        },
    )


def orders_late(hours: float) -> None:
    """Report that no order came for so long; `hours` is the age of the newest one."""
    sinks.count("orders_late")
    logger.warning("no orders for %.0f hours", hours, extra={"hours": round(hours, 1)})


def query_retried(attempt: int, sqlstate: str | None, wait_seconds: float) -> None:
    """Report that a statement is repeated after a transient fault."""
    sinks.count("query_retry")
    logger.warning(
        "statement repeated",
        extra={
            "attempt": attempt,
            "sqlstate": sqlstate or "",
            "wait_seconds": round(wait_seconds, 3),
        },
    )


def standby_read(lag_seconds: float) -> None:
    """Report that a statement ran on the standby, and how far that lagged behind."""
    sinks.record("standby_lag", max(lag_seconds, 0.0))


def standby_refused(reason: StandbyRefusal) -> None:
    """Count a statement that runs on the primary, because the standby could not answer it."""
    sinks.count("standby_refusal", reason)


def standby_left(reason: StandbyRefusal) -> None:
    """Report that reads go to the primary from here on."""
    logger.warning("reads leave the standby: %s", reason, extra={"reason": str(reason)})


def standby_returned() -> None:
    """Report that reads go to the standby again."""
    logger.warning("reads return to the standby")


def pool_waited(seconds: float) -> None:
    """Report how long a statement waited for its connection."""
    sinks.record("pool_wait_duration", seconds)


def connect_failed(reason: str) -> None:
    """Report why no connection to the database could be made."""
    logger.warning("connecting to the database failed: %s", reason, extra={"reason": reason})


def circuit_opened(seconds: float) -> None:
    """Report that the circuit opened for so long; callers get the time to wait."""
    sinks.count("database_given_up")
    logger.error("database given up", extra={"wait_seconds": round(seconds, 3)})


def circuit_closed() -> None:
    """Report that the database answers again."""
    logger.warning("database answers again")


def request_refused(reason: Refusal, detail: str = "") -> None:
    """Report that a request was refused before any work; `detail` is a text of ours.

    Each is counted; a line is written once a second at most, since refusing has to stay cheap.
    """
    sinks.count("request_refused", reason)
    now = time.monotonic()
    written, untold = _refusals.get(reason, (-_REFUSALS_EVERY_SECONDS, 0))
    if now - written < _REFUSALS_EVERY_SECONDS:
        _refusals[reason] = written, untold + 1
        return
    _refusals[reason] = now, 0
    logger.log(
        logging.INFO if reason is Refusal.NO_TOKEN else logging.WARNING,
        "request refused: %s%s, and %d more of late",
        reason,
        f" ({detail})" if detail else "",
        untold,
        extra={"reason": str(reason), "untold": untold},
    )


def request_failed(cause: BaseException) -> str:
    """Report an exception that no boundary expected; return the correlation id for the caller."""
    correlation_id = call_context.correlation_id()
    sinks.count("operation_error", "request", ErrorType.UNEXPECTED)
    logger.error(
        "request failed: %s correlation_id=%s",
        described(cause),
        correlation_id,
        extra={"operation": "request", "correlation_id": correlation_id},
    )
    return correlation_id


def request_timed_out() -> None:
    """Count and log a request that was given up, because a part of it did not end in time."""
    sinks.count("operation_error", "request", ErrorType.TIMEOUT)
    logger.warning("request timed out", extra={"operation": "request"})


def request_cancelled() -> None:
    """Count and log a request that was cancelled inside this process; its client is answered."""
    sinks.count("operation_error", "request", ErrorType.CANCELLED)
    logger.warning("request cancelled", extra={"operation": "request"})


def cache_hit(kind: CacheType) -> None:
    """Report that an answer was found in a cache."""
    sinks.count("cache_hit", kind)


def cache_miss(kind: CacheType) -> None:
    """Report that an answer was not found in a cache."""
    sinks.count("cache_miss", kind)


def telemetry_failing(refused_exports: int) -> None:
    """Report that the telemetry backend accepts no export."""
    logger.warning("telemetry failing", extra={"refused_exports": refused_exports})


def telemetry_recovered() -> None:
    """Report that the telemetry backend accepts exports again."""
    logger.warning("telemetry recovered")


def error_type(error: BaseException) -> ErrorType:
    """Return the label of an error."""
    if isinstance(error, ZavaError):
        return _TYPES.get(error.code, ErrorType.UNEXPECTED)
    return ErrorType.UNEXPECTED


def _operation_failed(name: str, seconds: float, began: float, error: ZavaError) -> None:
    kind = error_type(error)
    _ended(name, seconds, began, kind)
    sinks.count("operation_error", name, kind)
    extra = {
        "operation": name,
        "error_type": str(kind),
        "code": error.code,
        "duration_seconds": round(seconds, 6),
        "correlation_id": error.correlation_id,
    }
    state = getattr(error.__cause__, "sqlstate", None)
    if state:
        extra["sqlstate"] = state
    if isinstance(error, InvalidInput) and error.fields:
        extra["fields"] = ", ".join(error.fields)
    cause = error.__cause__
    logger.log(
        _LEVELS.get(kind, logging.WARNING),
        "%s failed: %s correlation_id=%s",
        name,
        described(cause) if cause is not None and kind is ErrorType.UNEXPECTED else error.code,
        error.correlation_id,
        extra=extra,
    )


def _ended(name: str, seconds: float, began: float, outcome: str) -> None:
    sinks.record("operation_duration", seconds, name)
    current = call_context.current()
    if current is not None and sinks.span_sinks:
        sinks.report_span(
            Span(
                name,
                "server",
                current.trace_id,
                current.span_id,
                current.parent_id,
                began,
                seconds,
                outcome,
                (
                    ("correlation_id", current.correlation_id),
                    *((("principal", current.principal),) if current.principal else ()),
                ),
            )
        )
