"""One call of a tool, from its arguments to its answer: the same in every path."""

from collections.abc import Mapping
from typing import Any

from zava.errors import InsufficientScope, ZavaError
from zava.protocol.auth import permissions
from zava.protocol.request_context import RequestContext
from zava.protocol.tools.recording import Recording, Trail
from zava.protocol.tools.tool import Tool, ToolAnswer
from zava.service.analytics import Analytics
from zava.telemetry.events import operation


class ToolCalls:
    """Calls tools over the use cases and notes each call on the trail."""

    def __init__(self, analytics: Analytics, trail: Trail) -> None:
        self._analytics = analytics
        self._trail = trail

    async def call(
        self, tool: Tool, arguments: Mapping[str, Any] | None, request_context: RequestContext
    ) -> ToolAnswer:
        """Run one call and return its answer, errors included.

        If the token does not allow the tool, the request's context records it: the HTTP answer is
        then a challenge for the scope.
        """
        try:
            async with (
                Recording(self._trail, request_context, tool.name) as caller,
                operation(tool.name),
            ):
                permissions.require(tool, caller)
                return await tool.call(self._analytics, caller, tool.read_arguments(arguments))
        except ZavaError as error:
            if isinstance(error, InsufficientScope):
                request_context.deny(error)
            return error_answer(error)


def error_answer(error: ZavaError) -> ToolAnswer:
    """Return what a model reads of an error, with its fields for programs."""
    text = f"{error.code}: {error.message}" + (f" Hint: {error.hint}" if error.hint else "")
    return ToolAnswer(None, text, error.to_dict())
