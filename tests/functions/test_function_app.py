"""function_app.py as Azure Functions would run it."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.functions.host_log import is_logged
from tests.functions.worker import Worker
from tests.sign_in.broker import HOST, Client, settings_of
from tests.sign_in.served import directory as served_directory
from tests.support.answers.rpc import LEGACY, MODERN, request
from tests.support.servers.database import Database
from tests.support.suite.patience import patient
from zava.app import Application, compose
from zava.model.core import Caller
from zava.protocol.http_responses import HttpResponse
from zava.settings import Settings, SettingsError

ROOT = Path(__file__).parents[2]

ROUTES = {
    "mcp": "mcp",
    "metadata": ".well-known/oauth-protected-resource",
    "metadata_of_mcp": ".well-known/oauth-protected-resource/mcp",
    "metadata_of_sign_in": ".well-known/oauth-authorization-server",
    "sign_in": "oauth/{part}",
    "console": "console/{*rest}",
    "health_live": "health/live",
    "health_ready": "health/ready",
}


@pytest.fixture(scope="session")
async def worker() -> Worker:
    """The worker library indexes an app once in a process."""
    worker = Worker()
    await worker.start()
    return worker


@pytest.fixture(autouse=True)
def served(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """The app of the tests stands where the environment's would."""
    monkeypatch.setattr("zava.app.endpoint", lambda: application.endpoint)


METHODS = {
    "mcp": {"GET", "POST", "DELETE", "HEAD", "OPTIONS"},
    "sign_in": {"GET", "POST", "HEAD", "OPTIONS"},
    "console": {"GET", "POST", "HEAD", "OPTIONS"},
}


async def test_metadata_of_every_function(worker: Worker) -> None:
    assert {name: worker.trigger(name)["route"] for name in worker.functions} == ROUTES
    for name, function in worker.functions.items():
        trigger, answer = sorted(
            map(json.loads, function.raw_bindings), key=lambda b: b["type"], reverse=True
        )
        assert trigger["type"] == "httpTrigger"
        assert trigger["authLevel"] == "ANONYMOUS"
        assert set(trigger["methods"]) == METHODS.get(name, {"GET", "HEAD", "OPTIONS"})
        assert (answer["type"], answer["direction"], answer["name"]) == ("http", "OUT", "$return")
        assert function.script_file == "function_app.py"
        assert function.entry_point == name
        assert function.language == "python"
        assert not function.is_proxy
        reserved = trigger["route"].split("/")[0]
        assert not reserved.startswith(("admin", "runtime")), "the host keeps these for itself"


async def test_host_is_told_what_the_app_needs() -> None:
    host = json.loads((ROOT / "host.json").read_text())
    assert host["extensions"]["http"]["routePrefix"] == ""
    assert "extensionBundle" not in host, "an HTTP app needs none, and starts sooner"
    hours, minutes, seconds = map(int, host["functionTimeout"].split(":"))
    deadline = Settings.model_validate({}).statement_timeout_seconds
    assert deadline < hours * 3600 + minutes * 60 + seconds <= 300
    levels = host["logging"]["logLevel"]
    assert is_logged(levels, "Function.mcp.User", "Information"), "what zava logs in a call"
    assert is_logged(levels, "Host.Function.Console", "Warning"), "what it logs beside calls"
    assert not is_logged(levels, "Function.mcp", "Information"), "two lines a call of the host's"
    # An anonymous request with a malformed Host costs an exception of 7 kB: sampling bounds them.
    sampling = host["logging"]["applicationInsights"]["samplingSettings"]
    assert sampling == {"isEnabled": True, "excludedTypes": "Request"}


