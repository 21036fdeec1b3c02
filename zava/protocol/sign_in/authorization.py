"""The authorization request: what is checked before a person is shown anything."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from zava.protocol.sign_in.clients import read_client
from zava.protocol.sign_in.parts import AuthorizationRequest, Rules, SignInRefused
from zava.protocol.sign_in.web_forms import read_form

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # base64url of a SHA-256
# OpenID Connect's, which many clients add. They allow nothing.
_IGNORED_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})


def read_request(query: str, rules: Rules) -> AuthorizationRequest:
    """Return a request that passed every check.

    Raises:
        SignInRefused: the reason, for a page. Nothing redirects, because a redirect that was not
            checked could lead anywhere.
    """
    given = read_form(query)
    client_id = given.get("client_id", "")
    client = read_client(client_id)
    if client is None:
        raise SignInRefused(
            "The client is not registered. Remove the server in the client and add it again."
        )
    redirect = given.get("redirect_uri", "")
    # The policy once more: a client id can be written by hand.
    if not (rules.allows_redirect(redirect) and client.may_use(redirect)):
        raise SignInRefused("The client requests its answer at an address that is not allowed.")
    if given.get("response_type") != "code":
        raise SignInRefused("response_type must be code.")
    challenge = given.get("code_challenge", "")
    if given.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise SignInRefused("The client must use PKCE with code_challenge_method S256.")
    return AuthorizationRequest(
        client_id=client_id,
        client_name=client.name,
        redirect_uri=redirect,
        state=given.get("state"),
        challenge=challenge,
        resource=read_resource(given, rules),
        scopes=read_scopes(given.get("scope", ""), rules),
    )


def read_resource(given: Mapping[str, str], rules: Rules) -> str:
    """Return the resource that a token is requested for (RFC 8707); without one, the first of ours.

    Raises:
        SignInRefused: the resource is another server's.
    """
    resource = given.get("resource", rules.resources[0])
    if resource not in rules.resources:
        raise SignInRefused("The client requests a token for another server.")
    return resource


def read_scopes(text: str, rules: Rules) -> tuple[str, ...]:
    """Return the known scopes of a request as clients write them, each once.

    Raises:
        SignInRefused: scopes are requested, and none is known.
    """
    written = {rules.scopes[scope]: scope for scope in rules.scopes_supported}
    requested = [scope for scope in text.split() if scope not in _IGNORED_SCOPES]
    known = [written.get(scope, scope) for scope in requested]
    kept = tuple(dict.fromkeys(scope for scope in known if scope in rules.scopes))
    if requested and not kept:
        raise SignInRefused(f"No scope is known. Known are: {', '.join(written)}.")
    return kept or (next(iter(rules.scopes)),)


def to_ticket(authorization: AuthorizationRequest) -> dict[str, Any]:
    """Return a request as the content of a ticket."""
    return asdict(authorization)


def from_ticket(content: Mapping[str, Any]) -> AuthorizationRequest:
    """Return the request of a ticket."""
    fields = {name: content[name] for name in AuthorizationRequest.__dataclass_fields__}
    return AuthorizationRequest(**fields | {"scopes": tuple(fields["scopes"])})


def answer_location(authorization: AuthorizationRequest, issuer: str, **parameters: str) -> str:
    """Return the client's address with an answer; it names its issuer (RFC 9207)."""
    if authorization.state is not None:
        parameters["state"] = authorization.state
    separator = "&" if "?" in authorization.redirect_uri else "?"
    return f"{authorization.redirect_uri}{separator}{urlencode(parameters | {'iss': issuer})}"
