"""What a token allows its bearer to call: scopes of people, roles of applications.

`user_impersonation`, the scope that clients request by default, allows every tool: the person acts
with the whole grant in the database. A token with narrower scopes may call the tools of those
scopes alone. An application has no such whole scope: it gets exactly the roles that it was given.
The audience in the database decides which rows and columns a tool then returns. Names, e-mail and
phone of customers need `customers.read` in the token and in the grant.
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from zava.errors import InsufficientScope
from zava.model.audiences import Permission, Permissions
from zava.model.core import Caller

WHOLE_SCOPE = "user_impersonation"


def scopes_of(offered: Permissions) -> tuple[str, ...]:
    """Return the scopes that an app registration exposes; its app roles are the permissions."""
    return (WHOLE_SCOPE, *offered.all)


def of_scopes(scopes: Iterable[str], offered: Permissions) -> frozenset[Permission]:
    """Return what a delegated token's scopes allow; unknown ones allow nothing."""
    named = frozenset(scopes)
    if WHOLE_SCOPE in named:
        return frozenset(offered.all)
    return offered.of_names(named)


class Offered(Protocol):
    """A tool or a resource: what a token may allow."""

    @property
    def name(self) -> str:
        """Return the name under which it is listed."""

    @property
    def permission(self) -> Permission | None:
        """Return what the caller's token has to allow; None: any token will do."""


OfferedT = TypeVar("OfferedT", bound=Offered)


def require(offered: Offered, caller: Caller) -> None:
    """Let a caller pass whose token allows the tool or resource.

    Raises:
        InsufficientScope: the error names the scope to request.
    """
    if offered.permission is not None and offered.permission not in caller.permissions:
        raise InsufficientScope(
            f"The token does not allow {offered.name}.",
            hint=f"Request a token with the scope {offered.permission}.",
            permission=offered.permission,
        )


def allowed(offers: Iterable[OfferedT], permissions: frozenset[Permission]) -> list[OfferedT]:
    """Return the tools or resources that a token with these permissions allows.

    By the token alone: no audience is closed to any, so that the list costs no round trip.
    """
    return [
        offered
        for offered in offers
        if offered.permission is None or offered.permission in permissions
    ]
