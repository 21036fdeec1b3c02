"""One HTTP exchange without a web server: what Functions, the local server and tests all call.

In order: the route, the headers, the host, the token, the room, the body, and only then the
protocol. The room comes behind the token, because each principal has a share of it. A request is
refused at the first of them that it does not pass. What is usual the fast lane answers, everything
else the SDK.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from zava import observe, trace
from zava.errors import AccessDenied, Busy, InsufficientScope
from zava.measures import Refusal
from zava.model import Caller
from zava.protocol import platform_auth
from zava.protocol.admission import RETRY_AFTER_SECONDS, Admission, ShareTaken
from zava.protocol.body import (
    HEADER_MISMATCH,
    INVALID_REQUEST,
    MAX_BODY_BYTES,
    BodyRefused,
    check_version,
    metadata,
    read_message,
    wants_events,
)
from zava.protocol.exchange import Exchange, client_name
from zava.protocol.fast_lane import FastLane
from zava.protocol.identity import TokenRefused
from zava.protocol.introduction import NAME
from zava.protocol.kernel import Answer, Kernel
from zava.protocol.permissions import WHOLE_SCOPE
from zava.protocol.security_headers import secured
from zava.protocol.versions import HANDSHAKE, STATELESS, VERSION_KEY

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
    | {"content-type", "content-length", platform_auth.TOKEN_HEADER, platform_auth.PRINCIPAL_HEADER}
)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?", re.IGNORECASE)
_JSON = "application/json"
_TAKES_JSON = frozenset({_JSON, "application/*", "*/*"})
# No name of a host is longer (RFC 1035), and hardly a list of media types.
_REMEMBERED_CHARACTERS = 260
_KEPT_BACK = frozenset({"authorization", "accept"})
_TAKES_EVENTS = frozenset({"text/event-stream", "text/*", "*/*"})
_ANYTHING = frozenset({"*/*"})
_VERSION = "mcp-protocol-version"


class Authenticator(Protocol):
    """Turns an Authorization header into a caller."""

    authorization_servers: list[str]

    def scope(self, name: str, resource: str) -> str:
        """Return the scope as a client of this resource requests it from the issuer."""

    def scopes_supported(self, resource: str) -> list[str]:
        """Return every scope that a client of this resource may request."""

    async def authenticate(self, authorization: str | None) -> Caller:
        """Return the caller or raise TokenRefused or AccessDenied."""


class Endpoint:
    """Everything that is served over HTTP, as one coroutine."""

    def __init__(
        self,
        *,
        make_server: Callable[[], "Server[Any]"],
        lane: FastLane,
        authenticator: Authenticator,
        readiness: Callable[[], Awaitable[tuple[int, dict[str, Any]]]],
        allowed_hosts: Sequence[str] = (),
        is_vouched: bool = False,
        ask_budget: Callable[[Caller], None] = lambda _: None,
        max_concurrent_calls: int = 64,
        call_seconds: float | None = None,
    ) -> None:
        self.lane = lane
        self.kernel = Kernel(make_server)
        self._authenticator = authenticator
        self._readiness = readiness
        self._is_vouched = is_vouched
        self._ask_budget = ask_budget
        self._admission = Admission(max_concurrent_calls)
        self._call_seconds = call_seconds
        self._hosts = _LOOPBACK | {host.lower() for host in allowed_hosts}

    async def handle(self, method: str, path: str, headers: Headers, body: bytes) -> Answer:
        """Answer one request; never raises, but for cancellation."""
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        # Space around a value is not part of it (RFC 9110, 5.5).
        fields = [(name.lower(), value.strip(" \t")) for name, value in pairs]
        try:
            answer = await self._route(method.upper(), path.rstrip("/") or "/", fields, body)
        except Exception as error:  # noqa: BLE001  # the edge: the caller gets no traceback
            correlation_id = observe.request_failed(error)
            answer = _rpc_error(
                500, _INTERNAL_ERROR, "Internal error", data={"correlation_id": correlation_id}
            )
        is_local = _host_name(dict(fields).get("host", "")) in _LOOPBACK
        content = b"" if method.upper() == "HEAD" else answer.body
        return Answer(answer.status, secured(answer.headers, is_local=is_local), content)

    async def aclose(self) -> None:
        """End what the first request started."""
        await self.kernel.close()

    async def _route(
        self, method: str, path: str, fields: list[tuple[str, str]], body: bytes
    ) -> Answer:
        if path not in PATHS:
            return _json(404, {"error": "not found"})
        allowed = ("POST",) if path == MCP_PATH else ("GET", "HEAD")
        if method not in allowed:
            # Before the SDK, which would hold a GET open for events that never come.
            return _json(405, {"error": f"use {allowed[0]}"}, {"allow": ", ".join(allowed)})
        if path == "/health/live":
            return _json(200, {"status": "alive"})
        if path == "/health/ready":
            status, content = await self._readiness()
            return _json(status, content)
        single = dict(fields)
        refused = _refuse_repeated(fields) or self._refuse_host(single)
        if refused is not None:
            return refused
        if path != MCP_PATH:
            return _json(200, self._metadata(single["host"]))
        try:
            return await self._post(fields, single, body)
        except Busy as busy:
            return _busy(503, busy, RETRY_AFTER_SECONDS)

    async def _post(
        self, fields: list[tuple[str, str]], single: dict[str, str], body: bytes
    ) -> Answer:
        try:
            caller = await self._authenticator.authenticate(
                platform_auth.authorization(single, is_vouched=self._is_vouched)
            )
            platform_auth.check_agreement(single, caller, is_vouched=self._is_vouched)
        except TokenRefused as refusal:
            observe.request_refused(
                Refusal.NO_TOKEN if refusal.is_missing else Refusal.BAD_TOKEN, refusal.description
            )
            return self._challenge(refusal, single["host"])
        except AccessDenied as denial:
            observe.request_refused(Refusal.BAD_TOKEN, denial.message)
            return self._forbidden(denial, single["host"], None)
        try:
            self._ask_budget(caller)
        except Busy as busy:
            await self._admission.hold_back(caller)
            return _busy(429, busy, busy.retry_after_seconds)
        try:
            with self._admission.admitted(caller):
                return await self._serve(caller, fields, single, body)
        except ShareTaken as busy:
            await self._admission.hold_back(caller)
            return _busy(429, busy, RETRY_AFTER_SECONDS)

    async def _serve(
        self, caller: Caller, fields: list[tuple[str, str]], single: dict[str, str], body: bytes
    ) -> Answer:
        if len(body) > MAX_BODY_BYTES:
            return _rpc_error(413, INVALID_REQUEST, f"The body exceeds {MAX_BODY_BYTES:,} bytes.")
        if single.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
            return _rpc_error(415, INVALID_REQUEST, f"The content type must be {_JSON}.")
        accepted = _media_types(fields) or _ANYTHING  # an absent header accepts all (RFC 9110)
        takes_json = not accepted.isdisjoint(_TAKES_JSON)
        takes_events = not accepted.isdisjoint(_TAKES_EVENTS)
        # The stateless era has no answer that is events alone.
        if not (takes_json or (takes_events and single.get(_VERSION) != STATELESS)):
            return _rpc_error(406, INVALID_REQUEST, f"The client must accept {_JSON}.")
        try:
            message, body = read_message(body)
            _read_version(message, single)
        except BodyRefused as refusal:
            return _rpc_error(
                400,
                refusal.code,
                refusal.message,
                data=refusal.data,
                request_id=refusal.request_id,
            )
        exchange = Exchange(
            caller,
            trace.begin(
                trace.traceparent_of(single, message),
                seconds=self._call_seconds,
                principal=observe.pseudonym(caller),
            ),
            client_name(message, single.get("user-agent", "")),
        )
        with_events = takes_events and (wants_events(message) or not takes_json)
        answer = await self.lane.answer(message, single, exchange, with_events=with_events)
        if answer is None:
            # The token stays here: nothing behind this line needs it.
            passed = [
                (name, value)
                for name, value in fields
                if name in single
                and name not in _KEPT_BACK
                and not name.startswith(platform_auth.PREFIX)
            ]
            passed.append(("accept", f"{_JSON}, text/event-stream"))
            answer = await self.kernel.exchange(passed, body, exchange, with_events=with_events)
        if exchange.denial is not None:
            return self._forbidden(exchange.denial, single["host"], message.get("id"))
        return answer

    def _forbidden(self, denial: AccessDenied, host: str, request_id: Any) -> Answer:
        headers: dict[str, str] = {}
        if isinstance(denial, InsufficientScope):
            # A step up (RFC 6750): the client may ask the issuer for this scope, too.
            headers = self._www_authenticate(
                host, denial.permission, error="insufficient_scope", description=denial.message
            )
        return _rpc_error(
            403,
            _FORBIDDEN,
            denial.message,
            data=denial.to_dict(),
            request_id=request_id,
            headers=headers,
        )

    def _refuse_host(self, single: Mapping[str, str]) -> Answer | None:
        if _host_name(single.get("host", "")) not in self._hosts:
            error = "This host name is not served here; add it to ZAVA_ALLOWED_HOSTS."
            return _json(421, {"error": error})
        origin = single.get("origin")
        if origin is not None and _host_name(origin.partition("://")[2]) not in self._hosts:
            return _json(403, {"error": "this origin may not call"})
        return None

    def _metadata(self, host: str) -> dict[str, Any]:
        """Return the protected resource's metadata (RFC 9728)."""
        resource = _resource(host)
        return {
            "resource": resource,
            "resource_name": NAME,
            "authorization_servers": self._authenticator.authorization_servers,
            "scopes_supported": self._authenticator.scopes_supported(resource),
            "bearer_methods_supported": ["header"],
        }

    def _challenge(self, refusal: TokenRefused, host: str) -> Answer:
        # RFC 6750: no error code when no token came.
        error = None if refusal.is_missing else "invalid_token"
        headers = self._www_authenticate(
            host, WHOLE_SCOPE, error=error, description=refusal.description
        )
        content = {
            "error": error or "unauthorized",
            "error_description": refusal.description,
        }
        return _json(401, content, headers)

    def _www_authenticate(
        self, host: str, scope: str, *, error: str | None, description: str
    ) -> dict[str, str]:
        parts = [f'error="{error}"', f'error_description="{description}"'] if error else []
        parts += [
            f'resource_metadata="{_base_url(host)}{METADATA_PATH}{MCP_PATH}"',
            f'scope="{self._authenticator.scope(scope, _resource(host))}"',
        ]
        return {"www-authenticate": f"Bearer {', '.join(parts)}"}


