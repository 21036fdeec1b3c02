"""Which stores an answer could see, for programs and for readers."""

from typing_extensions import TypedDict

from zava.model.core import Scope


class ScopeContent(TypedDict):
    """Which stores the answer could see."""

    audience: str
    stores: list[str]
    store_count: int


def scope_content(scope: Scope) -> ScopeContent:
    """Return the scope as structured content."""
    return {
        "audience": scope.audience.name,
        "stores": list(scope.stores),
        "store_count": scope.store_count,
    }


def scope_text(scope: Scope) -> str:
    """Return the scope as one line that a model passes on."""
    names = ", ".join(scope.stores) or "no store"
    return f"Scope: {names} ({len(scope.stores)} of {scope.store_count} stores)"
