"""The command line's calls: a tool through the endpoint, a resource of a running server."""

from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any

import orjson

from zava.errors import ZavaError
from zava.protocol.http.endpoint import Endpoint
from zava.settings import SettingsError

_PROTOCOL_VERSION = "2026-07-28"
_TIMEOUT_SECONDS = 10
_META = {
    "io.modelcontextprotocol/protocolVersion": _PROTOCOL_VERSION,
    "io.modelcontextprotocol/clientInfo": {"name": "zava-cli", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


async def call_tool(
    endpoint: Endpoint, token: str | None, tool: str, arguments: Mapping[str, Any]
) -> tuple[int, dict[str, Any]]:
    """Send one `tools/call` as a client would; return the HTTP status and the JSON body."""
    headers, body = _request(token, "tools/call", tool, {"name": tool, "arguments": {**arguments}})
    answer = await endpoint.handle("POST", "/mcp", headers, body)
    return answer.status, orjson.loads(answer.body) if answer.body else {}


def read_resource(port: int, token: str, uri: str) -> str:
    """Return the text of a resource of the server on a port of this machine.

    Raises:
        SettingsError: nothing answers there.
        ZavaError: the server refuses.
    """
    headers, body = _request(token, "resources/read", uri, {"uri": uri})
    connection = HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("POST", "/mcp", body, headers)
        answer = orjson.loads(connection.getresponse().read())
    except (OSError, HTTPException, ValueError) as error:
        raise SettingsError(
            f"PORT: no server of Zava answers on {port}; start one first"
        ) from error
    finally:
        connection.close()
    if "result" not in answer:
        raise ZavaError(str(answer.get("error", {}).get("message", "The server refused.")))
    return str(answer["result"]["contents"][0]["text"])


def _request(
    token: str | None, method: str, name: str, params: dict[str, Any]
) -> tuple[dict[str, str], bytes]:
    headers = {
        "host": "localhost",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": _PROTOCOL_VERSION,
        "mcp-method": method,
        "mcp-name": name,
    }
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": _META}}
    return headers, orjson.dumps(message)
