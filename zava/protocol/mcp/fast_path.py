"""The hot path: usual requests of both eras, answered without the SDK.

An answer that does not depend on the caller is rendered once. One that depends on the token alone
is rendered once for each set of permissions. A tool's answer is written in one pass. The SDK, which
is loaded lazily, answers every request of an unusual shape or with an unknown tool, and decides its
errors. Both paths serve the same values through the same calls, and a test compares their answers.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from zava.errors import ZavaError
from zava.model.audiences import Permission
from zava.model.domain import Domain
from zava.protocol.auth import permissions
from zava.protocol.http_responses import ACCEPTED, HttpResponse, result_answer
from zava.protocol.mcp.fast_path_rules import usual_revision
from zava.protocol.mcp.server_info import (
    CAPABILITIES,
    FRESHNESS,
    introduced_server,
)
from zava.protocol.request_context import RequestContext
from zava.protocol.tools.listing import listed_tool
from zava.protocol.tools.runner import ToolCalls, error_answer
from zava.protocol.tools.tool import Tool, ToolAnswer
from zava.protocol.versions import HANDSHAKE, SERVED, STATELESS, VERSION_HEADER

_NOTHING = b"{}"


class FastPath:
    """Answers usual requests. `version` and `website` are part of the server's introduction."""

    def __init__(
        self,
        calls: ToolCalls,
        tools: Mapping[str, Tool],
        domain: Domain,
        *,
        version: str,
        website: str | None = None,
    ) -> None:
        self._calls = calls
        self._tools = tools
        self._instructions = domain.instructions
        self._server = introduced_server(domain, version=version, website=website)
        # Ends each result of the stateless revision.
        self._meta = {"io.modelcontextprotocol/serverInfo": self._server}
        stamp = {"resultType": "complete", "_meta": self._meta}
        self._stamp = b"," + orjson.dumps(stamp)[1:]
        self._rendered: dict[tuple[str, str, frozenset[Permission]], bytes] = {}

    async def answer(
        self,
        message: Mapping[str, Any],
        headers: Mapping[str, str],
        request_context: RequestContext,
        *,
        with_events: bool = False,
    ) -> HttpResponse | None:
        """Answer one message, or leave it to the SDK: None.

        `message` is JSON-RPC whose envelope was read; `headers` holds one value for each name.
        `with_events` has `SdkBridge`'s meaning; no tool reports progress, so the answer is the
        only event.
        """
        revision = usual_revision(message, headers)
        if revision is None:
            return None
        method = message["method"]
        if method == "tools/call":
            params = message["params"]
            tool = self._tools.get(params["name"])
            if tool is None:
                return None
            # The endpoint has made the request's trace the current one.
            answer = await self._calls.call(tool, params.get("arguments"), request_context)
            result = self._tool_result(answer, revision)
        elif method == "initialize":
            result = self._initialized(message["params"]["protocolVersion"])
        elif method == "ping":
            result = _NOTHING
        elif method == "notifications/initialized":
            return ACCEPTED
        else:
            result = self._constant(method, revision, request_context.caller.permissions)
        return result_answer(message["id"], result, as_event=with_events and revision != STATELESS)

    def refused_call(
        self,
        message: Mapping[str, Any],
        headers: Mapping[str, str],
        error: ZavaError,
        *,
        with_events: bool = False,
    ) -> HttpResponse:
        """Return a tool's error for a `tools/call` that is refused before any tool runs.

        It has the form of the revision that the request states. The request need not be usual.
        """
        revision = STATELESS if headers.get(VERSION_HEADER) == STATELESS else HANDSHAKE[0]
        result = self._tool_result(error_answer(error), revision)
        return result_answer(message["id"], result, as_event=with_events and revision != STATELESS)

    def _tool_result(self, answer: ToolAnswer, revision: str) -> bytes:
        result = answer.to_dict()
        if revision != STATELESS:
            return orjson.dumps(result)
        if "_meta" in result:
            meta = result["_meta"] | self._meta
            return orjson.dumps(result | {"resultType": "complete", "_meta": meta})
        return orjson.dumps(result)[:-1] + self._stamp

    def _constant(self, method: str, revision: str, allowed: frozenset[Permission]) -> bytes:
        """Return a result that is the same for all whose tokens allow the same."""
        key = method, revision, allowed
        rendered = self._rendered.get(key)
        if rendered is None:
            rendered = self._rendered[key] = self._render(method, revision, allowed)
        return rendered

    def _render(self, method: str, revision: str, allowed: frozenset[Permission]) -> bytes:
        result: dict[str, Any]
        if method == "tools/list":
            offered = permissions.allowed(self._tools.values(), allowed)
            result = {"tools": [listed_tool(tool) for tool in offered]}
        else:
            result = {
                "supportedVersions": list(SERVED),
                "capabilities": CAPABILITIES,
                "instructions": self._instructions,
            }
        if revision != STATELESS:
            return orjson.dumps(result)
        freshness = FRESHNESS[method]
        result |= {"ttlMs": freshness.seconds * 1000, "cacheScope": freshness.scope}
        return orjson.dumps(result)[:-1] + self._stamp

    def _initialized(self, version: str) -> bytes:
        return orjson.dumps(
            {
                "protocolVersion": version if version in HANDSHAKE else HANDSHAKE[0],
                "capabilities": CAPABILITIES,
                "serverInfo": self._server,
                "instructions": self._instructions,
            }
        )
