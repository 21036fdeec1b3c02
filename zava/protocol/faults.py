"""What goes wrong, in the protocol's two forms.

An error that a smarter model could have avoided is a tool result with `isError`; one that it could
not is a JSON-RPC error. Neither ever carries a traceback or the cause's own words.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, CallToolResult, TextContent
from pydantic import ValidationError

from zava import observe
from zava.errors import AccessDenied, InvalidInput, NotPermitted, ZavaError
from zava.observe import operation
from zava.protocol.tools.tool import ToolAnswer

_MAX_TOLD = 3


def unknown(kind: str, name: str) -> MCPError:
    """Return the JSON-RPC error for a tool, prompt, argument or cursor that does not exist."""
    return MCPError(INVALID_PARAMS, f"Unknown {kind}: {name[:100]}")


def unknown_resource(uri: str) -> MCPError:
    """Return the JSON-RPC error for a resource that does not exist or is not the caller's."""
    return MCPError(INVALID_PARAMS, "Resource not found", data={"uri": uri[:1000]})


def rpc_error(error: Exception, *, on_denied: Callable[[AccessDenied], None]) -> MCPError:
    """Return what a method that is no tool answers when it fails; tell of what nobody expected."""
    if isinstance(error, MCPError):
        return error
    if isinstance(error, ValidationError):
        return _malformed_params(error)
    if not isinstance(error, ZavaError):
        observe.request_failed(error)
        error = ZavaError("The server failed.", hint="Report the correlation id.")
    if isinstance(error, AccessDenied):
        on_denied(error)
    code = INVALID_PARAMS if isinstance(error, (InvalidInput, NotPermitted)) else INTERNAL_ERROR
    return MCPError(code, error.message, data=error.to_dict())


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


def _malformed_params(error: ValidationError) -> MCPError:
    """Name the fields that have another shape than the method's, and the rule, never the value."""
    told = []
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        parts = [str(part)[:50] for part in detail["loc"] if part != "params"]
        rule = detail["msg"].replace("Input should", "should").replace("Field required", "required")
        told.append(f"{'.'.join(parts) or 'params'}: {rule[:100]}")
    return MCPError(INVALID_PARAMS, f"Invalid params: {'; '.join(told[:_MAX_TOLD])}.")


def _error_result(error: ZavaError) -> CallToolResult:
    content: dict[str, Any] = error.to_dict()
    text = f"{error.code}: {error.message}" + (f" Hint: {error.hint}" if error.hint else "")
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=content, is_error=True
    )
