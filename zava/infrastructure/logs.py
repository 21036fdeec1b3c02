"""Log lines as JSON, one object each, on whatever stream the platform reads.

There is no log file: a function app's file system is read-only. Under a host that has installed
its own handlers (the Functions worker) those carry our lines; elsewhere they go to stderr.
"""

import logging
from typing import Any

from pythonjsonlogger.orjson import OrjsonFormatter

from zava import trace
from zava.observe import described

_OURS = "zava"
_FIELDS = ("levelname", "name", "message")
_NAMES = {"levelname": "level", "name": "logger"}


class JsonFormatter(OrjsonFormatter):
    """Formats a record with the current call's ids; an exception as kinds and places only.

    A library's line keeps its template and loses its arguments: those may hold SQL and values.
    """

    def __init__(self) -> None:
        super().__init__(_FIELDS, rename_fields=_NAMES, timestamp="time")

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Add what the current call is known by."""
        current = trace.current()
        if current is not None:
            log_data.setdefault("correlation_id", current.correlation_id)
            if current.client_trace_id is not None:  # it may name other calls, too
                log_data["trace_id"] = current.client_trace_id
            log_data["span_id"] = current.span_id
            if current.principal:
                log_data["principal"] = current.principal
        return log_data

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        kept = logging.makeLogRecord(record.__dict__)
        if not _is_ours(record):
            kept.msg, kept.args = str(record.msg), ()
        if record.exc_info and record.exc_info[1] is not None:
            kept.__dict__["cause"] = described(record.exc_info[1])
        kept.exc_info = kept.exc_text = kept.stack_info = None
        return super().format(kept)


class _Split(logging.Formatter):
    """Formats our records as JSON and leaves all others to the host's own formatter."""

    def __init__(self, host: logging.Formatter | None) -> None:
        super().__init__()
        self._host = host or logging.Formatter()
        self._ours = JsonFormatter()

    def format(self, record: logging.LogRecord) -> str:
        return (self._ours if _is_ours(record) else self._host).format(record)


def adopt_host_handlers(level: str) -> None:
    """Set our level, and let the handlers that a host has installed write our lines as JSON.

    Calling it again changes nothing more; without a host's handlers nothing is installed.
    """
    logging.getLogger(_OURS).setLevel(level)
    # Its warnings name host and login; why no connection could be made is told by ourselves.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    for handler in logging.getLogger().handlers:
        if not isinstance(handler.formatter, _Split | JsonFormatter):
            handler.setFormatter(_Split(handler.formatter))


def write_to_stderr() -> None:
    """Write log lines to stderr where no host has handlers: libraries' from WARNING on."""
    root = logging.getLogger()
    if not root.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(JsonFormatter())
        root.addHandler(handler)


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name == _OURS or record.name.startswith(f"{_OURS}.")