def _read_version(message: Mapping[str, Any], single: dict[str, str]) -> None:
    """Check the version that header and body state; drop the header where only the body counts.

    Raises:
        BodyRefused: as `check_version` says.
    """
    is_handshake = message["method"] == "initialize" and VERSION_KEY not in metadata(message)
    if is_handshake and single.get(_VERSION) not in HANDSHAKE:
        # A handshake's body states the version; some clients send their newest in the header.
        single.pop(_VERSION, None)
    check_version(message, single.get(_VERSION))


def _refuse_repeated(fields: Sequence[tuple[str, str]]) -> Answer | None:
    seen = set()
    for name, _ in fields:
        if name in seen:
            return _rpc_error(400, HEADER_MISMATCH, f"The header {name} appears more than once.")
        if name in _SINGLE:
            seen.add(name)
    return None


def _media_types(fields: Sequence[tuple[str, str]]) -> frozenset[str]:
    """Return what the client accepts, from all its Accept lines, without parameters."""
    lines = ",".join([value for name, value in fields if name == "accept"])
    split = _split_remembered if len(lines) <= _REMEMBERED_CHARACTERS else _split
    return split(lines)


def _split(lines: str) -> frozenset[str]:
    parts = (part.partition(";")[0].strip() for part in lines.lower().split(","))
    return frozenset(filter(None, parts))


