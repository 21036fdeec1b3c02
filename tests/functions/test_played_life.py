"""The played host logs, waits and ends as the real one was seen to do."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.functions.host_log import console_level, is_logged, level_of
from tests.functions.host_settings import HostSettings
from tests.functions.hosting import Hosted, played_host
from tests.functions.raw_http import get, parsed, send
from tests.support.suite.patience import patient

ROOT = Path(__file__).parents[2]
RECORDING = ("--app", str(Path(__file__).parent / "recording"))
LEVEL = "AzureFunctionsJobHost__logging__logLevel__"
SHORT = {"AzureFunctionsJobHost__functionTimeout": "00:00:00.3"}


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    log = tmp_path_factory.mktemp("host") / "log"
    settings = {"AzureWebJobsDisableHomepage": "true", f"{LEVEL}Function": "Information"}
    with played_host(*RECORDING, "--log", str(log), settings=settings) as host:
        yield host


async def ask(hosted: Hosted, do: str, seconds: float = 0, *more: str) -> tuple[int, bytes, float]:
    """Have the function do something; return status, body and seconds."""
    parts = urlsplit(hosted.url)
    started = time.monotonic()
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        lines = (f"do: {do}", f"seconds: {seconds}", *more, "Connection: close")
        writer.write(get("/mcp", *lines))
        answer = parsed(await asyncio.wait_for(reader.read(), patient(30)))
    finally:
        writer.close()
    return answer.status, answer.body, time.monotonic() - started


async def is_true(*, within_seconds: float, of: Callable[[], bool]) -> bool:
    """Whether something becomes true in time."""
    until = time.monotonic() + within_seconds
    while not of() and time.monotonic() < until:
        await asyncio.to_thread(os.sched_yield)
    return of()


def test_home_page_can_be_disabled(hosted: Hosted) -> None:
    answer = send(hosted.url, get("/"))
    assert (answer.status, answer.body) == (204, b"")


async def test_line_of_no_running_call_is_dropped(hosted: Hosted) -> None:
    await ask(hosted, "log")
    await ask(hosted, "nothing")  # what was logged after the answer has had its time
    logged = [line["message"] for line in hosted.lines() if line["category"] == "Function.mcp.User"]
    assert logged == ["in the call", "of no weight, in the call", "in a task of the call"]


async def test_lines_of_the_console_have_the_level_of_their_words(hosted: Hosted) -> None:
    def console() -> set[tuple[str, str]]:
        lines = hosted.lines()
        return {
            (line["message"], line["level"])
            for line in lines
            if line["category"] == "Host.Function.Console"
        }

    await ask(hosted, "log")
    # "nothing" and what was printed are Information, which the default level leaves out.
    expected = {
        ("a warning of no error", "Warning"),
        ("an ERROR", "Error"),
        ("it FAILED", "Error"),
        ("severe", "Error"),
    }
    assert await is_true(within_seconds=10, of=lambda: console() == expected)


def test_level_of_a_category_is_that_of_the_longest_pattern() -> None:
    levels = {"default": "Warning", "Function": "Error", "Function.*.User": "Information"}
    assert level_of(levels, "Function.mcp.User") == "Information"
    assert level_of(levels, "Function.mcp") == "Error"
    assert level_of(levels, "Host.Function.Console") == "Warning"
    assert not is_logged(levels, "Host.Function.Console", "Information")
    assert console_level("Nothing of note") == "Information"


def test_lines_of_debug_arrive_where_host_json_lets_them_as_well() -> None:
    def is_told(**overrides: str) -> bool:
        settings = HostSettings.read(ROOT, {f"{LEVEL}{key}": "Debug" for key in overrides.values()})
        return is_logged(settings.levels, "Function.mcp.User", "Debug")

    assert not is_told()
    assert not is_told(key="Function"), "the longer pattern decides"
    assert is_told(key="Function.*.User")


async def test_call_costs_two_lines_where_the_level_lets_them(hosted: Hosted) -> None:
    before = len(hosted.lines())
    await ask(hosted, "nothing")
    await ask(hosted, "nothing")
    logged = [line for line in hosted.lines()[before:] if line["category"] == "Function.mcp"]
    assert len(logged) == 4


async def test_words_and_stack_of_an_exception_are_logged_twice(hosted: Hosted) -> None:
    status, body, _ = await ask(hosted, "fail")
    assert (status, body) == (500, b"")
    told = [line for line in hosted.lines() if "planted words" in line["message"]]
    assert len(told) == 2
    assert all("recording" in line["message"] for line in told), "the stack"


async def test_calls_wait_beside_each_other_and_a_block_holds_all(hosted: Hosted) -> None:
    waited = await asyncio.gather(*(ask(hosted, "hang", 0.3) for _ in range(50)))
    assert max(seconds for *_, seconds in waited) < 3
    before, started = _begun(hosted), time.monotonic()
    blocking = asyncio.create_task(ask(hosted, "block", 1))
    assert await is_true(within_seconds=10, of=lambda: _begun(hosted) > before)
    live = await asyncio.to_thread(send, hosted.url, get("/health/live"))
    assert live.status == 200
    assert time.monotonic() - started > 1, "it waited for the call that blocks"
    assert (await blocking)[0] == 200


@pytest.mark.parametrize("number", ["SIGKILL", "SIGTERM"])
async def test_killed_worker_is_500_at_once_and_another_one_serves_on(
    hosted: Hosted, number: str
) -> None:
    before = json.loads((await ask(hosted, "nothing"))[1])["pid"]
    in_flight, killing = await asyncio.gather(
        ask(hosted, "hang", 25), ask(hosted, "die", 0, f"signal: {number}")
    )
    assert in_flight[:2] == (500, b"")
    assert killing[:2] == (500, b"")
    assert in_flight[2] < 20
    status, body, _ = await ask(hosted, "nothing")
    assert status == 200
    assert json.loads(body)["pid"] != before


async def test_call_over_the_time_out_ends_the_worker_and_the_third_end_is_the_hosts() -> None:
    with played_host(*RECORDING, settings=SHORT) as hosted:
        before = json.loads((await ask(hosted, "nothing"))[1])["pid"]
        # A cancellation that leaves the function is no answer: the host waits for its time. Of the
        # other call, too, though its worker has ended before.
        first, second = await asyncio.gather(ask(hosted, "cancel"), ask(hosted, "hang", 25))
        for status, body, seconds in (first, second):
            assert (status, body) == (500, b"")
            assert 0.2 < seconds < 20
        status, body, _ = await ask(hosted, "nothing")
        assert status == 200
        assert json.loads(body)["pid"] != before
        for _ in range(2):
            assert (await ask(hosted, "hang", 25))[0] == 500
        assert hosted.process.wait(patient(20)) == 0


async def test_stopped_host_lets_calls_in_flight_finish() -> None:
    with played_host(*RECORDING, settings={}) as hosted:
        await ask(hosted, "nothing")
        call = asyncio.create_task(ask(hosted, "hang", 0.8))
        await asyncio.wait({call}, timeout=0.4)
        hosted.process.send_signal(signal.SIGTERM)
        status, _, _ = await call
        assert status == 200
        assert hosted.process.wait(patient(20)) == 0


async def test_client_that_leaves_is_not_told_to_the_function(hosted: Hosted) -> None:
    call = asyncio.create_task(ask(hosted, "hang", 0.4))
    await asyncio.wait({call}, timeout=0.2)
    call.cancel()
    before = _ended(hosted)
    assert await is_true(within_seconds=10, of=lambda: _ended(hosted) > before)


def _begun(hosted: Hosted) -> int:
    return sum(line["message"].startswith("Executing ") for line in hosted.lines())


def _ended(hosted: Hosted) -> int:
    return sum("(Succeeded)" in line["message"] for line in hosted.lines())


def test_settings_of_the_environment_override_host_json() -> None:
    settings = HostSettings.read(ROOT, {**SHORT, f"{LEVEL}default": "Error"})
    assert settings.function_timeout == 0.3
    assert settings.levels["default"] == "Error"
    assert settings.body_limit == 104_857_600
    assert HostSettings.read(ROOT, {}).function_timeout == 60
