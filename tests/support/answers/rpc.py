"""Raw JSON-RPC as clients of either era send it."""

from typing import Any

import orjson

from zava.app import Application

LEGACY = ("2025-03-26", "2025-06-18", "2025-11-25")
MODERN = "2026-07-28"
ERAS = (*LEGACY, MODERN)
UNUSUAL: dict[str, Any] = {"_meta": {"tests.zava/unusual": True}}
"""Params of any request that mean nothing, so that the SDK has to answer it."""
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def request(
    era: str, method: str, params: dict[str, Any] | None = None, token: str | None = None
) -> tuple[dict[str, str], bytes]:
    """Return headers and body of one request."""
    params = dict(params or {})
    headers = {
        "host": "localhost:7071",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": era,
    }
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    if era == MODERN:
        headers["mcp-method"] = method
        named = params.get("name", params.get("uri"))
        if isinstance(named, str):
            headers["mcp-name"] = named
        params["_meta"] = params.get("_meta", {}) | META
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
    return headers, orjson.dumps(body)


async def ask(
    application: Application,
    token: str | None,
    era: str,
    method: str,
    params: dict[str, Any] | None = None,
) -> tuple[int, dict[str, Any]]:
    """Send one request to the app's endpoint; return the HTTP status and the JSON body."""
    headers, body = request(era, method, params, token)
    answer = await application.endpoint.handle("POST", "/mcp", headers, body)
    return answer.status, orjson.loads(answer.body)
