"""Rows about MCP: the way to a token, and what the protocol answers with one."""

import re
from collections.abc import Iterator

from zava.cli.check.http_rows import described
from zava.cli.check.report import Check, Found, State
from zava.cli.check.values import (
    CALL,
    DISCOVER,
    INITIALIZE,
    Address,
    Answer,
    NoAnswer,
    Request,
    shown,
)
from zava.cli.check.wire import Subject, Wire, content
from zava.protocol.versions import HANDSHAKE, STATELESS

METADATA = "/.well-known/oauth-protected-resource"
_FORGED = "e30.e30.e30"  # three empty parts, without a signature
_OK, _UNAUTHORIZED, _FORBIDDEN = 200, 401, 403
_MAX_ISSUERS = 3
_PARAMETER = re.compile(r'([a-z_]+)="([^"]*)"')
_TOKEN_ADVICE = "docs/how-to/deploy.md lists the causes of 401 and 403 with a token"  # noqa: S105  # no token


def metadata(subject: Subject) -> Found:
    """Read the metadata that clients start from."""
    answer = subject.get(METADATA + subject.address.path)
    subject.metadata = content(answer)
    resource = subject.metadata.get("resource")
    if answer.status != _OK or not isinstance(resource, str):
        return Found(State.PROBLEM, described(answer), "let the path reach the app")
    if resource != f"{subject.address.base}{subject.address.path}":
        return Found(State.PROBLEM, f"resource {shown(resource)}")
    if not _issuers(subject):
        return Found(State.PROBLEM, "no authorization server", "set ZAVA_IDENTITY_ISSUER")
    return Found(State.OK, f"resource {shown(resource)}")


