"""Opens and ends the record of each tool call, resource read and completion.

Refusals are also lines of the log.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from zava.errors import ZavaError
from zava.model.core import Call, Caller
from zava.protocol.request_context import RequestContext
from zava.protocol.tools.tool import ToolAnswer

logger = logging.getLogger(__name__)

OK, CANCELLED = "OK", "CANCELLED"
REFUSED_FOR_COST = "REFUSED_FOR_COST"
Result = TypeVar("Result")

_REFUSED_BY_US = frozenset({"AUTHORIZATION_ERROR", "VALIDATION_ERROR"})


class Trail(Protocol):
    """Where records go."""

    def note(self, caller: Caller) -> None:
        """Keep the outcome of a caller's call."""

    async def make_room(self) -> None:
        """Wait while too many outcomes are unwritten."""


class NoTrail:
    """Keeps nothing: for a server without callers, such as the one that writes the docs."""

    def note(self, caller: Caller) -> None:
        """Let the outcome go."""

    async def make_room(self) -> None:
        """Return at once."""


async def recorded(
    trail: Trail,
    request_context: RequestContext,
    tool: str,
    run: Callable[[Caller], Awaitable[Result]],
) -> Result:
    """Run one call as its caller and record its outcome, even if the client leaves."""
    call = Call(
        tool,
        client_name=request_context.client_name,
        outcome=CANCELLED,
        correlation_id=request_context.trace.correlation_id,
        trace_id=request_context.trace.client_trace_id,
    )
    caller = replace(request_context.caller, call=call)
    try:
        result = await run(caller)
        call.outcome = OK
        if isinstance(result, ToolAnswer) and result.error is not None:
            _read_error(caller, call, result.error)
    except ZavaError as error:
        _read_error(caller, call, error.to_dict())
        raise
    finally:
        trail.note(caller)
    await trail.make_room()
    return result


def _read_error(caller: Caller, call: Call, content: Mapping[str, Any]) -> None:
    code = str(content.get("code", "MCP_ERROR"))
    call.outcome = REFUSED_FOR_COST if call.is_refused_for_cost else code
    call.correlation_id = str(content.get("correlation_id", ""))
    if call.outcome in _REFUSED_BY_US:
        logger.warning(
            "refused: operation=%s error_type=%s tenant=%s object=%s correlation_id=%s",
            call.tool,
            call.outcome,
            caller.tenant_id,
            caller.object_id,
            call.correlation_id,
        )