def test_worker_library_is_pinned_where_log_lines_keep_their_calls_id() -> None:
    from azure_functions_runtime.utils.executor import invocation_id_cv

    assert invocation_id_cv.get() is None, "each context has an id of its own"
    for name in ("requirements.txt", "requirements-worker.txt"):
        locked = re.search(r"^azure-functions-runtime==(\d+)\.(\d+)", _read(name), re.MULTILINE)
        assert locked is not None
        assert (int(locked[1]), int(locked[2])) >= (1, 3)


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_nothing_heavy_is_imported_before_the_first_request() -> None:
    script = (
        "import sys, function_app\n"
        "heavy = {'azure.identity', 'mcp', 'openai', 'opencensus', 'psycopg', 'pydantic', 'zava.app'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
    text = (ROOT / "function_app.py").read_text()
    assert "FastAPI()" not in text, "the worker looks for these words"
    assert "from fastapi import" not in text


async def test_live_and_ready_answer(worker: Worker) -> None:
    assert (await worker.invoke("GET", "/health/live")).status == 200
    ready = await worker.invoke("GET", "/health/ready")
    assert ready.status == 200
    assert orjson.loads(ready.body)["checks"]["isolation"] == "healthy"


async def test_get_is_not_held_open(worker: Worker) -> None:
    answer = await asyncio.wait_for(worker.invoke("GET", "/mcp"), timeout=patient(2))
    assert answer.status == 405


async def test_no_token_is_challenged(worker: Worker) -> None:
    headers, body = request(MODERN, "tools/list")
    answer = await worker.invoke("POST", "/mcp", headers, body)
    assert answer.status == 401
    assert "resource_metadata" in answer.headers["www-authenticate"]


@pytest.mark.parametrize("era", [*LEGACY, MODERN])
async def test_both_eras_are_served(worker: Worker, tokens: dict[str, str], era: str) -> None:
    arguments = {"postgresql_query": "SELECT store_name FROM retail.stores"}
    params = {"name": "execute_sales_query", "arguments": arguments}
    headers, body = request(era, "tools/call", params, tokens["kirkland"])
    answer = await worker.invoke("POST", "/mcp", headers, body)
    assert answer.status == 200
    rows = orjson.loads(answer.body)["result"]["structuredContent"]["rows"]
    assert rows == [["Zava Retail Kirkland"]]


@pytest.mark.parametrize(
    "path",
    sorted(
        f"/{route}".replace("{part}", "authorize").replace("{*rest}", "explore")
        for route in ROUTES.values()
    ),
)
@pytest.mark.parametrize("failure", ["setting", "import"])
async def test_app_that_cannot_start_answers_all_the_same(
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    path: str,
    failure: str,
) -> None:
    def fail() -> None:
        if failure == "setting":
            raise SettingsError("PGPORT: expected a valid integer")
        raise ImportError("planted-name")

    monkeypatch.setattr("zava.app.endpoint", fail)
    answer = await worker.invoke("GET", path)
    is_live = path == "/health/live"
    # What not every deployment offers is not there in one that cannot start.
    is_optional = "oauth-auth" in path or path.startswith(("/oauth/", "/console/"))
    assert answer.status == (200 if is_live else 404 if is_optional else 503)
    assert answer.headers["content-type"] == "application/json"
    sentence = {
        "setting": "this server is not configured: PGPORT: expected a valid integer",
        "import": "this server cannot start: ImportError",
    }[failure]
    assert is_live or is_optional or orjson.loads(answer.body)["error"] == sentence
    assert b"planted" not in answer.body
    assert ("PGPORT" in caplog.text) == (failure == "setting")
    assert "planted" not in caplog.text, "a cause's own words may hold a customer's"
    assert ("ImportError at " in caplog.text) == (failure == "import")


async def test_answer_whose_rows_cannot_be_read_is_answered_and_closed(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []

    async def parts() -> AsyncGenerator[bytes, None]:
        try:
            yield b"the first"
            raise OSError("planted")
        finally:
            closed.append(True)

    class Failing:
        async def handle(self, *_: Any, **__: Any) -> HttpResponse:
            return HttpResponse(200, {}, b"", parts())

    monkeypatch.setattr("zava.app.endpoint", Failing)
    answer = await worker.invoke("POST", "/console/export", {}, b"{}")
    assert answer.status == 503
    assert orjson.loads(answer.body)["error"] == "The rows of the answer cannot be read: OSError."
    assert closed == [True]


@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("http://[/mcp", b""),
        ("http://localhost/mcp?%", b"\xff\xfe"),
        ("/mcp", b"{"),
        ("http://localhost", b""),
        ("http://localhost//mcp", b"[" * 100_000),
        ("", b""),
    ],
)
async def test_no_request_makes_an_exception_that_reaches_the_host(
    worker: Worker, tokens: dict[str, str], url: str, body: bytes
) -> None:
    headers = {"authorization": f"Bearer {tokens['seattle']}", "content-type": "application/json"}
    answer = await worker.invoke("POST", "/mcp", headers, body, url=url)
    assert 400 <= answer.status < 500
    assert orjson.loads(answer.body)


async def test_exception_inside_becomes_an_answer_without_its_words(
    worker: Worker,
    application: Application,
    tokens: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("postgresql://planted:secret@db.internal")

    monkeypatch.setattr(application.endpoint.sdk_bridge, "handle", fail)
    headers, body = request(MODERN, "prompts/list", None, tokens["seattle"])
    answer = await worker.invoke("POST", "/mcp", headers, body)
    assert answer.status == 500
    assert b"planted" not in answer.body
    assert orjson.loads(answer.body)["error"]["data"]["correlation_id"]


async def test_cookie_and_redirect_of_a_sign_in_pass_the_worker_library(
    worker: Worker,
    database: Database,
    context_keys: list[str],
    callers: dict[str, Caller],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served_directory(callers["seattle"]) as directory:
        given = settings_of(directory, ZAVA_SIGN_IN_CLIENT_SECRET="of this test")
        deployed = compose(
            Settings.model_validate(given), conninfo=database.server, context_keys=context_keys
        )
        monkeypatch.setattr("zava.app.endpoint", lambda: deployed.endpoint)
        address = await Client(deployed.endpoint).address()
        answer = await worker.invoke("GET", "/oauth/authorize", {"host": HOST}, url=address)
        await deployed.close()
    assert answer.status == 302
    assert answer.headers["location"].startswith(directory.base)
    name, _, attributes = answer.headers["set-cookie"].partition("=")
    assert name == "__Host-zava-sign-in"
    assert attributes.split("; ")[1:] == [
        *("max-age=600", "path=/", "secure", "httponly", "samesite=lax")
    ]
