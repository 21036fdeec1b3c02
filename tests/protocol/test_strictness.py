"""What neither era defines is refused, in the protocol's own words."""

from typing import Any

import orjson
import pytest

from tests.support.answers.rpc import ERAS, LEGACY, META, MODERN, ask, request
from tests.support.servers.database import Database
from zava.app import Application, compose
from zava.infrastructure.local.state_dir import StateDirectory
from zava.protocol.versions import SERVED
from zava.settings import Settings

BASE = {"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"_meta": META}}


async def send(
    application: Application, token: str, message: Any, **changed: str | None
) -> tuple[int, Any]:
    """Send a message as it stands; headers are changed, or left out where None is given."""
    headers, _ = request(MODERN, "tools/list", token=token)
    for name, value in changed.items():
        headers[name.replace("_", "-")] = value or ""
        if value is None:
            del headers[name.replace("_", "-")]
    body = message if isinstance(message, bytes) else orjson.dumps(message)
    answer = await application.endpoint.handle("POST", "/mcp", headers, body)
    return answer.status, orjson.loads(answer.body)


@pytest.mark.parametrize(
    ("changes", "code", "known_id"),
    [
        ({"jsonrpc": "1.0"}, -32600, 7),
        ({"jsonrpc": None}, -32600, 7),
        ({"method": 7}, -32600, 7),
        ({"method": None}, -32600, 7),
        ({"params": [1]}, -32602, 7),
        ({"params": "all"}, -32602, 7),
        ({"params": None}, -32602, 7),
        ({"id": None}, -32600, None),
        ({"id": True}, -32600, None),
        ({"id": 1.5}, -32600, None),
        ({"id": {"a": 1}}, -32600, None),
        ({"id": "x" * 257}, -32600, None),
    ],
)
async def test_message_of_another_shape_is_refused(
    warm: Application, tokens: dict[str, str], changes: Any, code: int, known_id: Any
) -> None:
    status, body = await send(warm, tokens["seattle"], BASE | changes)
    assert (status, body["error"]["code"]) == (400, code)
    assert body["id"] == known_id


async def test_integer_beyond_64_bits_is_no_id(warm: Application, tokens: dict[str, str]) -> None:
    body = orjson.dumps(BASE).replace(b'"id":7', b'"id":99999999999999999999')
    status, answer = await send(warm, tokens["seattle"], body)
    assert (status, answer["error"]["code"]) == (400, -32600)
    assert answer["error"]["message"].startswith("id: an integer of 64 bits")


async def test_response_of_a_client_is_refused_because_nothing_was_asked(
    warm: Application, tokens: dict[str, str]
) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "result": {}}
    status, body = await send(warm, tokens["seattle"], message)
    assert (status, body["error"]["code"]) == (400, -32600)


@pytest.mark.parametrize("asked", ["2024-11-05", "2027-01-01", "latest", ""])
async def test_revision_that_is_not_served_is_refused_with_the_list_of_those_that_are(
    warm: Application, tokens: dict[str, str], asked: str
) -> None:
    meta = META | {"io.modelcontextprotocol/protocolVersion": asked}
    for message in (BASE | {"params": {"_meta": meta}}, BASE | {"params": {}}):
        status, body = await send(warm, tokens["seattle"], message, mcp_protocol_version=asked)
        assert (status, body["error"]["code"]) == (400, -32022)
        assert body["error"]["data"] == {"supported": list(SERVED), "requested": asked}
        assert body["id"] == 7


async def test_unknown_header_beside_a_known_body_is_a_mismatch(
    warm: Application, tokens: dict[str, str]
) -> None:
    status, body = await send(warm, tokens["seattle"], BASE, mcp_protocol_version="2027-01-01")
    assert (status, body["error"]["code"]) == (400, -32020)


@pytest.mark.parametrize("name", ["mcp_method", "mcp_name"])
async def test_routing_header_must_agree_with_the_body(
    warm: Application, tokens: dict[str, str], name: str
) -> None:
    message = BASE | {
        "method": "tools/call",
        "params": {"name": "get_current_utc_date", "_meta": META},
    }
    right = {"mcp_method": "tools/call", "mcp_name": "get_current_utc_date"}
    assert (await send(warm, tokens["seattle"], message, **right))[0] == 200
    for wrong in ("tools/list", None):
        changed = {**right, name: wrong}
        status, body = await send(warm, tokens["seattle"], message, **changed)
        assert (status, body["error"]["code"]) == (400, -32020)


async def test_space_around_a_header_is_not_part_of_it(
    warm: Application, tokens: dict[str, str]
) -> None:
    padded = {
        "mcp_protocol_version": f" {MODERN}\t",
        "mcp_method": "  tools/list ",
        "host": " localhost",
    }
    status, _ = await send(warm, tokens["seattle"], BASE, **padded)
    assert status == 200


@pytest.mark.parametrize(
    "host",
    [
        "localhost:7071@evil.example",
        "localhost:x",
        "localhost/",
        "localhost:7071:1",
        "a b",
        "[::1",
        "localho\u017ft",
    ],
)
async def test_host_that_is_none_is_not_served(
    warm: Application, tokens: dict[str, str], host: str
) -> None:
    status, _ = await send(warm, tokens["seattle"], BASE, host=host)
    assert status == 421
    path = "/.well-known/oauth-protected-resource"
    answer = await warm.endpoint.handle("GET", path, {"host": host}, b"")
    assert answer.status == 421


