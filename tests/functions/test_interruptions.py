"""Whatever hangs, fails or is cancelled inside a request, its client is answered in time."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import azure.functions as func
import orjson
import pytest

import function_app
from tests.functions.stepping import disturbed
from tests.support.answers.rpc import MODERN, UNUSUAL, request
from tests.support.servers.database import Database
from tests.support.suite.patience import patient
from zava import cold_start
from zava.app import Application, compose
from zava.infrastructure.local.state_dir import StateDirectory
from zava.protocol.auth.jwks import RemoteKeys
from zava.protocol.auth.tokens import KeySource, TokenAuthenticator
from zava.protocol.http.endpoint import Endpoint
from zava.protocol.tools.tool import ERROR_META
from zava.settings import Settings

ROOT = Path(__file__).parents[2]
BUDGET = 0.25
MAX_AWAITS = 200
COLD_AWAITS = 16
QUERY = {
    "name": "execute_sales_query",
    "arguments": {"postgresql_query": "SELECT store_name FROM retail.stores"},
}
FIGURES = {
    "name": "query_metrics",
    "arguments": {"metrics": ["net_sales"], "time_period": "2026-06"},
}
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "a statement": ("tools/call", QUERY),
    "a statement through the SDK": ("tools/call", QUERY | UNUSUAL),
    "figures": ("tools/call", FIGURES),
    "a product search": (
        "tools/call",
        {"name": "semantic_search_products", "arguments": {"query_description": "hammer"}},
    ),
    "a resource": ("resources/read", {"uri": "zava://budget"}),
}


@pytest.fixture(scope="module")
async def own(
    database: Database, home: StateDirectory, context_keys: list[str]
) -> AsyncIterator[Application]:
    """An app whose requests have little time."""
    settings = Settings.model_validate({"ZAVA_HOME": home.path, "ZAVA_POOL_MAX": "2"})
    application = compose(settings, conninfo=database.server, context_keys=context_keys)
    yield application
    await application.close()


@pytest.fixture
def short(own: Application, monkeypatch: pytest.MonkeyPatch) -> Application:
    monkeypatch.setattr("zava.app.endpoint", lambda: own.endpoint)
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.protocol.http.endpoint._ANSWER_SECONDS", 0.1)
    monkeypatch.setattr("zava.data.session.executor.GRACE_SECONDS", 0)
    # No setting shortens the time of a call, and a test cannot wait for it.
    monkeypatch.setattr(own.endpoint, "_call_seconds", BUDGET)
    return own


def invocation(
    method: str, params: dict[str, Any] | None, token: str | None
) -> Coroutine[Any, Any, func.HttpResponse]:
    """Return one call of the route /mcp, as the platform's worker makes it."""
    headers, body = request(MODERN, method, params, token)
    asked = func.HttpRequest("POST", "http://localhost/mcp", headers=headers, body=body)
    called = function_app.mcp.build().get_user_function()
    answering: Coroutine[Any, Any, func.HttpResponse] = called(asked)
    return answering


async def each_await(
    make: Callable[[], Coroutine[Any, Any, func.HttpResponse]], how: Literal["cancel", "hang"]
) -> list[func.HttpResponse]:
    """Disturb a request at each of its awaits in turn; return the answers."""
    answers: list[func.HttpResponse] = []
    for number in range(1, MAX_AWAITS):
        started = time.monotonic()
        answer, is_reached = await disturbed(make(), number, how)
        assert time.monotonic() - started < 10 * BUDGET, f"{how} at await {number}"
        if not is_reached:
            return answers
        answers.append(answer)
    pytest.fail("the request has more awaits than were expected")


