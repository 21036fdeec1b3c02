"""What goes wrong, in the protocol's two forms.

An error that a smarter model could have avoided is a tool result with `isError`; one that it could
not is a JSON-RPC error. Neither ever carries a traceback or the cause's own words.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, CallToolResult, TextContent
from pydantic import ValidationError

from zava.errors import AccessDenied, InvalidInput, ZavaError
from zava.protocol.tools.tool import ToolAnswer

logger = logging.getLogger(__name__)

_MAX_TOLD = 3


def unknown(kind: str, name: str) -> MCPError:
    """Return the JSON-RPC error for a tool or prompt that does not exist."""
    return MCPError(INVALID_PARAMS, f"Unknown {kind}: {name[:100]}")


def unknown_resource(uri: str) -> MCPError:
    """Return the JSON-RPC error for a resource that does not exist or is not the caller's."""
    return MCPError(INVALID_PARAMS, "Resource not found", data={"uri": uri[:1000]})


def malformed_params(error: ValidationError) -> MCPError:
    """Return the JSON-RPC error for params of another shape than the method's; names fields."""
    told = []
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        parts = [str(part)[:50] for part in detail["loc"] if part != "params"]
        rule = detail["msg"].replace("Input should", "should").replace("Field required", "required")
        told.append(f"{'.'.join(parts) or 'params'}: {rule[:100]}")
    return MCPError(INVALID_PARAMS, f"Invalid params: {'; '.join(told[:_MAX_TOLD])}.")


def rpc_error(
    method: str, error: Exception, *, on_denied: Callable[[AccessDenied], None]
) -> MCPError:
    """Return what a method that is no tool answers when it fails."""
    if isinstance(error, MCPError):
        return error
    if isinstance(error, ValidationError):
        return malformed_params(error)
    fault = _as_fault(method, error)
    if isinstance(fault, AccessDenied):
        on_denied(fault)
    code = INVALID_PARAMS if isinstance(fault, InvalidInput) else INTERNAL_ERROR
    return MCPError(code, fault.message, data=fault.to_dict())


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
        answer = await call()
    except Exception as error:  # noqa: BLE001  # the one boundary: nothing of the cause may pass
        fault = _as_fault(name, error)
        if isinstance(fault, AccessDenied):
            on_denied(fault)
        return _error_result(fault)
    return CallToolResult(
        content=[TextContent(type="text", text=answer.text)],
        structured_content=answer.structured,
    )


def _as_fault(name: str, error: Exception) -> ZavaError:
    """Return what may be told of an error, and log the rest under its correlation id."""
    if isinstance(error, ZavaError):
        logger.info("%s: %s correlation_id=%s", name, error.code, error.correlation_id)
        return error
    fault = ZavaError("The server failed.", hint="Report the correlation id.")
    logger.error("%s failed correlation_id=%s", name, fault.correlation_id, exc_info=error)
    return fault


def _error_result(error: ZavaError) -> CallToolResult:
    content: dict[str, Any] = error.to_dict()
    text = f"{error.code}: {error.message}" + (f" Hint: {error.hint}" if error.hint else "")
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=content, is_error=True
    )