async def test_public_host_names_come_from_the_settings(
    database: Database, home: StateDirectory, context_keys: list[str], tokens: dict[str, str]
) -> None:
    settings = Settings.model_validate(
        {
            "ZAVA_HOME": home.path,
            "WEBSITE_HOSTNAME": "zava.azurewebsites.net",
            "ZAVA_ALLOWED_HOSTS": "mcp.zava.example",
        }
    )
    application = compose(settings, conninfo=database.server, context_keys=context_keys)
    for host in ("zava.azurewebsites.net", "MCP.zava.example", "mcp.zava.example:443"):
        origin = f"https://{host.lower()}"
        assert (await send(application, tokens["seattle"], BASE, host=host, origin=origin))[
            0
        ] == 200
    for name in ("zava.azurewebsites.net.evil.example", "evil-mcp.zava.example", "zava.example"):
        assert (await send(application, tokens["seattle"], BASE, host=name))[0] == 421
        status, _ = await send(application, tokens["seattle"], BASE, origin=f"https://{name}")
        assert status == 403
    await application.close()


@pytest.mark.parametrize("accept", ["text/html", "text/csv, image/*"])
async def test_client_that_takes_no_json_is_told(
    warm: Application, tokens: dict[str, str], accept: str
) -> None:
    status, body = await send(warm, tokens["seattle"], BASE, accept=accept)
    assert (status, body["error"]["code"]) == (406, -32600)


@pytest.mark.parametrize(
    "accept", ["application/json", "*/*", "application/*;q=0.5", "text/html, Application/JSON"]
)
async def test_client_that_takes_json_is_answered(
    warm: Application, tokens: dict[str, str], accept: str
) -> None:
    assert (await send(warm, tokens["seattle"], BASE, accept=accept))[0] == 200


@pytest.mark.parametrize("era", ERAS)
async def test_accept_may_stand_on_several_lines(
    warm: Application, tokens: dict[str, str], era: str
) -> None:
    params = {"name": "get_current_utc_date", "_meta": {"progressToken": 1}}
    headers, body = request(era, "tools/call", params, tokens["seattle"])
    del headers["accept"]
    lines = [("Accept", "text/event-stream"), ("Accept", "application/json;q=0.9")]
    answer = await warm.endpoint.handle("POST", "/mcp", [*headers.items(), *lines], body)
    assert answer.status == 200


@pytest.mark.requirement("S07")
@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("method", "params", "code", "said"),
    [
        ("no/such/method", {}, -32601, "Method not found"),
        ("logging/setLevel", {"level": "info"}, -32601, "Method not found"),
        ("resources/subscribe", {"uri": "retail://schema"}, -32601, "Method not found"),
        ("tasks/get", {"taskId": "1"}, -32601, "Method not found"),
        ("tools/call", {}, -32602, "name: required"),
        (
            "tools/call",
            {"name": "x", "arguments": [1]},
            -32602,
            "arguments: should be a valid dict",
        ),
        ("tools/call", {"name": "x" * 500}, -32602, "Unknown tool: " + "x" * 100),
        ("tools/list", {"cursor": 5}, -32602, "cursor: should be a valid string"),
        ("tools/list", {"cursor": "5"}, -32602, "Unknown cursor: 5"),
        ("prompts/list", {"cursor": "5"}, -32602, "Unknown cursor: 5"),
        ("resources/list", {"cursor": "5"}, -32602, "Unknown cursor: 5"),
        ("resources/templates/list", {"cursor": "5"}, -32602, "Unknown cursor: 5"),
        ("completion/complete", {"argument": {}}, -32602, "ref: required"),
    ],
)
async def test_what_a_model_cannot_mend_is_a_protocol_error_that_names_the_field(
    warm: Application,
    tokens: dict[str, str],
    era: str,
    method: str,
    params: Any,
    code: int,
    said: str,
) -> None:
    status, body = await ask(warm, tokens["seattle"], era, method, params)
    assert body["error"]["code"] == code, body
    assert said in body["error"]["message"]
    assert len(body["error"]["message"]) < 500
    assert body["id"] == 7
    assert status == (200 if era != MODERN else 404 if code == -32601 else 400)


@pytest.mark.requirement("S07")
@pytest.mark.parametrize("method", ["initialize", "ping", "resources/unsubscribe"])
async def test_method_of_the_handshake_era_does_not_exist_in_the_stateless_one(
    warm: Application, tokens: dict[str, str], method: str
) -> None:
    status, body = await ask(warm, tokens["seattle"], MODERN, method)
    assert (status, body["error"]["code"]) == (404, -32601)


@pytest.mark.requirement("S07")
@pytest.mark.parametrize("era", LEGACY)
async def test_ping_is_answered_and_discover_is_of_the_other_era(
    warm: Application, tokens: dict[str, str], era: str
) -> None:
    assert (await ask(warm, tokens["seattle"], era, "ping"))[1]["result"] == {}
    _, body = await ask(warm, tokens["seattle"], era, "server/discover")
    assert body["error"]["code"] == -32601


@pytest.mark.requirement("S07")
@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    "method", ["notifications/initialized", "notifications/cancelled", "notifications/unheard_of"]
)
async def test_notification_is_accepted_in_either_era(
    warm: Application, tokens: dict[str, str], era: str, method: str
) -> None:
    headers, _ = request(era, method, token=tokens["seattle"])
    body = orjson.dumps({"jsonrpc": "2.0", "method": method, "params": {"requestId": 7}})
    answer = await warm.endpoint.handle("POST", "/mcp", headers, body)
    assert (answer.status, answer.body) == (202, b"")
