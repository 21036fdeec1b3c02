"""The values of a sign-in, and the parts in which one deployment differs from another.

The core contains neither the people, nor the store of used codes, nor the signer of access tokens.
A laptop brings a list of people, memory and the local issuer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from zava.protocol.http_responses import HttpResponse


class SignInRequest(NamedTuple):
    """One HTTP request; the names of `headers` are in lower case and appear once."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class Person(NamedTuple):
    """A person as access tokens name them."""

    tenant_id: str
    object_id: str
    name: str


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """An authorization request that passed every check."""

    client_id: str
    client_name: str
    redirect_uri: str
    state: str | None
    challenge: str
    resource: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a deployment accepts: its one name, its resources, its scopes and its redirects.

    `scopes` maps each scope as clients write it to its name in a token. A client that requests none
    gets the first.
    """

    issuer: str
    hosts: frozenset[str]
    resources: tuple[str, ...]
    scopes: Mapping[str, str]
    allows_redirect: Callable[[str], bool]

    @property
    def scopes_supported(self) -> list[str]:
        """Return the scopes of the first resource, as the metadata list them."""
        return [scope for scope in self.scopes if scope.startswith(f"{self.resources[0]}/")]


class SignInRefused(Exception):
    """A request that must not go on; the message is shown to the person or to the client."""


class People(Protocol):
    """How the person is known: picked from a list, or proven by a directory."""

    async def welcome(
        self, authorization: AuthorizationRequest, ticket: str, headers: Mapping[str, str]
    ) -> HttpResponse:
        """Answer a valid request to sign in; `ticket` comes back with the person's choice."""

    async def person(self, choice: Mapping[str, Any], headers: Mapping[str, str]) -> Person | None:
        """Return the person of a choice; None where the person refuses.

        Raises:
            SignInRefused: the choice names a person that it must not.
        """


class SignIns(Protocol):
    """Remembers which codes and refresh tokens were used. Reuse of either ends the sign-in."""

    async def begin(self, sign_in: str, following: str, person: Person, client_name: str) -> bool:
        """Redeem a code, once; return False, and end the sign-in, where it was redeemed before.

        `following` is the id of the refresh token whose turn it then is.

        Raises:
            Busy: what remembers does not answer.
        """

    async def turn(self, sign_in: str, given: str, following: str) -> bool:
        """Use the refresh token of the id `given`; return False, and end, where it is not next.

        Raises:
            Busy: what remembers does not answer.
        """


class Tokens(Protocol):
    """Signs access tokens."""

    seconds: int

    def issue(self, person: Person, scopes: tuple[str, ...], resource: str) -> str:
        """Return an access token; `scopes` are named as in tokens."""
