"""One tool call through the endpoint, without a socket: what the command line asks."""

from collections.abc import Mapping
from typing import Any

import orjson

from zava.protocol.endpoint import Endpoint

_PROTOCOL_VERSION = "2026-07-28"
_META = {
    "io.modelcontextprotocol/protocolVersion": _PROTOCOL_VERSION,
    "io.modelcontextprotocol/clientInfo": {"name": "zava-cli", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


async def call_tool(
    endpoint: Endpoint, token: str | None, tool: str, arguments: Mapping[str, Any]
) -> tuple[int, dict[str, Any]]:
    """Send one `tools/call` as a client would; return the HTTP status and the JSON body."""
    headers = {
        "host": "localhost",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": _PROTOCOL_VERSION,
        "mcp-method": "tools/call",
        "mcp-name": tool,
    }
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    request = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": tool, "arguments": dict(arguments), "_meta": _META},
    }
    answer = await endpoint.handle("POST", "/mcp", headers, orjson.dumps(request))
    return answer.status, orjson.loads(answer.body) if answer.body else {}
