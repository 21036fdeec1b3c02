"""What a test changes inside the worker process, by the name that `--plant` gives."""

from typing import Any


def fast_telemetry() -> None:
    """Export at once, where the product gathers for 15 seconds."""
    from zava.infrastructure.telemetry.app_insights import Telemetry

    defaults = Telemetry.__init__.__kwdefaults__
    assert defaults is not None
    defaults["interval_seconds"] = 0.1


def broken_parts() -> None:
    """Fail, be cancelled or hang where the SDK answers, by the method that a request names."""
    import asyncio

    import orjson

    from zava.protocol.http_responses import HttpResponse
    from zava.protocol.mcp.sdk_bridge import SdkBridge

    async def handle(
        _self: SdkBridge, _headers: Any, body: bytes, *_: Any, **__: Any
    ) -> HttpResponse:
        method = orjson.loads(body)["method"]
        if method == "prompts/list":
            raise RuntimeError("planted words")
        if method == "resources/list":
            raise asyncio.CancelledError
        never: asyncio.Future[HttpResponse] = asyncio.get_running_loop().create_future()
        return await never

    setattr(SdkBridge, "handle", handle)  # noqa: B010  # it takes fewer arguments by name
