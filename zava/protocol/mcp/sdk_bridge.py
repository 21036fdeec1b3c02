"""Pass one HTTP request to the SDK in this process, without a web server."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from zava import call_context
from zava.protocol.http_responses import HttpResponse
from zava.protocol.request_context import SCOPE_KEY, RequestContext

if TYPE_CHECKING:
    from mcp.server.lowlevel.server import Server
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

logger = logging.getLogger(__name__)


class _Managers(NamedTuple):
    """The SDK's session manager for each form of an answer, over one server."""

    plain: "StreamableHTTPSessionManager"
    with_events: "StreamableHTTPSessionManager"


class SdkBridge:
    """Runs the SDK's session managers, started once, at the first request.

    Its cancel scopes must be left in the task that entered them, so one long-lived task owns it.
    """

    def __init__(self, make_server: Callable[[], "Server[Any]"]) -> None:
        self._make_server = make_server
        self._starting = asyncio.Lock()
        self._managers: _Managers | None = None
        self._closing: asyncio.Event | None = None
        self._owner: asyncio.Task[None] | None = None
        self.times_started = 0

    async def handle(
        self,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        request_context: RequestContext,
        *,
        with_events: bool = False,
    ) -> HttpResponse:
        """Serve one POST of JSON-RPC for a verified caller.

        `with_events` keeps progress and log messages: the answer is a whole event stream when
        there are any. Without it they are dropped, and the answer is one JSON message.
        """
        managers = self._managers or await self._start()
        manager = managers.with_events if with_events else managers.plain
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/mcp",
            "raw_path": b"/mcp",
            "query_string": b"",
            "root_path": "",
            "headers": [
                (name.encode("latin-1"), value.encode("latin-1", "replace"))
                for name, value in headers
            ],
            "client": None,
            "server": None,
            "state": {},
            SCOPE_KEY: request_context,
        }
        reading = _Reading(body)
        await manager.handle_request(scope, reading.receive, reading.send)
        return HttpResponse(reading.status, reading.headers, bytes(reading.answer))

    async def close(self) -> None:
        """End the session managers, when they were started."""
        if self._closing is not None and self._owner is not None:
            self._closing.set()
            await self._owner
            self._managers = None

    async def _start(self) -> "_Managers":
        async with self._starting:
            if self._managers is None:
                started = asyncio.get_running_loop().create_future()
                self._closing = asyncio.Event()
                with call_context.use(None):  # it outlives the request that starts it
                    self._owner = asyncio.create_task(self._own(started, self._closing))
                self._managers = await started
                self.times_started += 1
                logger.info("MCP server startup complete")
            return self._managers

    async def _own(self, started: "asyncio.Future[_Managers]", closing: asyncio.Event) -> None:
        try:
            # In a thread: importing takes a second, for which others need not wait.
            plain, with_events = await asyncio.to_thread(self._make)
            async with plain.run(), with_events.run():
                if started.cancelled():  # who asked has left; the next request starts anew
                    return
                started.set_result(_Managers(plain, with_events))
                await closing.wait()
        except Exception as error:
            if started.cancelled():  # who asked has left; the next request meets the same
                return
            if started.done():
                raise
            started.set_exception(error)  # told to the request that asked, and to nobody else

    def _make(self) -> "_Managers":
        # At first need: the SDK is most of a cold start.
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        server = self._make_server()
        return _Managers(
            *(
                StreamableHTTPSessionManager(app=server, json_response=is_plain, stateless=True)
                for is_plain in (True, False)
            )
        )


class _Reading:
    """The two ends of one ASGI exchange over a body that is already here."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._gone = asyncio.Event()  # never set: a client that leaves cancels the task instead
        self.status = 500
        self.headers: dict[str, str] = {}
        self.answer = bytearray()

    async def receive(self) -> dict[str, Any]:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in message.get("headers", ())
            }
        else:
            self.answer += message.get("body", b"")
