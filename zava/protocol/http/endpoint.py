"""One HTTP exchange without a web server: what Functions, the local server and tests all call.

In order: the route, the headers, the host, the token, the room, the body, and only then the
protocol. The room comes behind the token, because each principal has a share of it. A request is
refused at the first of them that it does not pass. What is usual the fast path answers, everything
else the SDK.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from zava import call_context
from zava.errors import AccessDenied, Busy
from zava.infrastructure.request_timer import Patience
from zava.model.core import Caller
from zava.protocol.auth import platform
from zava.protocol.auth.tokens import TokenRefused
from zava.protocol.capacity.concurrency_limit import Admission, ShareTaken
from zava.protocol.capacity.process_time import ANYONE, ProcessTime
from zava.protocol.http.addresses import LOOPBACK, MCP_PATH, PATHS, host_name
from zava.protocol.http.protected_resource import Authenticator, ProtectedResource
from zava.protocol.http.request_parsing import read_request
from zava.protocol.http.security_headers import secured
from zava.protocol.http.unserved import is_of_console, is_of_sign_in, out_of_time
from zava.protocol.http_responses import (
    ACCEPTED,
    BUSY,
    JSON_TYPE,
    HttpResponse,
    json_answer,
    rpc_error,
)
from zava.protocol.mcp.fast_path import FastPath
from zava.protocol.mcp.jsonrpc import HEADER_MISMATCH, INVALID_REQUEST
from zava.protocol.mcp.sdk_bridge import SdkBridge
from zava.protocol.request_context import RequestContext, client_name
from zava.protocol.versions import VERSION_HEADER
from zava.telemetry import events, redaction
from zava.telemetry.instruments import Refusal

if TYPE_CHECKING:
    from mcp.server.lowlevel.server import Server

Headers = Mapping[str, str] | Sequence[tuple[str, str]]

Serve = Callable[[RequestContext, bytes], Coroutine[Any, Any, HttpResponse]]
"""Answers a request for its verified caller, in place of the MCP message."""

_INTERNAL_ERROR = -32603
_LOST = (
    "The body did not arrive: the host passes on no body that is sent in chunks. "
    "Send it whole, with a Content-Length."
)
# Beyond the time of a call, so that a deadline within it shows as its own error.
_ANSWER_SECONDS = 1.0
# One value each decides where a request goes; two would let two readers disagree. The Functions
# host joins repeated headers by a comma: there a doubled one is one value that does not hold.
_SINGLE = frozenset(
    {VERSION_HEADER, "mcp-method", "mcp-name", "authorization", "host", "origin"}
    | {"content-type", "content-length", platform.TOKEN_HEADER, platform.PRINCIPAL_HEADER}
)
# What binds a sign-in to one browser and to the server's own page.
_SINGLE_OF_BROWSERS = frozenset({"cookie", "sec-fetch-site", "sec-fetch-dest"})
_SDK_SECONDS = 0.0025
"""What the SDK's own tasks take for one request, measured."""
# A refusal costs no more than this to read; a statement has at most 16 KB.
_MAX_READ_TO_REFUSE = 64 * 1024
_KEPT_BACK = frozenset({"authorization", "accept"})


