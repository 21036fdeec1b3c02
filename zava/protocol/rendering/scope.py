"""Which tenants an answer could see, for programs and for readers."""

from typing_extensions import TypedDict

from zava.model.audiences import Breadth
from zava.model.core import Scope, TenantWords


class ScopeContent(TypedDict):
    """Which stores the answer could see."""

    audience: str
    stores: list[str]
    store_count: int


class TenantScopeContent(TypedDict):
    """Whose rows the answer could see: all of them, or the first of these tenants."""

    audience: str
    all_tenants: bool
    tenants: list[str]
    tenant_count: int


def scope_content(scope: Scope) -> ScopeContent:
    """Return the scope as structured content."""
    return {
        "audience": scope.audience.name,
        "stores": list(scope.stores),
        "store_count": scope.store_count,
    }


def scope_text(scope: Scope) -> str:
    """Return the scope as one line that a model passes on."""
    if scope.words is not None:
        return _tenants_text(scope, scope.words)
    names = ", ".join(scope.stores) or "no store"
    return f"Scope: {names} ({len(scope.stores)} of {scope.store_count} stores)"


def _tenants_text(scope: Scope, words: TenantWords) -> str:
    """Return the scope without the number of tenants that the caller does not see."""
    if scope.audience.breadth is Breadth.ALL:
        return f"Scope: all {words.many}"
    if not scope.stores:
        return f"Scope: no {words.one}"
    names = ", ".join(map(_one_line, scope.stores))
    more = scope.store_count - len(scope.stores)
    counted = words.one if scope.store_count == 1 else words.many
    return f"Scope: {names}{f' and {more} more' if more else ''} ({scope.store_count} {counted})"


def _one_line(name: str) -> str:
    """Return a label that another application's customers wrote without what moves a cursor."""
    return "".join(each if each.isprintable() else " " for each in name)


def tenant_scope_content(scope: Scope) -> TenantScopeContent:
    """Return the scope of another application's tenants as structured content."""
    return {
        "audience": scope.audience.title,
        "all_tenants": scope.audience.breadth is Breadth.ALL,
        "tenants": list(scope.stores),
        "tenant_count": scope.store_count,
    }
