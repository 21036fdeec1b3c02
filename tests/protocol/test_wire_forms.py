"""Requests in the forms that real clients send, each with one possible meaning."""

from typing import Any

import orjson
import pytest

from tests.support.answers.rpc import LEGACY, META, MODERN, request
from zava.app import Application
from zava.protocol.mcp.absent_values import remove_absent_values
from zava.protocol.versions import CAPABILITIES_KEY

INITIALIZE = {
    "protocolVersion": LEGACY[-1],
    "capabilities": {},
    "clientInfo": {"name": "x", "version": "1"},
}


async def send(
    application: Application, token: str, message: dict[str, Any], **changed: str | None
) -> tuple[int, dict[str, str], bytes]:
    """Send a message in the handshake era; headers are changed, or left out where None is given."""
    headers, _ = request(LEGACY[-1], "tools/list", token=token)
    headers |= {name.replace("_", "-"): value for name, value in changed.items() if value}
    for name, value in changed.items():
        if value is None:
            del headers[name.replace("_", "-")]
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1} | message)
    answer = await application.endpoint.handle("POST", "/mcp", headers, body)
    return answer.status, dict(answer.headers), answer.body


@pytest.mark.parametrize("unusual", [{}, {"tests.zava/unusual": True}], ids=["fast", "sdk"])
@pytest.mark.parametrize(
    "message",
    [
        {"method": "tools/list", "params": None},
        {"method": "tools/list", "params": {"_meta": None}},
        {"method": "tools/list", "params": {"cursor": None}},
        {"method": "tools/list", "params": {"cursor": ""}},
        {"method": "tools/list", "params": {"_meta": {"progressToken": None}}},
        {"method": "tools/list", "id": 1.0},
        {"method": "resources/list", "params": None},
        {"method": "prompts/list", "params": {"cursor": ""}},
        {"method": "ping", "params": None},
        {"method": "tools/call", "params": {"name": "get_current_utc_date", "arguments": None}},
        {"method": "tools/call", "params": {"name": "get_current_utc_date", "arguments": ""}},
        {"method": "tools/call", "params": {"name": "get_current_utc_date", "arguments": "{}"}},
        {"method": "tools/call", "params": {"name": "get_current_utc_date", "arguments": []}},
        {"method": "tools/list", "params": []},
        {"method": "tools/list", "params": {"_meta": []}},
        {"method": "prompts/get", "params": {"name": "business_summary", "arguments": []}},
        {"method": "prompts/get", "params": {"name": "business_summary", "arguments": None}},
        {
            "method": "prompts/get",
            "params": {"name": "business_summary", "arguments": {"period": None}},
        },
        {
            "method": "initialize",
            "params": INITIALIZE | {"capabilities": {"experimental": {"x": True, "y": False}}},
        },
        {
            "method": "initialize",
            "params": INITIALIZE | {"capabilities": {"sampling": True, "roots": None}},
        },
        {"method": "initialize", "params": INITIALIZE | {"capabilities": None}},
        {"method": "initialize", "params": INITIALIZE | {"capabilities": []}},
        {
            "method": "initialize",
            "params": INITIALIZE | {"capabilities": {"roots": [], "experimental": []}},
        },
    ],
    ids=orjson.dumps,
)
async def test_absent_values_in_any_form_are_absent(
    warm: Application, tokens: dict[str, str], message: dict[str, Any], unusual: dict[str, Any]
) -> None:
    params = message.get("params")
    if unusual and isinstance(params, dict) and isinstance(params.get("_meta", {}), dict):
        message = message | {"params": params | {"_meta": params.get("_meta", {}) | unusual}}
    status, _, body = await send(warm, tokens["seattle"], message)
    assert status == 200, body
    answer = orjson.loads(body)
    assert "result" in answer, answer
    assert answer["id"] == 1


@pytest.mark.parametrize(
    "capabilities", [None, [], {"roots": []}, {"extensions": {"io.modelcontextprotocol/ui": True}}]
)
async def test_capabilities_of_a_stateless_request_are_read_in_any_form(
    warm: Application, tokens: dict[str, str], capabilities: Any
) -> None:
    headers, _ = request(MODERN, "tools/list", token=tokens["seattle"])
    params = {"_meta": META | {CAPABILITIES_KEY: capabilities}}
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params})
    answer = await warm.endpoint.handle("POST", "/mcp", headers, body)
    assert answer.status == 200, answer.body
    assert orjson.loads(answer.body)["result"]["tools"]


