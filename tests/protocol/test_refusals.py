"""A verified caller's request that is not served now: what the client gets, in which form."""

from typing import Any

import orjson
import pytest

from tests.support.answers.rpc import ERAS, LEGACY, MODERN, UNUSUAL
from tests.support.answers.rpc import request as written
from zava.app import Application
from zava.data.usage.budgets import spent
from zava.model.core import Caller
from zava.protocol.http_responses import BUSY, HttpResponse
from zava.protocol.tools.tool import ERROR_META

CALL: dict[str, Any] = {"name": "get_current_utc_date", "arguments": {}}
# One of the fast path's requests, and two that only the SDK's path answers.
CALLS = {
    "usual": CALL,
    "unusual": CALL | UNUSUAL,
    "wrong arguments": {"name": "query_metrics", "arguments": None} | UNUSUAL,
}


@pytest.fixture
def spent_budget(warm: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Caller) -> None:
        raise spent("calls", 42)

    # No public name leads to this part: the test makes it slow, late or failing.
    monkeypatch.setattr(warm.endpoint, "_count_request", refuse)


@pytest.fixture
def no_capacity(warm: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every place is taken by other principals."""
    # Places are taken without a request that holds each of them.
    monkeypatch.setattr(warm.endpoint._admission, "_held_by_all", 10_000)


@pytest.fixture
def share_taken(warm: Application, callers: dict[str, Caller], monkeypatch: Any) -> None:
    admission = warm.endpoint._admission
    # A principal counts as present without a request of its own.
    admission._seen.see(callers["redmond"].identity)
    # Places are taken without a request that holds each of them.
    monkeypatch.setattr(admission, "_held", {callers["seattle"].identity: 10_000})


REFUSALS = {
    "spent_budget": "BUSY: You have used this minute's calls. Hint: Try again in 42 seconds.",
    "no_capacity": "BUSY: The server is at its capacity. Hint: Try again in 1 second.",
    "share_taken": "BUSY: You have reached your limit of concurrent requests."
    " Hint: Try again in 1 second.",
}


async def post(
    application: Application, era: str, method: str, params: Any, token: str, **changes: str
) -> HttpResponse:
    headers, body = written(era, method, params, token)
    return await application.endpoint.handle("POST", "/mcp", headers | changes, body)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("refusal", REFUSALS)
async def test_refused_call_is_a_tools_error(
    request: pytest.FixtureRequest,
    warm: Application,
    tokens: dict[str, str],
    era: str,
    call: str,
    refusal: str,
) -> None:
    request.getfixturevalue(refusal)
    answer = await post(warm, era, "tools/call", CALLS[call], tokens["seattle"])
    content = orjson.loads(answer.body)
    result = content["result"]
    assert (answer.status, content["id"], result["isError"]) == (200, 7, True)
    assert [part["text"] for part in result["content"]] == [REFUSALS[refusal]]
    assert "structuredContent" not in result
    error = result["_meta"][ERROR_META]
    assert (error["code"], error["retryable"]) == ("BUSY", True)
    assert str(error["retry_after_seconds"]) == answer.headers["retry-after"]
    assert error["retry_after_seconds"] == (42 if refusal == "spent_budget" else 1)
    assert result.get("resultType") == ("complete" if era == MODERN else None)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("resources/read", {"uri": "retail://schema"}),
        ("prompts/get", {"name": "store_review"}),
        ("tools/list", {}),
        ("no/such/method", {}),
    ],
)
@pytest.mark.usefixtures("spent_budget")
async def test_other_refused_request_is_an_error_of_the_protocol_under_200(
    warm: Application, tokens: dict[str, str], era: str, method: str, params: Any
) -> None:
    answer = await post(warm, era, method, params, tokens["seattle"])
    assert (answer.status, answer.headers["retry-after"]) == (200, "42")
    content = orjson.loads(answer.body)
    assert (content["id"], content["error"]["code"]) == (7, BUSY)
    assert content["error"]["data"]["hint"] == "Try again in 42 seconds."


@pytest.mark.usefixtures("spent_budget")
async def test_refused_call_is_an_event_for_who_takes_nothing_else(
    warm: Application, tokens: dict[str, str]
) -> None:
    for era, kind in ((LEGACY[-1], "text/event-stream"), (MODERN, "application/json")):
        params = CALL | {"_meta": {"progressToken": 1}}
        answer = await post(warm, era, "tools/call", params, tokens["seattle"])
        assert answer.headers["content-type"] == kind
        assert answer.headers["retry-after"] == "42"
        assert b"BUSY: You have used" in answer.body


@pytest.mark.usefixtures("spent_budget")
async def test_notification_is_accepted_because_nothing_is_done_for_it(
    warm: Application, tokens: dict[str, str]
) -> None:
    headers, _ = written(LEGACY[-1], "ping", None, tokens["seattle"])
    body = orjson.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"})
    answer = await warm.endpoint.handle("POST", "/mcp", headers, body)
    assert (answer.status, answer.body) == (202, b"")


@pytest.mark.parametrize(
    ("refusal", "status"), [("spent_budget", 429), ("no_capacity", 503), ("share_taken", 429)]
)
@pytest.mark.parametrize("body", [b"{", b'{"method":"' + b"x" * 64 * 1024 + b'"}'])
async def test_body_that_is_not_read_gets_the_status(
    request: pytest.FixtureRequest,
    warm: Application,
    tokens: dict[str, str],
    refusal: str,
    status: int,
    body: bytes,
) -> None:
    request.getfixturevalue(refusal)
    headers = {
        "host": "localhost",
        "content-type": "application/json",
        "authorization": f"Bearer {tokens['seattle']}",
    }
    answer = await warm.endpoint.handle("POST", "/mcp", headers, body)
    assert answer.status == status
    assert "retry-after" in answer.headers
    assert orjson.loads(answer.body)["error"]["data"]["code"] == "BUSY"
