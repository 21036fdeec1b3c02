"""How far a statement's way is from the endpoint to libpq, in frames and in function calls."""

import sys
from collections.abc import AsyncIterator, Callable
from math import inf
from types import FrameType
from typing import Any

import pytest

from tests.support.answers.rpc import LEGACY, MODERN, request
from tests.support.servers.database import Database
from zava.app import Application, compose
from zava.data.session import pipeline
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.postgres import connection
from zava.protocol.http.endpoint import Endpoint
from zava.settings import Settings
from zava.telemetry import sinks

MAX_FRAMES = 15
MAX_CALLS = 265
MAX_REQUESTS = 2000
ARGUMENTS = {"postgresql_query": "SELECT store_name, region FROM retail.stores"}
TO_LIBPQ = {pipeline.__file__, connection.__file__}
Profile = Callable[[FrameType, str, Any], None]


@pytest.fixture
async def alone(
    database: Database,
    home: StateDirectory,
    context_keys: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Application]:
    """An app of its own: where others have asked of late, a request waits for its turns.

    Sinks that other tests have attached are left out: a request is reported to each.
    """
    monkeypatch.setattr(sinks, "_sinks", ())
    monkeypatch.setattr(sinks, "span_sinks", ())
    settings = Settings.model_validate({"ZAVA_HOME": home.path})
    application = compose(settings, conninfo=database.server, context_keys=context_keys)
    yield application
    await application.close()


async def profiled(application: Application, token: str, era: str, profile: Profile) -> None:
    """Send one call for one row while each event of the interpreter goes to `profile`."""
    params = {"name": "execute_sales_query", "arguments": ARGUMENTS}
    headers, body = request(era, "tools/call", params, token)
    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        answer = await application.endpoint.handle("POST", "/mcp", headers, body)
    finally:
        sys.setprofile(before)
    assert answer.status == 200
    assert b'"row_count":1' in answer.body


async def counted(application: Application, token: str, era: str) -> int:
    """Return the function calls of one request; each resumption of a coroutine is one more."""
    calls = 0

    def profile(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    await profiled(application, token, era, profile)
    return calls


@pytest.mark.parametrize("era", [LEGACY[-1], MODERN])
async def test_statement_passes_at_most_fifteen_frames_on_its_way_to_libpq(
    alone: Application, tokens: dict[str, str], era: str
) -> None:
    stacks: list[list[str]] = []

    def profile(frame: FrameType, event: str, _argument: Any) -> None:
        if event != "call" or frame.f_code.co_filename not in TO_LIBPQ:
            return
        stack, link = [], frame
        while link.f_code is not Endpoint.handle.__code__ and link.f_back is not None:
            stack.append(link.f_code.co_qualname)
            link = link.f_back
        stacks.append([link.f_code.co_qualname, *reversed(stack)])

    for _ in range(2):  # the first one prepares the statements of the connection
        stacks.clear()
        await profiled(alone, tokens["seattle"], era, profile)
    sent = [stack for stack in stacks if stack[0] == "Endpoint.handle"]
    names = {stack[-1].rpartition(".")[2] for stack in sent}
    assert {"add_call", "_execute", "_exchange", "drive"} <= names
    deepest = max(sent, key=len)
    assert len(deepest) <= MAX_FRAMES, deepest


@pytest.mark.parametrize("era", [LEGACY[-1], MODERN])
async def test_warm_request_for_one_row_makes_few_function_calls(
    alone: Application, tokens: dict[str, str], era: str
) -> None:
    # In how many parts an answer arrives is the server's, and each part resumes every coroutine. One
    # that arrives in a single part comes within some thirty requests.
    counts: list[int] = []
    while min(counts, default=inf) > MAX_CALLS and len(counts) < MAX_REQUESTS:
        counts.append(await counted(alone, tokens["seattle"], era))
    assert min(counts) <= MAX_CALLS, counts