def check(answer: func.HttpResponse) -> None:
    """A right answer, an error of the tool, or the words to come back."""
    content = orjson.loads(answer.get_body())
    assert answer.status_code in {200, 503}, content
    if answer.status_code == 503:
        assert content["error"]["code"] == -32004
        assert content["error"]["data"]["correlation_id"]
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("how", ["cancel", "hang"])
@pytest.mark.parametrize("what", CALLS)
async def test_request_is_answered_whichever_of_its_awaits_is_cancelled_or_hangs(
    short: Application, tokens: dict[str, str], what: str, how: Literal["cancel", "hang"]
) -> None:
    method, params = CALLS[what]
    short.endpoint._call_seconds = 30
    await invocation(method, params, tokens["seattle"])  # the parts are loaded
    short.endpoint._call_seconds = BUDGET
    answers = await each_await(lambda: invocation(method, params, tokens["seattle"]), how)
    assert answers
    for answer in answers:
        check(answer)
    # Nothing stays taken: the same request is answered as before.
    short.endpoint._call_seconds = 30
    whole = await invocation(method, params, tokens["seattle"])
    assert whole.status_code == 200
    assert "error" not in orjson.loads(whole.get_body())


@pytest.mark.parametrize("how", ["cancel", "hang"])
async def test_first_request_of_a_process_is_answered_as_well(
    database: Database,
    home: StateDirectory,
    context_keys: list[str],
    tokens: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    how: Literal["cancel", "hang"],
) -> None:
    monkeypatch.setattr("zava.protocol.http.endpoint._ANSWER_SECONDS", 0.1)
    monkeypatch.setattr("zava.data.session.executor.GRACE_SECONDS", 0)
    served: ContextVar[Endpoint] = ContextVar("served")
    monkeypatch.setattr("zava.app.endpoint", served.get)
    settings = Settings.model_validate({"ZAVA_HOME": home.path})

    await cold_start._load()  # a load that is disturbed has a test of its own
    few = asyncio.Semaphore(4)  # at once: connecting takes the machine's time

    async def first(number: int) -> tuple[func.HttpResponse, bool]:
        async with few:
            cold = compose(settings, conninfo=database.server, context_keys=context_keys)
            cold.endpoint._call_seconds = 4 * BUDGET if how == "hang" else 30
            served.set(cold.endpoint)
            asked = invocation("tools/call", QUERY, tokens["seattle"])
            try:
                return await disturbed(asked, number, how)
            finally:
                await cold.close()

    answers = await asyncio.gather(*(first(number) for number in range(1, COLD_AWAITS)))
    for answer, _ in answers:
        check(answer)
    assert sum(is_reached for _, is_reached in answers) > 4, "the pool, the proof, the statement"


@pytest.mark.parametrize("how", ["cancel", "hang"])
async def test_sign_in_that_hangs_or_is_cancelled_is_answered(
    short: Application,
    tokens: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    how: Literal["cancel", "hang"],
) -> None:
    class Slow:
        """An issuer that takes a moment for each key."""

        async def key(self, key_id: str) -> Any:
            await asyncio.to_thread(time.monotonic)
            return await keys.key(key_id)

    # No public name leads to this part: the test changes its sources or calls it alone.
    authenticator = short.endpoint._authenticator
    assert isinstance(authenticator, TokenAuthenticator)
    # The directory is replaced by one that is slow or silent.
    keys: KeySource = authenticator._directory.keys
    replaced = replace(authenticator._directory, keys=Slow())
    monkeypatch.setattr(authenticator, "_directory", replaced)
    authenticator._verified.clear()  # a known token is checked with the keys that verified it
    answers = await each_await(lambda: invocation("tools/list", None, tokens["seattle"]), how)
    assert answers
    for answer in answers:
        check(answer)


