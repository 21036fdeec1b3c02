"""Opens and ends the record of each tool call, resource read and completion.

Refusals are also lines of the log.
"""

import logging
from collections.abc import Mapping
from typing import Any, Protocol

from zava.errors import ZavaError
from zava.model.core import Caller, CallRecord
from zava.protocol.request_context import RequestContext

logger = logging.getLogger(__name__)

OK, CANCELLED = "OK", "CANCELLED"
REFUSED_FOR_COST = "REFUSED_FOR_COST"

_REFUSED_BY_US = frozenset({"AUTHORIZATION_ERROR", "VALIDATION_ERROR"})


class Trail(Protocol):
    """Where records go."""

    def record(self, record: CallRecord) -> None:
        """Keep the outcome of a call."""

    async def wait_for_capacity(self) -> None:
        """Wait while too many outcomes are unwritten."""


class NoTrail:
    """Keeps nothing: for a server without callers, such as the one that writes the docs."""

    def record(self, record: CallRecord) -> None:
        """Let the outcome go."""

    async def wait_for_capacity(self) -> None:
        """Return at once."""


class Recording:
    """The record of one call, opened for its caller and noted however the block ends.

    The block runs under the record: `call_context.record` returns it there. Outcomes that cannot be
    written as fast as they come hold the next ones up, refusals too.
    """

    def __init__(self, trail: Trail, request_context: RequestContext, tool: str) -> None:
        self._trail = trail
        trace = request_context.trace
        self._record = trace.record = CallRecord(
            request_context.caller,
            tool,
            client_name=request_context.client_name,
            outcome=CANCELLED,
            correlation_id=trace.correlation_id,
            trace_id=trace.client_trace_id,
        )

    async def __aenter__(self) -> Caller:
        """Return the caller whose call is recorded."""
        return self._record.caller

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> None:
        """Note the outcome: CANCELLED, unless the block ended or raised an error of ours."""
        if error is None:
            self._record.outcome = OK
        elif isinstance(error, ZavaError):
            _read_error(self._record, error.to_dict())
        self._trail.record(self._record)
        if error is None or isinstance(error, ZavaError):
            await self._trail.wait_for_capacity()


def _read_error(record: CallRecord, content: Mapping[str, Any]) -> None:
    code = str(content.get("code", "MCP_ERROR"))
    record.outcome = REFUSED_FOR_COST if record.is_refused_for_cost else code
    record.correlation_id = str(content.get("correlation_id", ""))
    if record.outcome in _REFUSED_BY_US:
        logger.warning(
            "refused: operation=%s error_type=%s tenant=%s object=%s correlation_id=%s",
            record.tool,
            record.outcome,
            record.caller.tenant_id,
            record.caller.object_id,
            record.correlation_id,
        )
