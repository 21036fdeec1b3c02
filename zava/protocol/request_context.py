"""The context of one HTTP request: caller, trace, client's name and denial."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zava.call_context import Trace
from zava.errors import InsufficientScope
from zava.model.core import Caller
from zava.protocol.versions import CLIENT_KEY

SCOPE_KEY = "zava.exchange"
_MAX_NAME = 100


@dataclass(slots=True)
class RequestContext:
    """The verified caller, its place in a trace, its client's name, and what the token lacks.

    It is passed in the ASGI scope. A context variable would not follow the request into the tasks
    that the SDK spawns from its own task group.
    """

    caller: Caller
    trace: Trace
    client_name: str = ""
    denial: InsufficientScope | None = None

    @classmethod
    def of(cls, request: Any) -> "RequestContext":
        """Return the context to which a request of the SDK belongs."""
        request_context: RequestContext = request.scope[SCOPE_KEY]
        return request_context

    def deny(self, error: InsufficientScope) -> None:
        """Remember that the caller's token does not allow the request."""
        self.denial = error


def client_name(message: Mapping[str, Any], user_agent: str) -> str:
    """Return what the client calls itself, in at most 100 printable characters."""
    params = message.get("params")
    meta = params.get("_meta") if isinstance(params, dict) else None
    info = meta.get(CLIENT_KEY) if isinstance(meta, dict) else None
    named = info.get("name") if isinstance(info, dict) else None
    name = named if isinstance(named, str) else user_agent
    name = name[:_MAX_NAME]
    if name.isprintable():
        return name
    return "".join(character for character in name if character.isprintable())