_split_remembered = lru_cache(256)(_split)  # a client says the same in each request


def not_started(path: str) -> Answer:
    """Return what a process answers whose settings do not let it serve."""
    if path == "/health/live":
        return _json(200, {"status": "alive"})
    return _json(503, {"status": "unhealthy", "error": "this server is not configured"})


def _host_name(host: str) -> str:
    """Return a host without its port, in lower case; nothing, where it is not a host at all."""
    return _read_host(host) if len(host) <= _REMEMBERED_CHARACTERS else ""


@lru_cache(256)
def _read_host(host: str) -> str:
    found = _HOST.fullmatch(host)
    return found[1].lower() if found else ""


def _resource(host: str) -> str:
    """Return the URL that clients of this host call; an issuer compares it byte for byte."""
    return f"{_base_url(host)}{MCP_PATH}"


def _base_url(host: str) -> str:
    # As URLs are normalized (RFC 3986, 6.2): lower case, no default port.
    name = _host_name(host)
    scheme, default = ("http", ":80") if name in _LOOPBACK else ("https", ":443")
    return f"{scheme}://{name}{host[len(name) :].removesuffix(default)}"


def _json(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Answer:
    fields = {"content-type": _JSON}
    return Answer(status, fields | dict(headers or {}), orjson.dumps(content))


def _busy(status: int, busy: Busy, seconds: int) -> Answer:
    headers = {"retry-after": str(seconds)}
    return _rpc_error(status, _BUSY, busy.message, data=busy.to_dict(), headers=headers)


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
