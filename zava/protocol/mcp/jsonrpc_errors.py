"""What goes wrong outside a tool: JSON-RPC errors, in the SDK's type.

An error that a smarter model could have avoided is a tool's answer (`runner.py`); these are
those that it could not. None ever carries a traceback or the cause's own words.
"""

from collections.abc import Callable

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS
from pydantic import ValidationError

from zava.errors import AccessDenied, Busy, InsufficientScope, InvalidInput, NotPermitted, ZavaError
from zava.protocol.http_responses import BUSY, FORBIDDEN
from zava.telemetry import events

_MAX_PROBLEMS = 3
# Their HTTP status is 200 in both eras, also for a caller without access: the protocol gives 400
# and 404 to its own codes, and some clients read a JSON-RPC error under no other status than these.
_CODES: tuple[tuple[type[ZavaError], int], ...] = (
    (InvalidInput, INVALID_PARAMS),
    (NotPermitted, INVALID_PARAMS),
    (AccessDenied, FORBIDDEN),
    (Busy, BUSY),
)


def unknown(kind: str, name: str) -> MCPError:
    """Return the JSON-RPC error for a tool, prompt, argument or cursor that does not exist."""
    return MCPError(INVALID_PARAMS, f"Unknown {kind}: {name[:100]}")


def unknown_resource(uri: str) -> MCPError:
    """Return the JSON-RPC error for a resource that does not exist or is not the caller's."""
    return MCPError(INVALID_PARAMS, "Resource not found", data={"uri": uri[:1000]})


def rpc_error(error: Exception, *, on_denied: Callable[[InsufficientScope], None]) -> MCPError:
    """Return the JSON-RPC error of a failed method that is no tool; log unexpected failures."""
    if isinstance(error, MCPError):
        return error
    if isinstance(error, ValidationError):
        return _malformed_params(error)
    if not isinstance(error, ZavaError):
        events.request_failed(error)
        error = ZavaError("The server failed.", hint="Report the correlation id.")
    if isinstance(error, InsufficientScope):
        on_denied(error)
    code = next((code for kind, code in _CODES if isinstance(error, kind)), INTERNAL_ERROR)
    return MCPError(code, error.message, data=error.to_dict())


def _malformed_params(error: ValidationError) -> MCPError:
    """Name the fields that have another shape than the method's, and the rule, never the value."""
    problems = []
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        parts = [str(part)[:50] for part in detail["loc"] if part != "params"]
        rule = detail["msg"].replace("Input should", "should").replace("Field required", "required")
        problems.append(f"{'.'.join(parts) or 'params'}: {rule[:100]}")
    return MCPError(INVALID_PARAMS, f"Invalid params: {'; '.join(problems[:_MAX_PROBLEMS])}.")