async def test_issuer_that_never_answers_costs_no_more_than_the_time_of_a_call(
    short: Application, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    authenticator = short.endpoint._authenticator
    assert isinstance(authenticator, TokenAuthenticator)
    answers = asyncio.Event()
    loop = asyncio.get_running_loop()

    def fetch(_: str) -> bytes:
        asyncio.run_coroutine_threadsafe(answers.wait(), loop).result(patient(20))
        return b"{}"

    silent = RemoteKeys("https://issuer", fetch=fetch)
    replaced = replace(authenticator._directory, keys=silent)
    monkeypatch.setattr(authenticator, "_directory", replaced)
    authenticator._verified.clear()  # a known token is checked with the keys that verified it
    authenticator._verified.clear()
    try:
        started = time.monotonic()
        many = [invocation("tools/list", None, tokens["seattle"]) for _ in range(5)]
        answered = await asyncio.gather(*many)
        assert time.monotonic() - started < 10 * BUDGET
    finally:
        answers.set()
    # The keys of before serve on; there were none.
    assert {answer.status_code for answer in answered} <= {401, 503}
    assert len(answered) == 5


async def test_first_load_that_hangs_or_is_cancelled_is_answered(
    short: Application, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = asyncio.Event()
    loop = asyncio.get_running_loop()
    real = cold_start.loaded_app

    def load() -> Any:
        asyncio.run_coroutine_threadsafe(loads.wait(), loop).result(patient(20))
        return real()

    monkeypatch.setattr(cold_start, "loaded_app", load)
    # A process is cold once: the test makes this one cold again.
    monkeypatch.setattr(cold_start, "_app", None)
    # A process is cold once: the test makes this one cold again.
    monkeypatch.setattr(cold_start, "_loading", None)
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr(cold_start, "_LOADING_SECONDS", BUDGET)
    started = time.monotonic()
    late = await asyncio.gather(*(invocation("tools/list", None, None) for _ in range(10)))
    assert time.monotonic() - started < 10 * BUDGET
    for answer in late:
        assert answer.status_code == 503
        assert orjson.loads(answer.get_body())["error"] == "This server cannot start: TimeoutError."
    cancelled, _ = await disturbed(invocation("tools/list", None, None), 1, "cancel")
    assert cancelled.status_code == 503
    loads.set()
    # The load of before goes on and serves all who come.
    whole = await invocation("tools/list", None, tokens["seattle"])
    assert whole.status_code == 200
    assert short.endpoint._call_seconds == BUDGET


async def test_time_of_the_load_is_part_of_the_requests(
    short: Application, tokens: dict[str, str]
) -> None:
    headers, body = request(MODERN, "tools/call", QUERY, tokens["seattle"])
    short.endpoint._call_seconds = 30
    for ago, code in ((0.0, None), (30.0, "BUSY")):
        since = time.monotonic() - ago
        answer = await short.endpoint.handle("POST", "/mcp", headers, body, since=since)
        result = orjson.loads(answer.body)["result"]
        assert result.get("_meta", {}).get(ERROR_META, {}).get("code") == code


def test_import_of_the_function_app_cannot_fail_and_what_fails_later_is_answered() -> None:
    program = """
import asyncio, json, sys
class Broken:
    def find_spec(self, name, *_):
        if name == "zava" or name.startswith("zava."):
            raise {failure}
sys.meta_path.insert(0, Broken())
import azure.functions as func, function_app
async def main():
    for name, path in (("mcp", "mcp"), ("health_ready", "health/ready"), ("health_live", "health/live")):
        called = getattr(function_app, name).build().get_user_function()
        answer = await called(func.HttpRequest("GET", "http://localhost/" + path, body=b""))
        print(answer.status_code, answer.get_body().decode())
asyncio.run(main())
"""
    for failure, sentence in (
        (
            "ModuleNotFoundError('planted', name='psycopg')",
            "ModuleNotFoundError: the module psycopg.",
        ),
        ("OSError('planted')", "OSError."),
        ("SyntaxError('planted')", "SyntaxError."),
    ):
        ran = subprocess.run(
            [sys.executable, "-c", program.replace("{failure}", failure)],
            cwd=ROOT,
            env={},
            capture_output=True,
            text=True,
            check=True,
        )
        mcp, ready, live = ran.stdout.splitlines()
        expected = {"status": "unhealthy", "error": f"This server cannot start: {sentence}"}
        for line in (mcp, ready):
            status, _, content = line.partition(" ")
            assert status == "503"
            assert orjson.loads(content) == expected
        assert live == '200 {"status": "alive"}'
        assert "planted" not in ran.stdout + ran.stderr
        assert f"not started: {expected['error']}" in ran.stderr
