"""Log lines as JSON, one object each, on the stream that the platform reads.

There is no log file: a function app's file system is read-only. Under the Functions host a line
takes one of two ways. The worker's handler carries the lines of a call that runs. The host drops
every other line: those of threads, of callbacks, and of tasks that outlive their call. These go to
stderr from WARNING on, which the host reads, too. Elsewhere all lines go to stderr.
"""

import asyncio
import logging
import threading
from contextvars import ContextVar
from secrets import token_hex
from typing import Any

from pythonjsonlogger.orjson import OrjsonFormatter

from zava import call_context
from zava.telemetry.redaction import described

_OURS = "zava"
_OF_THE_WORKER = ("azure.functions", "azure_functions")  # the host takes these at any time
_FIELDS = ("levelname", "name", "message")
_NAMES = {"levelname": "level", "name": "logger"}
# What a line of no call is known by: all of one process have the same.
_PROCESS_ID = token_hex(16)


class _Call:
    """An invocation of the host's, and the thread in which it runs."""

    # Two methods instead of a generator: each request enters one.
    __slots__ = ("_before", "is_running", "thread")

    def __init__(self) -> None:
        self.is_running = True
        self.thread = threading.get_ident()

    def __enter__(self) -> None:
        self._before = _call.set(self)

    def __exit__(self, *_: object) -> None:
        self.is_running = False
        _call.reset(self._before)


_call: ContextVar[_Call | None] = ContextVar("zava_call_of_host", default=None)


def call_of_host() -> _Call:
    """Let log lines of a `with` block's tasks go to the host, as lines of one of its calls."""
    return _Call()


def _is_in_call() -> bool:
    """Whether the host takes a line that is logged at this place, because its call runs."""
    call = _call.get()
    if call is None or not call.is_running or call.thread != threading.get_ident():
        return False
    try:
        return asyncio.current_task() is not None
    except RuntimeError:  # no loop runs here
        return False


class JsonFormatter(OrjsonFormatter):
    """Formats a record with the current call's ids; an exception as kinds and places only.

    A library's line keeps its template and loses its arguments: those may hold SQL and values.
    """

    def __init__(self) -> None:
        super().__init__(_FIELDS, rename_fields=_NAMES, timestamp="time")

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Add what the current call is known by."""
        current = call_context.current()
        if current is None:
            log_data.setdefault("correlation_id", _PROCESS_ID)
            return log_data
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
        if record.levelno >= logging.CRITICAL:
            kept.__dict__["severity"] = "error"  # a word that the host knows; of CRITICAL none
        return super().format(kept)


class _Split(logging.Formatter):
    """Formats our records as JSON and leaves all others to the host's own formatter."""

    def __init__(self, host: logging.Formatter | None) -> None:
        super().__init__()
        self._host = host or logging.Formatter()
        self._ours = JsonFormatter()

    def format(self, record: logging.LogRecord) -> str:
        return (self._ours if _is_ours(record) else self._host).format(record)


class _BesideCalls(logging.StreamHandler[Any]):
    """Writes to stderr what the host would drop."""

    def __init__(self) -> None:
        super().__init__()
        self.setLevel(logging.WARNING)  # below, the host's own level would drop the line
        self.setFormatter(JsonFormatter())
        self.addFilter(lambda record: not _is_in_call() and not _is_of_the_worker(record))


def adopt_host_handlers(level: str) -> None:
    """Set our level, and give our lines to the handler by which a host takes them, as JSON.

    A handler that writes to a stream is left as it is. The worker of Python 3.13 marks its lines
    there with a prefix, by which the host leaves them out. Calling this again changes nothing
    more; without a host's handlers nothing is installed.
    """
    logging.getLogger(_OURS).setLevel(level)
    # Its warnings name host and login; why no connection could be made is told by ourselves.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    root = logging.getLogger()
    elsewhere = (logging.StreamHandler, logging.NullHandler)
    to_host = [each for each in root.handlers if not isinstance(each, elsewhere)]
    for handler in to_host:
        if not isinstance(handler.formatter, _Split | JsonFormatter):
            handler.setFormatter(_Split(handler.formatter))
            handler.addFilter(lambda record: not _is_ours(record) or _is_in_call())
    if to_host and not any(isinstance(each, _BesideCalls) for each in root.handlers):
        root.addHandler(_BesideCalls())


def write_to_stderr() -> None:
    """Write log lines to stderr where no host has handlers: libraries' from WARNING on."""
    root = logging.getLogger()
    if not root.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(JsonFormatter())
        root.addHandler(handler)


def warnings_alone() -> None:
    """Write no line below WARNING to stderr any more: the process ends, and a person reads that."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, JsonFormatter):
            handler.setLevel(logging.WARNING)


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name == _OURS or record.name.startswith(f"{_OURS}.")


def _is_of_the_worker(record: logging.LogRecord) -> bool:
    return record.name.startswith(_OF_THE_WORKER)
