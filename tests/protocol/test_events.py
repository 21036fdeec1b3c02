"""Progress and log messages reach who asked for them, in one buffered event stream."""

import json
from typing import Any

import pytest

from tests.outside.fixtures_server import with_fixtures
from tests.support.answers.rpc import ERAS, LEGACY, MODERN, request
from zava.app import Application
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuer
from zava.protocol.http_responses import HttpResponse
from zava.retail.demo.principals import demo_callers

LOG_LEVEL = {"io.modelcontextprotocol/logLevel": "info"}


@pytest.fixture
async def talkative(application: Application) -> Application:
    """The app with tools that tell of their progress."""
    sdk_bridge = application.endpoint.sdk_bridge
    # The server of the SDK is made once, at first use; the test replaces it before.
    make_server = sdk_bridge._make_server
    sdk_bridge._make_server = lambda: with_fixtures(make_server())
    return application


async def call(
    application: Application, token: str, era: str, tool: str, meta: Any, **changed: str
) -> HttpResponse:
    params = {"name": tool, "arguments": {}, "_meta": meta}
    headers, body = request(era, "tools/call", params, token)
    return await application.endpoint.handle("POST", "/mcp", headers | changed, body)


def events(answer: HttpResponse) -> list[dict[str, Any]]:
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = answer.body.decode().splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


@pytest.mark.parametrize("era", ERAS)
async def test_progress_comes_before_the_result(
    talkative: Application, tokens: dict[str, str], era: str
) -> None:
    meta = {"progressToken": "p-1"}
    answer = await call(talkative, tokens["seattle"], era, "test_tool_with_progress", meta)
    assert answer.status == 200
    *told, last = events(answer)
    assert [one["params"]["progress"] for one in told] == [0, 50, 100]
    assert {one["params"]["progressToken"] for one in told} == {"p-1"}
    assert last["id"] == 7
    assert last["result"]["content"][0]["text"] == "Done."


async def test_log_messages_come_where_the_request_names_a_level(
    talkative: Application, tokens: dict[str, str]
) -> None:
    tool = "test_tool_with_logging"
    asked = await call(talkative, tokens["seattle"], MODERN, tool, LOG_LEVEL)
    *told, last = events(asked)
    assert [one["method"] for one in told] == ["notifications/message"] * 3
    assert last["id"] == 7
    silent = await call(talkative, tokens["seattle"], MODERN, tool, {})
    assert silent.headers["content-type"] == "application/json"
    assert json.loads(silent.body)["result"]["content"]


@pytest.mark.parametrize("era", [LEGACY[-1], MODERN])
async def test_client_that_takes_only_json_gets_the_result_alone(
    talkative: Application, tokens: dict[str, str], era: str
) -> None:
    meta = {"progressToken": 1}
    answer = await call(
        talkative,
        tokens["seattle"],
        era,
        "test_tool_with_progress",
        meta,
        accept="application/json",
    )
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.body)["result"]["content"][0]["text"] == "Done."


@pytest.mark.parametrize("era", ERAS)
async def test_missing_scope_stays_a_403_where_events_were_asked_for(
    application: Application, home: StateDirectory, era: str
) -> None:
    seattle = demo_callers()["seattle"]
    token = LocalIssuer(home).token(
        tenant_id=seattle.tenant_id,
        object_id=seattle.object_id,
        name="seattle",
        scopes="sales.read",
    )
    params = {
        "name": "execute_sales_query",
        "arguments": {"postgresql_query": "SELECT 1"},
        "_meta": {"progressToken": 1},
    }
    headers, body = request(era, "tools/call", params, token)
    answer = await application.endpoint.handle("POST", "/mcp", headers, body)
    assert answer.status == 403
    assert json.loads(answer.body)["error"]["data"]["code"] == "AUTHORIZATION_ERROR"