async def test_notification_with_a_null_id_is_accepted(
    warm: Application, tokens: dict[str, str]
) -> None:
    message = {"method": "notifications/initialized", "id": None, "params": None}
    status, _, body = await send(warm, tokens["seattle"], message)
    assert (status, body) == (202, b"")


def test_message_in_the_protocol_s_own_form_stays_as_it_is() -> None:
    for message in (
        {"id": 7, "method": "tools/list"},
        {"id": None, "method": "tools/list"},
        {"id": 1.5, "method": "tools/list", "params": {"cursor": "x", "_meta": {"a": None}}},
        {"method": 7, "params": [1]},
        {"id": 1, "method": "initialize", "params": INITIALIZE | {"capabilities": {"roots": {}}}},
        {"id": 1, "method": "prompts/get", "params": {"name": "x", "arguments": [1]}},
        {"id": 1, "method": "initialize", "params": INITIALIZE | {"capabilities": {"roots": 1}}},
        {"id": 1, "method": "initialize", "params": {"protocolVersion": LEGACY[-1]}},
        {"id": 1, "method": "tools/call", "params": {"arguments": {"time_period": None}}},
        {"id": 1, "method": "tools/call", "params": {"arguments": "[1]"}},
        {"id": 1, "method": "tools/call", "params": {"arguments": "revenue"}},
        {"id": 1, "method": "prompts/get", "params": {"arguments": "{}"}},
    ):
        before = orjson.dumps(message)
        assert not remove_absent_values(message)
        assert orjson.dumps(message) == before


@pytest.mark.parametrize("accept", [None, "*/*", "application/json"])
async def test_client_that_accepts_anything_gets_json(
    warm: Application, tokens: dict[str, str], accept: str | None
) -> None:
    status, headers, body = await send(
        warm, tokens["seattle"], {"method": "tools/list"}, accept=accept
    )
    assert (status, headers["content-type"]) == (200, "application/json")
    assert "result" in orjson.loads(body)


@pytest.mark.parametrize("method", ["tools/list", "resources/list"])
async def test_client_that_accepts_events_alone_gets_one(
    warm: Application, tokens: dict[str, str], method: str
) -> None:
    status, headers, body = await send(
        warm, tokens["seattle"], {"method": method}, accept="text/event-stream"
    )
    assert status == 200, body
    assert headers["content-type"].startswith("text/event-stream")
    assert "result" in orjson.loads(body.decode().rpartition("data: ")[2])
    headers, content = request(MODERN, method, token=tokens["seattle"])
    headers["accept"] = "text/event-stream"
    answer = await warm.endpoint.handle("POST", "/mcp", headers, content)
    assert answer.status == 406, "the stateless era answers in JSON alone"


@pytest.mark.parametrize("version", [MODERN, "2099-01-01"])
async def test_handshake_is_read_from_its_body(
    warm: Application, tokens: dict[str, str], version: str
) -> None:
    message = {"method": "initialize", "params": INITIALIZE}
    status, _, body = await send(warm, tokens["seattle"], message, mcp_protocol_version=version)
    assert status == 200, body
    assert orjson.loads(body)["result"]["protocolVersion"] == LEGACY[-1]
    stateless = INITIALIZE | {"_meta": META}
    status, _, _ = await send(
        warm, tokens["seattle"], message | {"params": stateless}, mcp_protocol_version=version
    )
    assert status in {400, 404}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer ", "Bearer   "])
async def test_scheme_of_the_token_is_read_in_any_letters_and_distance(
    warm: Application, tokens: dict[str, str], scheme: str
) -> None:
    status, _, _ = await send(
        warm, "", {"method": "ping"}, authorization=f"{scheme} {tokens['seattle']}"
    )
    assert status == 200


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_head_is_get_without_a_body(warm: Application, path: str) -> None:
    headers = {"host": "localhost"}
    answer = await warm.endpoint.handle("GET", path, headers, b"")
    head = await warm.endpoint.handle("HEAD", path, headers, b"")
    assert (head.status, head.headers, head.body) == (answer.status, answer.headers, b"")
    assert answer.body


async def test_unknown_host_is_told_the_setting(warm: Application, tokens: dict[str, str]) -> None:
    status, _, body = await send(
        warm, tokens["seattle"], {"method": "ping"}, host="host.docker.internal:7071"
    )
    assert status == 421
    assert b"ZAVA_ALLOWED_HOSTS" in body
