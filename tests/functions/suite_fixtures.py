"""What the conformance suite needs of the product's server, put into the worker process."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zava.protocol.http.endpoint import Endpoint
from zava.protocol.http_responses import HttpResponse
from zava.protocol.mcp.fast_path import FastPath
from zava.protocol.request_context import RequestContext
from zava.protocol.versions import HANDSHAKE


def add_fixtures() -> None:
    """Offer the tools, resources and prompts that the suite calls, beside the product's own."""
    from zava.app import application

    endpoint = application().endpoint
    # The server of the SDK is made once, at first use; the test replaces it before.
    endpoint.sdk_bridge._make_server = with_suite(endpoint.sdk_bridge._make_server)
    vars(endpoint)["fast_path"] = WithoutLists(endpoint.fast_path)
    keep_every_event(endpoint)


def with_suite(make_server: Callable[[], Any]) -> Callable[[], Any]:
    from tests.outside.fixtures_server import with_fixtures

    return lambda: with_fixtures(make_server())


class WithoutLists:
    """The fast path, but for the lists: the fixtures' server has longer ones."""

    def __init__(self, fast_path: FastPath) -> None:
        self._lane = fast_path

    async def answer(
        self,
        message: Mapping[str, Any],
        headers: Mapping[str, str],
        request_context: RequestContext,
        *,
        with_events: bool,
    ) -> HttpResponse | None:
        if message["method"].endswith("/list"):
            return None
        return await self._lane.answer(message, headers, request_context, with_events=with_events)


def keep_every_event(endpoint: Endpoint) -> None:
    """Stream every handshake-era answer: the fixtures' server offers logging/setLevel.

    The product does not offer it, because no later request would know of the level.
    """
    handle = endpoint.sdk_bridge.handle

    async def handle_with_events(
        headers: Sequence[tuple[str, str]], body: bytes, given: RequestContext, *, with_events: bool
    ) -> HttpResponse:
        is_handshake = dict(headers).get("mcp-protocol-version") in HANDSHAKE
        return await handle(headers, body, given, with_events=with_events or is_handshake)

    vars(endpoint.sdk_bridge)["handle"] = handle_with_events