def scopes(subject: Subject) -> Found:
    """Look whether the scopes are under the resource, which clients send with them."""
    resource, named = (subject.metadata.get(name) for name in ("resource", "scopes_supported"))
    listed = [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
    if not listed:
        return Found(State.SKIPPED, "the metadata list no scope")
    other = [one for one in listed if not one.startswith(f"{resource}/")]
    if not other:
        return Found(State.OK, f"{len(listed)} under the resource")
    return Found(
        State.LEARNED,
        f"{len(other)} of {len(listed)} elsewhere: {shown(other[0])}",
        "Microsoft Entra ID refuses these beside `resource` (AADSTS9010010); use "
        "ZAVA_SCOPE_STYLE=url",
    )


def challenge(subject: Subject) -> Found:
    """Call without a token: the answer has to name the metadata."""
    answer = subject.post(INITIALIZE)
    found = answer.headers.get("www-authenticate", "")
    if answer.status != _UNAUTHORIZED:
        return Found(State.PROBLEM, described(answer))
    named = dict(_PARAMETER.findall(found)).get("resource_metadata", "")
    if not found.lower().startswith("bearer") or not named:
        return Found(State.PROBLEM, f"401, WWW-Authenticate: {shown(found) or 'none'}")
    is_own = named.startswith(f"{subject.address.base}{METADATA}")
    return Found.of(f"401, names {shown(named)}", is_good=is_own)


def forged_token(subject: Subject) -> Found:
    """Call with a token without a valid signature."""
    answer = subject.post(INITIALIZE, {"Authorization": f"Bearer {_FORGED}"})
    return Found.of(described(answer), is_good=answer.status == _UNAUTHORIZED)


def sign_in(subject: Subject) -> Found:
    """Read the metadata of each authorization server at the places that clients try."""
    issuers = _issuers(subject)
    if not issuers:
        return Found(State.SKIPPED, "the metadata name no authorization server")
    found = [_sign_in_at(subject, issuer) for issuer in issuers[:_MAX_ISSUERS]]
    return next((one for one in found if one.state is State.PROBLEM), found[0])


def _sign_in_at(subject: Subject, issuer: str) -> Found:
    try:
        place = Address.of(issuer)
    except ValueError as error:
        return Found(State.PROBLEM, f"{shown(issuer)}: {error}")
    is_local = subject.address.is_local and place.is_local
    if place.scheme == "http" and not is_local:
        return Found(State.PROBLEM, f"{shown(issuer)} is not an https address")
    nothing_published = Found(State.SKIPPED, "this issuer publishes nothing; use `zava token`")
    wire = Wire(place, subject.limits)
    seen = ""
    for path in _document_paths(place.path.rstrip("/")):
        try:
            answer = wire.send(Request("GET", path))
        except NoAnswer as nothing:
            refused = Found(State.PROBLEM, f"{shown(issuer)}: {nothing}")
            return nothing_published if is_local else refused
        document = content(answer)
        seen = f"{place.base}{path} {answer.status}"
        if answer.status == _OK and "issuer" in document:
            subject.documents.append(document)
            named = shown(str(document["issuer"]))
            return Found.of(f"issuer {named}", is_good=document["issuer"] == issuer)
    missing = Found(State.PROBLEM, f"no document; last {shown(seen)}")
    return nothing_published if is_local else missing


def pkce(subject: Subject) -> Found:
    """Look whether the authorization servers offer the one method that clients accept."""
    if not subject.documents:
        return Found(State.SKIPPED, "no metadata of an authorization server")
    offered = [one.get("code_challenge_methods_supported") for one in subject.documents]
    for methods in offered:
        if methods is not None and not (isinstance(methods, list) and "S256" in methods):
            return Found(State.PROBLEM, shown(str(methods)))
    if None in offered:
        return Found(
            State.LEARNED,
            "no method is listed",
            "strict clients refuse this; Microsoft Entra ID accepts S256 without listing it",
        )
    return Found(State.OK, "S256 is listed")


def handshake(subject: Subject) -> Found:
    """Begin as a client of the handshake era."""
    if subject.token is None:
        return _without_token()
    answer = subject.post(INITIALIZE, has_token=True)
    agreed = _result(answer).get("protocolVersion")
    if agreed is None:
        return _no_result(answer)
    return Found.of(f"agreed on {shown(str(agreed))}", is_good=agreed == HANDSHAKE[0])


def stateless(subject: Subject) -> Found:
    """Begin as a client of the stateless era."""
    if subject.token is None:
        return _without_token()
    answer = subject.post(DISCOVER, has_token=True)
    versions = _result(answer).get("supportedVersions")
    if not isinstance(versions, list):
        return _no_result(answer)
    return Found.of(shown(", ".join(map(str, versions))), is_good=STATELESS in versions)


def tool_call(subject: Subject) -> Found:
    """Call one tool."""
    if subject.token is None:
        return _without_token()
    answer = subject.post(CALL, has_token=True)
    result = _result(answer)
    if not result:
        return _no_result(answer)
    if result.get("isError"):
        return Found(State.PROBLEM, shown(str(result.get("content"))))
    return Found(State.OK, "the tool answered")


def _issuers(subject: Subject) -> list[str]:
    named = subject.metadata.get("authorization_servers")
    return [one for one in named if isinstance(one, str)] if isinstance(named, list) else []


def _document_paths(path: str) -> Iterator[str]:
    """Yield where the document of an issuer with this path may be, in the order of the clients."""
    yield f"/.well-known/oauth-authorization-server{path}"
    yield f"/.well-known/openid-configuration{path}"
    if path:
        yield f"{path}/.well-known/openid-configuration"


def _without_token() -> Found:
    return Found(State.SKIPPED, "no token was given")


def _result(answer: Answer) -> dict[str, object]:
    result = content(answer).get("result")
    return result if isinstance(result, dict) else {}


def _no_result(answer: Answer) -> Found:
    is_refused = answer.status in {_UNAUTHORIZED, _FORBIDDEN}
    return Found(State.PROBLEM, described(answer), _TOKEN_ADVICE if is_refused else "")


SIGN_IN = (
    Check(
        "metadata",
        "resource is the URL",
        "list the host in ZAVA_ALLOWED_HOSTS; let the proxy pass the client's Host on",
        metadata,
    ),
    Check(
        "challenge",
        "401 with Bearer and resource_metadata",
        "let the platform and the proxy pass WWW-Authenticate on",
        challenge,
    ),
    Check("scopes", "under the resource", "use ZAVA_SCOPE_STYLE=url", scopes),
    Check("forged token", "401", "do not serve: set ZAVA_IDENTITY_ISSUER", forged_token),
    Check(
        "sign-in",
        "the server's metadata, issuer equal",
        "compare ZAVA_IDENTITY_ISSUER with the issuer's own metadata",
        sign_in,
    ),
    Check("PKCE", "S256", "choose an authorization server that offers S256", pkce),
)
PROTOCOL = (
    Check(f"era {HANDSHAKE[0]}", "the same version", "read the log of the app", handshake),
    Check(f"era {STATELESS}", "the version is listed", "read the log of the app", stateless),
    Check("tool call", "a result", "read the log of the app", tool_call),
)
