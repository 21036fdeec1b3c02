"""One HTTP exchange without a web server: what Functions, the local server and tests all call.

In order: the route, the host, the room, the token, the body, and only then the SDK. A request is
refused at the first of them that it does not pass.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from zava import observe, trace
from zava.errors import Busy
from zava.measures import Refusal
from zava.model import Caller
from zava.protocol.admission import RETRY_AFTER_SECONDS, Admission
from zava.protocol.body import MAX_BODY_BYTES, BodyRefused, check_era, read_message
from zava.protocol.exchange import Exchange
from zava.protocol.identity import TokenRefused
from zava.protocol.kernel import Answer, Kernel

if TYPE_CHECKING:
    from mcp.server.lowlevel.server import Server

Headers = Mapping[str, str] | Sequence[tuple[str, str]]

MCP_PATH = "/mcp"
METADATA_PATH = "/.well-known/oauth-protected-resource"
PATHS = (MCP_PATH, METADATA_PATH, f"{METADATA_PATH}{MCP_PATH}", "/health/live", "/health/ready")

_INTERNAL_ERROR, _FORBIDDEN, _BUSY = -32603, -32003, -32004
# One value each decides where a request goes; two would let two readers disagree.
_SINGLE = frozenset(
    {"mcp-protocol-version", "mcp-method", "mcp-name", "authorization", "host", "origin"}
    | {"content-type", "content-length"}
)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Authenticator(Protocol):
    """Turns an Authorization header into a caller."""

    authorization_servers: list[str]
    scopes_supported: list[str]

    async def authenticate(self, authorization: str | None) -> Caller:
        """Return the caller or raise TokenRefused."""


class Endpoint:
    """Everything that is served over HTTP, as one coroutine."""

    def __init__(
        self,
        *,
        make_server: Callable[[], "Server[Any]"],
        authenticator: Authenticator,
        readiness: Callable[[], Awaitable[tuple[int, dict[str, Any]]]],
        allowed_hosts: Sequence[str] = (),
        max_concurrent_calls: int = 64,
        call_seconds: float | None = None,
    ) -> None:
        self.kernel = Kernel(make_server)
        self._authenticator = authenticator
        self._readiness = readiness
        self._admission = Admission(max_concurrent_calls)
        self._call_seconds = call_seconds
        self._hosts = _LOOPBACK | {host.lower() for host in allowed_hosts}

    async def handle(self, method: str, path: str, headers: Headers, body: bytes) -> Answer:
        """Answer one request; never raises, but for cancellation."""
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        fields = [(name.lower(), value) for name, value in pairs]
        try:
            return await self._route(method.upper(), path.rstrip("/") or "/", fields, body)
        except Exception as error:  # noqa: BLE001  # the edge: the caller gets no traceback
            correlation_id = observe.request_failed(error)
            return _rpc_error(
                500, _INTERNAL_ERROR, "Internal error", data={"correlation_id": correlation_id}
            )

    async def aclose(self) -> None:
        """End what the first request started."""
        await self.kernel.close()

    async def _route(
        self, method: str, path: str, fields: list[tuple[str, str]], body: bytes
    ) -> Answer:
        if path not in PATHS:
            return _json(404, {"error": "not found"})
        allowed = "POST" if path == MCP_PATH else "GET"
        if method != allowed:
            # Before the SDK, which would hold a GET open for events that never come.
            return _json(405, {"error": f"use {allowed}"}, {"allow": allowed})
        if path == "/health/live":
            return _json(200, {"status": "alive"})
        if path == "/health/ready":
            status, content = await self._readiness()
            return _json(status, content)
        single = dict(fields)
        refused = self._refuse_host(single)
        if refused is not None:
            return refused
        if path != MCP_PATH:
            return _json(200, self._metadata(single["host"]))
        try:
            with self._admission.admitted():
                return await self._post(fields, single, body)
        except Busy as busy:
            return _rpc_error(
                503,
                _BUSY,
                busy.message,
                data=busy.to_dict(),
                headers={"retry-after": str(RETRY_AFTER_SECONDS)},
            )

    async def _post(
        self, fields: list[tuple[str, str]], single: dict[str, str], body: bytes
    ) -> Answer:
        names = [name for name, _ in fields if name in _SINGLE]
        if len(names) != len(set(names)):
            twice = next(name for name in names if names.count(name) > 1)
            return _rpc_error(400, -32020, f"The header {twice} appears more than once.")
        try:
            caller = await self._authenticator.authenticate(single.get("authorization"))
        except TokenRefused as refusal:
            observe.request_refused(Refusal.NO_TOKEN if refusal.is_missing else Refusal.BAD_TOKEN)
            return self._challenge(refusal, single["host"])
        if len(body) > MAX_BODY_BYTES:
            return _rpc_error(413, -32600, f"The body exceeds {MAX_BODY_BYTES:,} bytes.")
        if single.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return _rpc_error(415, -32600, "The content type must be application/json.")
        from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

        try:
            message = read_message(body)
            version = single.get("mcp-protocol-version")
            check_era(message, version, frozenset(HANDSHAKE_PROTOCOL_VERSIONS))
        except BodyRefused as refusal:
            return _rpc_error(400, refusal.code, refusal.message, request_id=refusal.request_id)
        exchange = Exchange(
            caller,
            trace.begin(
                trace.traceparent_of(single, message),
                seconds=self._call_seconds,
                principal=observe.pseudonym(caller),
            ),
        )
        # The token stays here: nothing behind this line needs it.
        passed = [(name, value) for name, value in fields if name != "authorization"]
        answer = await self.kernel.exchange(passed, body, exchange)
        if exchange.denial is not None:
            return _rpc_error(
                403,
                _FORBIDDEN,
                exchange.denial.message,
                data=exchange.denial.to_dict(),
                request_id=message.get("id"),
            )
        return answer

    def _refuse_host(self, single: Mapping[str, str]) -> Answer | None:
        if _host_name(single.get("host", "")) not in self._hosts:
            return _json(421, {"error": "this host name is not served here"})
        origin = single.get("origin")
        if origin is not None and _host_name(origin.partition("://")[2]) not in self._hosts:
            return _json(403, {"error": "this origin may not call"})
        return None

    def _metadata(self, host: str) -> dict[str, Any]:
        """Return the protected resource's metadata (RFC 9728)."""
        return {
            "resource": f"{_base_url(host)}{MCP_PATH}",
            "resource_name": "Zava Retail Analytics",
            "authorization_servers": self._authenticator.authorization_servers,
            "scopes_supported": self._authenticator.scopes_supported,
            "bearer_methods_supported": ["header"],
        }

    def _challenge(self, refusal: TokenRefused, host: str) -> Answer:
        parts = []
        if not refusal.is_missing:  # RFC 6750: no error code when no token came
            parts += ['error="invalid_token"', f'error_description="{refusal.description}"']
        parts += [
            f'resource_metadata="{_base_url(host)}{METADATA_PATH}{MCP_PATH}"',
            f'scope="{" ".join(self._authenticator.scopes_supported)}"',
        ]
        content = {
            "error": "unauthorized" if refusal.is_missing else "invalid_token",
            "error_description": refusal.description,
        }
        return _json(401, content, {"www-authenticate": f"Bearer {', '.join(parts)}"})


def _host_name(host: str) -> str:
    """Return a host without its port, in lower case; an IPv6 address keeps its brackets."""
    host = host.lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _base_url(host: str) -> str:
    return f"{'http' if _host_name(host) in _LOOPBACK else 'https'}://{host}"


def _json(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Answer:
    fields = {"content-type": "application/json", "cache-control": "no-store"}
    return Answer(status, fields | dict(headers or {}), orjson.dumps(content))


def _rpc_error(
    status: int,
    code: int,
    message: str,
    *,
    data: Any = None,
    request_id: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return _json(status, {"jsonrpc": "2.0", "id": request_id, "error": error}, headers)
