"""What one HTTP exchange carries from the edge to a tool and back."""

from dataclasses import dataclass
from typing import Any

from zava.errors import AccessDenied
from zava.model import Caller
from zava.trace import Trace

SCOPE_KEY = "zava.exchange"


@dataclass(slots=True)
class Exchange:
    """The verified caller, its place in a trace, and whether the database knew it.

    It travels in the ASGI scope: a context variable would not follow the request into the tasks
    that the SDK spawns from its own task group.
    """

    caller: Caller
    trace: Trace
    denial: AccessDenied | None = None

    @classmethod
    def of(cls, request: Any) -> "Exchange":
        """Return the exchange to which a request of the SDK belongs."""
        exchange: Exchange = request.scope[SCOPE_KEY]
        return exchange

    def deny(self, error: AccessDenied) -> None:
        """Remember that this caller has no access."""
        self.denial = error
