"""Log lines: JSON on whatever stream there is, with the call's ids and without anybody's words."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from zava import observe, trace
from zava.infrastructure.logs import JsonFormatter, adopt_host_handlers, write_to_stderr
from zava.model import Caller

ROOT = Path(__file__).parents[2]


@pytest.fixture
def host() -> Iterator[StringIO]:
    """The handlers of a host that was there first, and nothing of pytest's."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("host %(levelname)s %(message)s"))
    root, ours = logging.getLogger(), logging.getLogger("zava")
    before, level = root.handlers[:], ours.level
    root.handlers = [handler]
    yield stream
    root.handlers = before
    ours.setLevel(level)


def lines(stream: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.requirement("S33")
@pytest.mark.requirement("S36")
def test_hosts_handlers_carry_our_lines_as_json_and_others_as_before(host: StringIO) -> None:
    adopt_host_handlers("INFO")
    handlers = logging.getLogger().handlers[:]
    formatter = handlers[0].formatter
    adopt_host_handlers("INFO")
    write_to_stderr()
    assert logging.getLogger().handlers == handlers
    assert handlers[0].formatter is formatter, "a second time changes nothing"
    logging.getLogger("zava.app").info("ours")
    logging.getLogger("azure").warning("theirs")
    ours, theirs = host.getvalue().splitlines()
    assert json.loads(ours)["message"] == "ours"
    assert theirs == "host WARNING theirs"


@pytest.mark.requirement("S34")
def test_level_is_the_settings(host: StringIO) -> None:
    for level, expected in (("WARNING", []), ("DEBUG", ["told"])):
        adopt_host_handlers(level)
        logging.getLogger("zava.app").debug("told")
        assert [line["message"] for line in lines(host)] == expected


@pytest.mark.requirement("S35")
async def test_line_has_operation_correlation_id_and_who_was_asking(host: StringIO) -> None:
    adopt_host_handlers("DEBUG")
    caller = Caller(UUID(int=7), UUID(int=8))
    begun = trace.begin(f"00-{'ab' * 16}-{'cd' * 8}-01", principal=observe.pseudonym(caller))
    with trace.use(begun):
        async with observe.operation("get_current_utc_date"):
            logging.getLogger("zava.data").info("inside")
    inside, ended = lines(host)
    for line in (inside, ended):
        assert line["correlation_id"] == begun.correlation_id
        assert line["trace_id"] == "ab" * 16
        assert line["principal"] == observe.pseudonym(caller)
        assert str(caller.object_id) not in json.dumps(line)
        assert line["time"].endswith("+00:00")
        assert {"level", "logger", "message", "span_id"} <= line.keys()
    assert ended["operation"] == "get_current_utc_date"
    assert ended["duration_seconds"] >= 0


def test_exception_is_kinds_and_places_and_a_librarys_arguments_are_left_out() -> None:
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("psycopg.pool")
    logger.addHandler(handler)
    try:
        raise ValueError("planted literal")  # noqa: TRY301
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
        "import logging; from zava.infrastructure.logs import *; adopt_host_handlers('INFO');"
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
