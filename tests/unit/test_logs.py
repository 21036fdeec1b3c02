"""Log lines: JSON on whatever stream there is, with the call's ids and without anybody's words."""

import asyncio
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.functions.host_log import console_level
from zava import call_context
from zava.infrastructure.telemetry.json_logs import (
    JsonFormatter,
    adopt_host_handlers,
    call_of_host,
    write_to_stderr,
)
from zava.model.core import Caller
from zava.telemetry import events, redaction

ROOT = Path(__file__).parents[2]


class ToHost(logging.Handler):
    """Keeps what a worker's handler would send to the host."""

    def __init__(self, stream: StringIO) -> None:
        super().__init__()
        self._stream = stream
        self.setFormatter(logging.Formatter("host %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._stream.write(f"{self.format(record)}\n")


@dataclass
class Host:
    """What each handler of a host has written: to the host, and to standard output."""

    sent: StringIO = field(default_factory=StringIO)
    output: StringIO = field(default_factory=StringIO)


@pytest.fixture
def handlers() -> Iterator[Host]:
    """The handlers of a worker of Python 3.13, and nothing of pytest's."""
    host = Host()
    console = logging.StreamHandler(host.output)
    console.setFormatter(logging.Formatter("LanguageWorkerConsoleLog %(message)s"))
    root, ours = logging.getLogger(), logging.getLogger("zava")
    before, level = root.handlers[:], ours.level
    root.handlers = [ToHost(host.sent), console]
    yield host
    root.handlers = before
    ours.setLevel(level)


@pytest.fixture
def host(handlers: Host) -> StringIO:
    """What reaches the host."""
    return handlers.sent


def lines(stream: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.requirement("S33")
@pytest.mark.requirement("S36")
async def test_hosts_handlers_carry_our_lines_as_json_and_others_as_before(
    handlers: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    adopt_host_handlers("INFO")
    installed = logging.getLogger().handlers[:]
    formatter = installed[0].formatter
    adopt_host_handlers("INFO")
    write_to_stderr()
    assert logging.getLogger().handlers == installed
    assert installed[0].formatter is formatter, "a second time changes nothing"
    with call_of_host():
        logging.getLogger("zava.app").info("ours")
        logging.getLogger("azure").warning("theirs")
    ours, theirs = handlers.sent.getvalue().splitlines()
    assert json.loads(ours)["message"] == "ours"
    assert theirs == "host WARNING theirs"
    # Each once to the host: these bear the prefix by which the host leaves them out.
    assert handlers.output.getvalue().splitlines() == [
        "LanguageWorkerConsoleLog ours",
        "LanguageWorkerConsoleLog theirs",
    ]
    assert capsys.readouterr().err == ""


async def test_line_that_the_host_would_drop_goes_to_stderr_once(
    handlers: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    adopt_host_handlers("DEBUG")
    logger = logging.getLogger("zava.data")
    loop = asyncio.get_running_loop()
    with call_of_host():
        logger.warning("in the call")
        await asyncio.create_task(_warn(logger, "in a task of it"))
        await asyncio.to_thread(logger.warning, "in to_thread")
        called = loop.create_future()
        loop.call_soon(logger.warning, "in a callback")
        loop.call_soon(called.set_result, None)
        await called
        thread = threading.Thread(target=logger.critical, args=("in a thread",))
        thread.start()
        thread.join()
        outliving = asyncio.create_task(_warn(logger, "after it"))
    await outliving
    logger.info("of no weight")
    logging.getLogger("opencensus").warning("Forbidden error %s", "planted")
    logging.getLogger("azure.functions").warning("the worker's own")
    sent = handlers.sent.getvalue().splitlines()
    ours = [json.loads(line)["message"] for line in sent if line.startswith("{")]
    assert ours == ["in the call", "in a task of it"]
    texts = capsys.readouterr().err.splitlines()
    written = [json.loads(text) for text in texts]
    assert [line["message"] for line in written] == [
        *("in to_thread", "in a callback", "in a thread", "after it", "Forbidden error %s"),
    ]
    for line, text in zip(written, texts, strict=True):
        expected = "Error" if line["level"] == "CRITICAL" else "Warning"
        assert console_level(text) == expected, "the host reads the level from the words"
        assert line["correlation_id"]


async def _warn(logger: logging.Logger, words: str) -> None:
    logger.warning(words)


@pytest.mark.requirement("S34")
async def test_level_is_the_settings(host: StringIO) -> None:
    for level, expected in (("WARNING", []), ("DEBUG", ["told"])):
        adopt_host_handlers(level)
        with call_of_host():
            logging.getLogger("zava.app").debug("told")
        assert [line["message"] for line in lines(host)] == expected


@pytest.mark.requirement("S35")
async def test_line_has_operation_correlation_id_and_who_was_asking(host: StringIO) -> None:
    adopt_host_handlers("DEBUG")
    caller = Caller(UUID(int=7), UUID(int=8))
    begun = call_context.begin(
        f"00-{'ab' * 16}-{'cd' * 8}-01", principal=redaction.pseudonym(caller)
    )
    with call_of_host(), call_context.use(begun):
        async with events.operation("read_resource"):
            logging.getLogger("zava.data").info("inside")
    inside, ended = lines(host)
    for line in (inside, ended):
        assert line["correlation_id"] == begun.correlation_id
        assert line["trace_id"] == "ab" * 16
        assert line["principal"] == redaction.pseudonym(caller)
        assert str(caller.object_id) not in json.dumps(line)
        assert line["time"].endswith("+00:00")
        assert {"level", "logger", "message", "span_id"} <= line.keys()
    assert ended["operation"] == "read_resource"
    assert ended["duration_seconds"] >= 0


def test_exception_is_kinds_and_places_and_a_librarys_arguments_are_left_out() -> None:
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("psycopg.pool")
    logger.addHandler(handler)
    try:
        raise ValueError("planted literal")  # noqa: TRY301  # the traceback under test
    except ValueError:
        logger.exception("connecting as %s", "planted user", stack_info=True)
    logger.removeHandler(handler)
    assert "planted" not in stream.getvalue()
    (line,) = lines(stream)
    assert line["message"] == "connecting as %s"
    assert line["cause"].startswith("ValueError at test_logs.py:")


@pytest.mark.requirement("S36")
def test_without_a_host_lines_go_to_stderr_and_no_file_is_written(tmp_path: Path) -> None:
    program = (
        "import logging; from zava.infrastructure.telemetry.json_logs import *; adopt_host_handlers('INFO');"
        "write_to_stderr(); write_to_stderr(); logging.getLogger('zava.app').info('told');"
        "logging.getLogger('mcp').info('not told')"
    )
    tmp_path.chmod(0o500)
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = ran.stderr.splitlines()
    assert json.loads(line)["message"] == "told"
    assert ran.stdout == ""
    assert list(tmp_path.iterdir()) == []
