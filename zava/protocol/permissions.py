"""What a token lets its bearer do here: scopes of people, roles of applications.

`user_impersonation`, the scope that clients ask for by default, means every tool: the person acts
with all that the grant in the database allows. A token with narrower scopes may call the tools of
those scopes alone. An application has no such whole: it gets exactly the roles that it was given.
Whose rows and which columns a tool then shows, the audience in the database decides.
"""

from collections.abc import Iterable
from typing import Any

from zava.errors import InsufficientScope
from zava.model import Caller, Permission
from zava.protocol.exchange import Exchange
from zava.protocol.tools.tool import Tool

WHOLE_SCOPE = "user_impersonation"
SCOPES = (WHOLE_SCOPE, *Permission)
"""Scopes that an app registration of this server exposes; its app roles are the permissions."""


def of_scopes(scopes: Iterable[str]) -> frozenset[Permission]:
    """Return what a delegated token's scopes allow; unknown ones allow nothing."""
    named = frozenset(scopes)
    if WHOLE_SCOPE in named:
        return frozenset(Permission)
    return of_roles(named)


def of_roles(roles: Iterable[str]) -> frozenset[Permission]:
    """Return what an application's roles allow; unknown ones allow nothing.

    Free SQL reads whatever the narrower tools read, so it includes them.
    """
    named = frozenset(roles)
    allowed = {permission for permission in Permission if permission in named}
    if Permission.SQL_QUERY in allowed:
        allowed |= {Permission.SALES_READ, Permission.PRODUCTS_READ}
    return frozenset(allowed)


def require(tool: Tool, caller: Caller) -> None:
    """Let a caller pass whose token may call the tool.

    Raises:
        InsufficientScope: names the scope to ask for.
    """
    if tool.permission not in caller.permissions:
        raise InsufficientScope(
            f"The token does not allow {tool.name}.",
            hint=f"Ask for a token with the scope {tool.permission}.",
            permission=tool.permission,
        )


def callable_tools(tools: Iterable[Tool], request: Any) -> list[Tool]:
    """Return the tools that the caller of a request of the SDK may call.

    By the token alone: no audience is closed to a tool, so that the list costs no round trip.
    Without an HTTP exchange (a client in the same process, for the documentation) all are listed.
    """
    if request is None:
        return list(tools)
    permissions = Exchange.of(request).caller.permissions
    return [tool for tool in tools if tool.permission in permissions]
