"""What a signed-in page calls beside the MCP endpoint: an export, and the person's kept questions.

Each call passes the endpoint's host, token, budget and capacity first, and is recorded as a tool's.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import orjson

from zava.errors import Busy, InsufficientScope, InvalidInput, ZavaError
from zava.model.audiences import CUSTOMERS_READ, SQL_QUERY, Permission
from zava.model.core import Caller
from zava.protocol.auth import permissions
from zava.protocol.console.exported_rows import FORMATS, exported
from zava.protocol.console.open_exports import ExportedFile, OpenExports
from zava.protocol.http_responses import HttpResponse, json_answer
from zava.protocol.mcp.jsonrpc import MAX_BODY_BYTES, excess_of
from zava.protocol.request_context import RequestContext
from zava.protocol.tools.recording import Recording, Trail
from zava.service.analytics import Analytics
from zava.telemetry.events import operation

EXPORT_PATH = "/console/export"
SAVED_PATH = "/console/saved"
OPERATOR_PATH = "/console/operator"
MOST_ROWS = 1_000_000
MOST_BYTES = 1024 * 1024 * 1024
MOST_ROWS_IN_MEMORY = 100_000
MOST_BYTES_IN_MEMORY = 32 * 1024 * 1024
"""On the Functions host, which takes whole answers alone."""

_MOST_HOURS = 24 * 31
_OUTCOME = re.compile("(not OK|[A-Z_]{0,40})")
_ACTIONS = frozenset({"list", "save", "remove", "pin", "visit", "clear"})
_CODES = {Busy: 503, InsufficientScope: 403, InvalidInput: 400}


class Records(Protocol):
    """The lists of kept questions, and the operator's page."""

    async def change(self, caller: Caller, change: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Do one thing with a person's list and return the list."""

    async def operator_page(self, caller: Caller, *, hours: int, outcome: str) -> dict[str, Any]:
        """Read the calls of the last hours, everyone's budgets and the grants."""


class _ConsoleCall:
    """A call of the console, by what a token has to allow for it."""

    def __init__(self, name: str, permission: Permission) -> None:
        self.name = name
        self.permission = permission


_OPERATOR = _ConsoleCall("console/operator", SQL_QUERY)
_EXPORT, _SAVED = (
    _ConsoleCall("console/export", SQL_QUERY),
    _ConsoleCall("console/saved", SQL_QUERY),
)
# What a person looked for may name a customer.
_SAVED_NAMES = _ConsoleCall("console/saved", CUSTOMERS_READ)


class ConsoleCalls:
    """Answers the calls, by path."""

    def __init__(
        self,
        analytics: Analytics,
        trail: Trail,
        kept: Records,
        *,
        most_rows: int = MOST_ROWS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """An export ends at `most_rows` rows, or at `most_bytes` of their JSON."""
        self._most_rows = most_rows
        self._most_bytes = most_bytes
        self._exports = OpenExports()
        self._analytics = analytics
        self._trail = trail
        self._kept = kept
        self._calls: dict[
            str, tuple[_ConsoleCall, Callable[[Caller, Any], Awaitable[HttpResponse]]]
        ] = {
            EXPORT_PATH: (_EXPORT, self._export),
            SAVED_PATH: (_SAVED, self._saved),
            OPERATOR_PATH: (_OPERATOR, self._operator),
        }

    @property
    def paths(self) -> frozenset[str]:
        """Return the paths that are answered here."""
        return frozenset(self._calls)

    async def answer(self, path: str, request_context: RequestContext, body: bytes) -> HttpResponse:
        """Answer one call for its verified caller, errors included."""
        offer, call = self._calls[path]
        try:
            async with (
                Recording(self._trail, request_context, offer.name) as caller,
                operation(offer.name),
            ):
                permissions.require(offer, caller)
                return await call(caller, _read(body))
        except ZavaError as error:
            status = next((code for kind, code in _CODES.items() if isinstance(error, kind)), 422)
            return json_answer(status, {"error": error.to_dict()})

    async def _export(self, caller: Caller, given: Mapping[str, Any]) -> HttpResponse:
        form, statement = given.get("format", "csv"), given.get("postgresql_query")
        if form not in FORMATS or not isinstance(statement, str):
            raise InvalidInput(
                "postgresql_query and format: expected a statement and csv or jsonl.",
                fields=("postgresql_query", "format"),
            )
        place = self._exports.take(caller.identity)
        try:
            table, spool = await self._analytics.data.export(
                caller, statement, max_rows=self._most_rows, max_bytes=self._most_bytes
            )
        except BaseException:
            place.close()
            raise
        place.spool = spool
        headers = {"content-type": FORMATS[form], "zava-rows": str(spool.count)}
        if table.truncated is not None:
            headers["zava-truncated"] = table.truncated
        parts = ExportedFile(exported(form, table.columns, place), place)
        return HttpResponse(200, headers, b"", parts)

    async def _saved(self, caller: Caller, given: Mapping[str, Any]) -> HttpResponse:
        permissions.require(_SAVED_NAMES, caller)
        change = {name: given.get(name) for name in ("action", "address", "title", "is_pinned")}
        action, address = change["action"], change["address"]
        needs_address = action not in {"list", "clear"}
        if action not in _ACTIONS or (needs_address and not isinstance(address, str)):
            raise InvalidInput(
                f"action: expected one of {', '.join(sorted(_ACTIONS))}, with an address.",
                fields=("action", "address"),
            )
        if not isinstance(change["title"], str | None) or not isinstance(
            change["is_pinned"], bool | None
        ):
            raise InvalidInput("title: expected a text; is_pinned: expected a boolean.")
        return json_answer(200, {"items": await self._kept.change(caller, change)})

    async def _operator(self, caller: Caller, given: Mapping[str, Any]) -> HttpResponse:
        hours, outcome = given.get("hours", 24), given.get("outcome", "")
        if type(hours) is not int or not 1 <= hours <= _MOST_HOURS:
            raise InvalidInput(
                f"hours: expected a whole number from 1 to {_MOST_HOURS}.", fields=("hours",)
            )
        if not isinstance(outcome, str) or not _OUTCOME.fullmatch(outcome):
            raise InvalidInput(
                "outcome: expected a code, `not OK`, or nothing for all.", fields=("outcome",)
            )
        page = await self._kept.operator_page(caller, hours=hours, outcome=outcome)
        return json_answer(200, page)


def _read(body: bytes) -> Mapping[str, Any]:
    if len(body) > MAX_BODY_BYTES:
        raise InvalidInput(f"The body exceeds {MAX_BODY_BYTES:,} bytes.")
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        raise InvalidInput("The body is not a JSON object.")
    excess = excess_of(given, body)
    if excess:
        raise InvalidInput(excess)
    return given