class SigningIn(Protocol):
    """Answers the requests of a sign-in."""

    async def answer(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> HttpResponse:
        """Answer one request whose `Host` and `Origin` are ours and whose headers come once."""


class Pages(Protocol):
    """Answers the requests of the console, in whole requests as the endpoint does."""

    async def handle(
        self, method: str, path: str, headers: Headers, body: bytes, query: str = ""
    ) -> HttpResponse:
        """Answer one request; never raises, but for cancellation."""


class Endpoint:
    """Everything that is served over HTTP, as one coroutine; `name` is what clients are shown."""

    def __init__(
        self,
        *,
        name: str,
        make_server: Callable[[], "Server[Any]"],
        fast_path: FastPath,
        authenticator: Authenticator,
        readiness: Callable[[], Awaitable[tuple[int, dict[str, Any]]]],
        allowed_hosts: Sequence[str] = (),
        is_vouched: bool = False,
        ask_budget: Callable[[Caller], None] = lambda _: None,
        process_time: ProcessTime | None = None,
        max_concurrent_calls: int = 64,
        call_seconds: float | None = None,
        make_sign_in: Callable[[], SigningIn] | None = None,
        make_console: Callable[[], Pages] | None = None,
    ) -> None:
        self._resource = ProtectedResource(name, authenticator)
        self.fast_path = fast_path
        self.sdk_bridge = SdkBridge(make_server)
        self._authenticator = authenticator
        self._readiness = readiness
        self._is_vouched = is_vouched
        self._ask_budget = ask_budget
        self._admission = Admission(max_concurrent_calls)
        self.process_time = process_time or ProcessTime()
        self._call_seconds = call_seconds
        self._make_sign_in = make_sign_in
        self._make_console = make_console
        self._patience = Patience()
        self._hosts = LOOPBACK | {host.lower() for host in allowed_hosts}

    async def handle(
        self,
        method: str,
        path: str,
        headers: Headers,
        body: bytes,
        query: str = "",
        *,
        since: float | None = None,
        serve: Serve | None = None,
    ) -> HttpResponse:
        """Answer one request within the time of a call; never raises, but for cancellation.

        `since` is when the request arrived, of `time.monotonic`; None for this moment. `serve`
        answers a call of the console, behind the same host, token, budget and capacity.
        """
        if serve is None and self._make_console is not None and is_of_console(path):
            return await self._make_console().handle(method, path, headers, body, query)
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        # Space around a value is not part of it (RFC 9110, 5.5).
        fields = [(name.lower(), value.strip(" \t")) for name, value in pairs]
        single = dict(fields)
        host = host_name(single.get("host", ""))
        method, path = method.upper(), path.rstrip("/") or "/"
        begun = call_context.begin(None, seconds=self._call_seconds, since=since)
        task: asyncio.Task[Any] = asyncio.current_task()  # type: ignore[assignment]  # runs in one
        if begun.deadline is not None:
            self._patience.watch(task, begun.deadline + _ANSWER_SECONDS)
        entered = call_context.enter(begun)
        try:
            if serve is not None or (path == MCP_PATH and method == "POST"):
                answer = await self._post(fields, single, host, body, serve)
            elif path not in PATHS and is_of_sign_in(path):
                signing_in = self._sign_in(method, path, query, fields, body)
                answer = await self.process_time.share(ANYONE, signing_in)
            else:
                answer = await self.process_time.share(
                    ANYONE, self._open(method, path, fields, single)
                )
        except (asyncio.CancelledError, Exception) as error:  # noqa: BLE001  # the edge: the caller gets no traceback
            answer = self._failed(error, task)
        finally:
            self._patience.leave(task)
            call_context.leave(entered)
        content = b"" if method == "HEAD" else answer.body
        answered = secured(answer.headers, is_local=host in LOOPBACK)
        return HttpResponse(answer.status, answered, content, answer.parts)

    async def aclose(self) -> None:
        """End what the first request started."""
        await self.sdk_bridge.close()

    def _failed(self, error: BaseException, task: "asyncio.Task[Any]") -> HttpResponse:
        """Return the answer to a request that failed or did not end in time.

        Raises:
            CancelledError: the request was cancelled from outside.
        """
        if self._patience.is_late(task):
            events.request_timed_out()
            return out_of_time()
        if isinstance(error, asyncio.CancelledError):
            raise error
        correlation_id = events.request_failed(error)
        return rpc_error(
            500, _INTERNAL_ERROR, "Internal error", data={"correlation_id": correlation_id}
        )

    async def _open(
        self, method: str, path: str, fields: list[tuple[str, str]], single: dict[str, str]
    ) -> HttpResponse:
        """Answer what needs no token."""
        if path not in PATHS:
            return json_answer(404, {"error": "not found"})
        allowed = ("POST",) if path == MCP_PATH else ("GET", "HEAD")
        if method not in allowed:
            # Before the SDK, which would hold a GET open for events that never come.
            return json_answer(405, {"error": f"use {allowed[0]}"}, {"allow": ", ".join(allowed)})
        if path == "/health/live":
            return json_answer(200, {"status": "alive"})
        if path == "/health/ready":
            status, content = await self._readiness()
            return json_answer(status, content)
        host = host_name(single.get("host", ""))
        refused = _refuse_repeated(fields) or self._refuse_host(host, single)
        return refused or json_answer(200, self._resource.metadata(single["host"]))

    async def _sign_in(
        self, method: str, path: str, query: str, fields: list[tuple[str, str]], body: bytes
    ) -> HttpResponse:
        if self._make_sign_in is None:
            return json_answer(404, {"error": "not found"})
        single = dict(fields)
        repeated = _refuse_repeated(fields, _SINGLE | _SINGLE_OF_BROWSERS)
        refused = repeated or self._refuse_host(host_name(single.get("host", "")), single)
        if refused is not None:
            return refused
        if _is_lost(single, body):
            return json_answer(411, {"error": "invalid_request", "error_description": _LOST})
        return await self._make_sign_in().answer(method, path, query, single, body)

    async def _post(
        self,
        fields: list[tuple[str, str]],
        single: dict[str, str],
        host: str,
        body: bytes,
        serve: Serve | None,
    ) -> HttpResponse:
        """Answer one message for the caller of its token, within the caller's share."""
        refused = _refuse_repeated(fields) or self._refuse_host(host, single)
        if refused is None and not body:
            refused = _refuse_lost(single, body)
        caller = refused or await self._caller(single)
        if isinstance(caller, HttpResponse):
            await self.process_time.turn(ANYONE)
            return caller
        request = fields, single, body
        try:
            self._ask_budget(caller)
        except Busy as busy:
            return await self._turn_away(caller, 429, busy, *request)
        try:
            self._admission.enter(caller.identity)
            try:
                served = (
                    self._serve(caller, *request)
                    if serve is None
                    else serve(_context(caller, single, {}), body)
                )
                return await self.process_time.share(caller.identity, served)
            finally:
                self._admission.leave(caller.identity)
        except Busy as busy:
            status = 429 if isinstance(busy, ShareTaken) else 503
            return await self._turn_away(caller, status, busy, *request)

    async def _caller(self, single: Mapping[str, str]) -> Caller | HttpResponse:
        """Return the verified caller, or the refusal of the token."""
        try:
            caller = await self._authenticator.authenticate(
                platform.authorization(single, is_vouched=self._is_vouched)
            )
            platform.check_agreement(single, caller, is_vouched=self._is_vouched)
        except TokenRefused as refusal:
            events.request_refused(
                Refusal.NO_TOKEN if refusal.is_missing else Refusal.BAD_TOKEN, refusal.description
            )
            return self._resource.challenge(refusal, single["host"])
        except AccessDenied as denial:
            events.request_refused(Refusal.BAD_TOKEN, denial.message)
            return self._resource.forbidden(denial, single["host"], None)
        except Busy as busy:  # before the token was verified
            return _busy(503, busy)
        return caller

    async def _turn_away(
        self,
        caller: Caller,
        status: int,
        busy: Busy,
        fields: list[tuple[str, str]],
        single: dict[str, str],
        body: bytes,
    ) -> HttpResponse:
        await self._admission.hold_back(caller)
        refused = self._refused(status, busy, fields, single, body)
        return await self.process_time.share(caller.identity, refused)

    async def _refused(
        self,
        status: int,
        busy: Busy,
        fields: list[tuple[str, str]],
        single: dict[str, str],
        body: bytes,
    ) -> HttpResponse:
        """Answer a verified caller's request that is not served now.

        A model reads a tool's error only; several clients turn an HTTP status into a failure of
        the connection. So a call gets a result, any other request a JSON-RPC error, under 200: the
        protocol gives statuses to its own errors alone (400, 404). A body that cannot be read gets
        the status.
        """
        answer = _busy(status, busy)
        if len(body) > _MAX_READ_TO_REFUSE:
            return answer
        read = read_request(fields, single, body)
        if isinstance(read, HttpResponse):
            return answer
        if "id" not in read.message:
            return ACCEPTED  # nothing is done for a notification, so nothing was refused
        if read.message["method"] == "tools/call":
            answer = self.fast_path.refused_call(
                read.message, single, busy, with_events=read.with_events
            )
            return answer._replace(headers=answer.headers | _retry_after(busy))
        return _busy(200, busy, request_id=read.message["id"])

    async def _serve(
        self, caller: Caller, fields: list[tuple[str, str]], single: dict[str, str], body: bytes
    ) -> HttpResponse:
        read = read_request(fields, single, body)
        if isinstance(read, HttpResponse):
            return read
        message, body, with_events = read
        request_context = _context(caller, single, message)
        answer = await self.fast_path.answer(
            message, single, request_context, with_events=with_events
        )
        if answer is None:
            # The token stays here: nothing behind this line needs it.
            passed = [
                (name, value)
                for name, value in fields
                if name in single
                and name not in _KEPT_BACK
                and not name.startswith(platform.PREFIX)
            ]
            passed.append(("accept", f"{JSON_TYPE}, text/event-stream"))
            self.process_time.charge(caller.identity, _SDK_SECONDS)
            answer = await self.sdk_bridge.handle(
                passed, body, request_context, with_events=with_events
            )
        if request_context.denial is not None:
            return self._resource.forbidden(
                request_context.denial, single["host"], message.get("id")
            )
        return answer

    def _refuse_host(self, host: str, single: Mapping[str, str]) -> HttpResponse | None:
        if host not in self._hosts:
            error = "This host name is not served here; add it to ZAVA_ALLOWED_HOSTS."
            return json_answer(421, {"error": error})
        origin = single.get("origin")
        if origin is not None and host_name(origin.partition("://")[2]) not in self._hosts:
            return json_answer(403, {"error": "this origin may not call"})
        return None


def _context(
    caller: Caller, single: Mapping[str, str], message: Mapping[str, Any]
) -> RequestContext:
    return RequestContext(
        caller,
        call_context.known(
            call_context.traceparent_of(single, message), redaction.pseudonym(caller)
        ),
        client_name(message, single.get("user-agent", "")),
    )


def _refuse_repeated(
    fields: Sequence[tuple[str, str]], names: Collection[str] = _SINGLE
) -> HttpResponse | None:
    seen = set()
    for name, _ in fields:
        if name in seen:
            return rpc_error(400, HEADER_MISMATCH, f"The header {name} appears more than once.")
        if name in names:
            seen.add(name)
    return None


def _refuse_lost(single: Mapping[str, str], body: bytes) -> HttpResponse | None:
    return rpc_error(411, INVALID_REQUEST, _LOST) if _is_lost(single, body) else None


def _is_lost(single: Mapping[str, str], body: bytes) -> bool:
    """Whether a body was sent in chunks and did not arrive."""
    return not body and "transfer-encoding" in single


def _busy(status: int, busy: Busy, *, request_id: Any = None) -> HttpResponse:
    return rpc_error(
        status,
        BUSY,
        busy.message,
        data=busy.to_dict(),
        request_id=request_id,
        headers=_retry_after(busy),
    )


def _retry_after(busy: Busy) -> dict[str, str]:
    return {"retry-after": str(busy.retry_after_seconds)}
