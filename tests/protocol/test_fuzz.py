"""Whatever arrives, the answer is one of ours: no 5xx, no hang, no traceback, nothing internal."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator

import pytest

from tests.protocol.fuzz import Fuzzed, requests
from tests.support.servers.database import SERVER_PASSWORD, Database
from tests.support.suite.patience import patient
from zava.app import Application, compose
from zava.infrastructure.local.state_dir import StateDirectory
from zava.protocol.tools.tool import ERROR_META
from zava.settings import Settings

SEED = 20261124
_AT_ONCE = 10
_ANSWER_SECONDS = 20
_INTERNAL = re.compile(
    r"Traceback|File \\?\"|site-packages|psycopg|pydantic|orjson|starlette|zava_|\brun_[a-z]+_m"
    rf"|{SERVER_PASSWORD}|errors\.pydantic|0x[0-9a-f]{{8,}}|NoneType",
)


@pytest.fixture
async def impatient(
    database: Database, home: StateDirectory, context_keys: list[str]
) -> AsyncIterator[Application]:
    """The app with a short deadline: some of what is sent would count for hours."""
    settings = Settings.model_validate(
        {"ZAVA_HOME": home.path, "ZAVA_STATEMENT_TIMEOUT_SECONDS": 1}
    )
    application = compose(settings, conninfo=database.server, context_keys=context_keys)
    yield application
    await application.close()


async def check(application: Application, sent: Fuzzed) -> int:
    async with asyncio.timeout(patient(_ANSWER_SECONDS)):
        answer = await application.endpoint.handle(sent.method, "/mcp", sent.headers, sent.body)
    text = answer.body.decode()
    assert answer.status < 500, (sent, text)
    # Between quotes stands what the caller sent; only around it could be something of ours.
    found = _INTERNAL.search(text)
    assert found is None or found[0].encode() in sent.body, (sent, text)
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        text = text.rpartition("data: ")[2]
    if text:
        body = json.loads(text)
        error = body.get("error")
        if isinstance(error, dict):
            # The one thing that may go wrong inside: all connections are taken.
            assert error["code"] != -32603 or error["data"]["code"] == "BUSY", (sent, text)
            assert error["message"], (sent, text)
        result = body.get("result") or {}
        if result.get("isError"):
            assert result["_meta"][ERROR_META]["code"] != "MCP_ERROR", (sent, text)
    return answer.status


async def fuzz(application: Application, token: str, count: int) -> set[int]:
    """Send that many requests, some at a time, and return which statuses they met."""
    seen: set[int] = set()
    waiting = list(requests(SEED, count, token))
    for first in range(0, count, _AT_ONCE):
        batch = waiting[first : first + _AT_ONCE]
        seen |= set(await asyncio.gather(*(check(application, sent) for sent in batch)))
    return seen


def failures(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What was logged as an error, but for statements that PostgreSQL could not read or run."""
    return [
        one
        for one in caplog.records
        if one.levelno >= logging.ERROR and one.__dict__.get("code") != "DATABASE_ERROR"
    ]


async def test_500_spoilt_requests_meet_an_answer_of_ours(
    impatient: Application, tokens: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    seen = await fuzz(impatient, tokens["seattle"], 500)
    assert {200, 400, 405} <= seen, "some pass, some are refused"
    assert not failures(caplog)


@pytest.mark.long
async def test_5000_spoilt_requests_meet_an_answer_of_ours(
    impatient: Application, tokens: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    await fuzz(impatient, tokens["seattle"], 5000)
    assert not failures(caplog)
