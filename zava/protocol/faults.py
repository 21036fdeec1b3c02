"""What goes wrong, in the protocol's two forms.

An error that a smarter model could have avoided is a tool result with `isError`; one that it could
not is a JSON-RPC error. Neither ever carries a traceback or the cause's own words.
"""

from collections.abc import Awaitable, Callable

from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CallToolResult, TextContent

from zava.errors import AccessDenied, ZavaError
from zava.observe import operation
from zava.protocol.tools.tool import ToolAnswer


def unknown_tool(name: str) -> MCPError:
    """Return the JSON-RPC error for a tool that does not exist."""
    return MCPError(INVALID_PARAMS, f"Unknown tool: {name[:100]}")


def unknown_resource(uri: str) -> MCPError:
    """Return the JSON-RPC error for a resource that does not exist or is not the caller's."""
    return MCPError(INVALID_PARAMS, "Resource not found", data={"uri": uri[:1000]})


async def tool_result(
    name: str,
    call: Callable[[], Awaitable[ToolAnswer]],
    *,
    on_denied: Callable[[AccessDenied], None],
) -> CallToolResult:
    """Run one tool call to a result, whatever happens in it.

    `on_denied` learns of a caller without access, whose whole HTTP answer is a 403.
    """
    try:
        async with operation(name):
            answer = await call()
    except ZavaError as error:
        if isinstance(error, AccessDenied):
            on_denied(error)
        return _error_result(error)
    return CallToolResult(
        content=[TextContent(type="text", text=answer.text)],
        structured_content=answer.structured,
    )


def _error_result(error: ZavaError) -> CallToolResult:
    text = f"{error.code}: {error.message}" + (f" Hint: {error.hint}" if error.hint else "")
    return CallToolResult(
        content=[TextContent(type="text", text=text)],
        structured_content=error.to_dict(),
        is_error=True,
    )
