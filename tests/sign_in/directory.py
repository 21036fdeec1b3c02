"""A directory on loopback that signs people in by the rules of Microsoft Entra ID.

It is not Microsoft Entra ID: each rule is one that its documentation or its users describe. A
strict directory accepts a scope only under the very `resource`; a lax one accepts every identifier
of the same application. The person has a session, so `authorize` prompts for nothing.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import jwt

from tests.sign_in.registrations import Registered
from tests.support.answers.entra import KEY
from zava.model.core import Caller

OPENID_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})
_TOKEN_SECONDS = 3600
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXCHANGE = "api://AzureADTokenExchange"


class SignInRefused(Exception):
    """The directory refuses a request; `code` is that of its error."""

    def __init__(self, code: int, error: str, sentence: str) -> None:
        super().__init__(f"AADSTS{code}: {sentence}")
        self.code, self.error = code, error


@dataclass(frozen=True)
class Rules:
    is_strict: bool = True
    names_pkce: bool = True
    oid_needs_profile: bool = False
    token_seconds: int = _TOKEN_SECONDS
    """How long a client is told that a token lives; the token itself lives for an hour."""

    def living(self, seconds: int) -> "Rules":
        return replace(self, token_seconds=seconds)


@dataclass(frozen=True)
class Grant:
    """What a code or a refresh token stands for."""

    client_id: str
    redirect: str
    scopes: tuple[str, ...]
    resource: str | None
    challenge: str | None
    nonce: str | None = None


class Seen(NamedTuple):
    """A request for a sign-in or a token, and the code of the error that it got."""

    what: str
    parameters: Mapping[str, str]
    refused: int | None = None


@dataclass
class Directory:
    """Signs in one person; `applications` are those that it knows, `seen` what clients sent."""

    person: Caller
    applications: tuple[Registered, ...] = ()
    rules: Rules = Rules()
    base: str = ""
    seen: list[Seen] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)
    changed: dict[str, Any] = field(default_factory=dict)
    """Claims that an ID token has in place of the right ones; None leaves one out."""
    _codes: dict[str, Grant] = field(default_factory=dict)
    _refresh: dict[str, Grant] = field(default_factory=dict)

    @property
    def tenant(self) -> str:
        return str(self.person.tenant_id)

    @property
    def issuer(self) -> str:
        return f"{self.base}/{self.tenant}/v2.0"

    def requests(self, what: str) -> list[Mapping[str, str]]:
        return [one.parameters for one in self.seen if one.what == what]

    @property
    def refusals(self) -> list[int]:
        return [one.refused for one in self.seen if one.refused is not None]

    def metadata(self) -> dict[str, Any]:
        root = f"{self.base}/{self.tenant}"
        named = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
            "token_endpoint": f"{root}/oauth2/v2.0/token",
            "jwks_uri": f"{root}/discovery/v2.0/keys",
            "scopes_supported": sorted(OPENID_SCOPES),
            "response_types_supported": ["code", "id_token", "code id_token"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": [
                *("client_secret_post", "private_key_jwt", "client_secret_basic")
            ],
        }
        pkce = {"code_challenge_methods_supported": ["plain", "S256"]}
        return named | (pkce if self.rules.names_pkce else {})

    def authorize(self, sent: Mapping[str, str]) -> str:
        """Return where the browser goes next.

        Raises:
            SignInRefused: the browser stays at a page with the error.
        """
        client = self._client(sent)
        redirect = sent.get("redirect_uri", "")
        if self._platform(client, redirect) is None:
            raise SignInRefused(
                50011, "invalid_request", f"The redirect URI '{redirect}' does not match."
            )
        try:
            answer = {"code": self._code(client, redirect, sent)}
        except SignInRefused as refusal:
            self.note("authorize", sent, refusal.code)
            answer = {"error": refusal.error, "error_description": str(refusal)}
        else:
            self.note("authorize", sent)
        # No `iss`: it names no issuer in its answers.
        answer |= {"state": sent["state"]} if "state" in sent else {}
        parts = urlsplit(redirect)
        query = urlencode([*parse_qsl(parts.query), *answer.items(), ("session_state", "s")])
        return urlunsplit(parts._replace(query=query))

    def token(self, sent: Mapping[str, str], origin: str | None) -> dict[str, Any]:
        """Return the answer of the token endpoint.

        Raises:
            SignInRefused: the request gets no token.
        """
        client = self._client(sent)
        if sent.get("grant_type") == "authorization_code":
            grant = self._redeemed(client, sent)
        elif sent.get("grant_type") == "refresh_token":
            grant = self._refreshed(client, sent)
        else:
            raise SignInRefused(70003, "unsupported_grant_type", "The grant is not supported.")
        self._prove(client, grant, sent, origin)
        self._check_resource(grant.scopes, sent.get("resource"))
        return self._answer(grant)

    def access_token(self, grant: Grant, *, expired: bool = False) -> str:
        """Return a token of version 2 for what was granted."""
        application = self._application_of(grant.scopes)
        now = int(time.time()) - (2 * _TOKEN_SECONDS if expired else 0)
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": application.client_id,
            "tid": self.tenant,
            "oid": str(self.person.object_id),
            "sub": f"pairwise-{grant.client_id}",
            "azp": grant.client_id,
            "scp": " ".join(_names(grant.scopes)),
            "ver": "2.0",
            "jti": secrets.token_hex(8),
            "iat": now,
            "nbf": now,
            "exp": now + _TOKEN_SECONDS,
        }
        if self.rules.oid_needs_profile and "profile" not in grant.scopes:
            del claims["oid"]
        return jwt.encode(claims, KEY, algorithm="RS256", headers={"kid": "k1"})

    def expired_token(self) -> str:
        """Return a token like the one that was issued last, an hour after its end."""
        return self.access_token(list(self._refresh.values())[-1], expired=True)

    def note(self, what: str, sent: Mapping[str, str], refused: int | None = None) -> None:
        self.seen.append(Seen(what, dict(sent), refused))

    def _client(self, sent: Mapping[str, str]) -> Registered:
        for known in self.applications:
            if known.client_id == sent.get("client_id"):
                return known
        raise SignInRefused(700016, "unauthorized_client", "The application was not found.")

    def _code(self, client: Registered, redirect: str, sent: Mapping[str, str]) -> str:
        scopes = tuple(sent.get("scope", "").split())
        if not scopes:
            raise SignInRefused(
                900144,
                "invalid_request",
                "The request body must contain the following parameter: 'scope'.",
            )
        self._check_resource(scopes, sent.get("resource"))
        if "openid" in scopes and not _of_applications(scopes):
            # A sign-in alone: of an application that proves itself, for no resource.
            return self._grant(Grant(client.client_id, redirect, scopes, None, *_bound(sent)))
        application = self._application_of(scopes)
        missing = [name for name in _names(scopes) if not application.may(client.client_id, name)]
        if missing:
            raise SignInRefused(65001, "consent_required", f"No consent to {missing[0]}.")
        return self._grant(
            Grant(client.client_id, redirect, scopes, sent.get("resource"), *_bound(sent))
        )

    def _grant(self, grant: Grant) -> str:
        code = secrets.token_urlsafe(16)
        self._codes[code] = grant
        return code

    def _application_of(self, scopes: tuple[str, ...]) -> Registered:
        found = set()
        for scope in _of_applications(scopes):
            identifier, _, name = scope.rpartition("/")
            owner = next((one for one in self.applications if identifier in one.identifiers), None)
            # A name alone is one of Microsoft Graph.
            if owner is None and identifier:
                raise SignInRefused(500011, "invalid_resource", f"{identifier} was not found.")
            if owner is None or name not in owner.scopes:
                raise SignInRefused(
                    650053, "invalid_client", f"The scope '{name}' doesn't exist on the resource."
                )
            found.add(owner)
        if len(found) != 1:
            raise SignInRefused(28000, "invalid_scope", "Scopes of one resource are required.")
        return found.pop()

    def _check_resource(self, scopes: tuple[str, ...], resource: str | None) -> None:
        if resource is None:
            return
        accepted = {resource}
        if not self.rules.is_strict:
            accepted |= {
                uri
                for known in self.applications
                if resource in known.identifiers
                for uri in known.identifiers
            }
        known = any(resource in one.identifiers for one in self.applications)
        identifiers = {scope.rpartition("/")[0] for scope in _of_applications(scopes)}
        if not known or not identifiers <= accepted:
            raise SignInRefused(
                9010010,
                "invalid_target",
                "The resource parameter doesn't match with the requested scopes.",
            )

    def _redeemed(self, client: Registered, sent: Mapping[str, str]) -> Grant:
        grant = self._codes.pop(sent.get("code", ""), None)
        if grant is None or grant.client_id != client.client_id:
            raise SignInRefused(70000, "invalid_grant", "The code is not valid.")
        if grant.redirect != sent.get("redirect_uri"):
            raise SignInRefused(500112, "invalid_client", "The reply address does not match.")
        if grant.challenge is not None and grant.challenge != _challenge(sent):
            raise SignInRefused(501481, "invalid_grant", "The Code_Verifier does not match.")
        return grant

    def _refreshed(self, client: Registered, sent: Mapping[str, str]) -> Grant:
        grant = self._refresh.get(sent.get("refresh_token", ""))
        if grant is None or grant.client_id != client.client_id:
            raise SignInRefused(70000, "invalid_grant", "The refresh token is not valid.")
        scopes = tuple(sent.get("scope", "").split())
        if not scopes and self._application_of(grant.scopes) is client:
            raise SignInRefused(
                90009, "invalid_resource", "The application requests a token for itself."
            )
        if not set(scopes) <= set(grant.scopes):
            raise SignInRefused(65001, "consent_required", "No consent to a new scope.")
        return replace(grant, scopes=scopes or grant.scopes)

    def _prove(
        self, client: Registered, grant: Grant, sent: Mapping[str, str], origin: str | None
    ) -> None:
        platform = self._platform(client, grant.redirect)
        if platform == "single page" and origin is None:
            raise SignInRefused(
                9002327, "invalid_request", "Tokens may only be redeemed via cross-origin requests."
            )
        secret = sent.get("client_secret")
        if platform == "web" and client.trusts is not None:
            self._check_assertion(client.trusts, sent)
            return
        if platform == "web" and secret is None:
            raise SignInRefused(7000218, "invalid_client", "'client_secret' is missing.")
        if platform == "web" and secret != client.secret:
            raise SignInRefused(7000215, "invalid_client", "The client secret is not valid.")
        if platform == "public" and secret is not None:
            raise SignInRefused(700025, "invalid_client", "A public client has no secret.")

    def _check_assertion(self, identity: str, sent: Mapping[str, str]) -> None:
        if sent.get("client_assertion_type") != ASSERTION_TYPE:
            raise SignInRefused(7000218, "invalid_client", "'client_assertion' is missing.")
        try:
            jwt.decode(
                sent.get("client_assertion", ""),
                KEY.public_key(),
                algorithms=["RS256"],
                audience=EXCHANGE,
                issuer=self.issuer,
                subject=identity,
            )
        except jwt.PyJWTError:
            raise SignInRefused(
                700213, "invalid_client", "No matching federated identity."
            ) from None

    def assertion(self, identity: str) -> str:
        """Return the token of a managed identity that an application may trust."""
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": identity, "aud": EXCHANGE}
        times = {"iat": now, "nbf": now, "exp": now + _TOKEN_SECONDS}
        return jwt.encode(claims | times, KEY, algorithm="RS256", headers={"kid": "k1"})

    def id_token(self, grant: Grant, *, key: Any = KEY, algorithm: str = "RS256") -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": grant.client_id,
            "tid": self.tenant,
            "sub": f"pairwise-{grant.client_id}",
            "nonce": grant.nonce,
            "ver": "2.0",
            "iat": now,
            "nbf": now,
            "exp": now + _TOKEN_SECONDS,
        }
        if "profile" in grant.scopes:
            claims |= {"oid": str(self.person.object_id), "name": "A person of the directory"}
        claims |= self.changed
        sent = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(sent, key, algorithm=algorithm, headers={"kid": "k1"})

    def _platform(self, client: Registered, redirect: str) -> str | None:
        sent = _compared(redirect)
        for platform, redirects in (
            ("public", client.public_redirects),
            ("web", client.web_redirects),
            ("single page", client.single_page_redirects),
        ):
            if sent in map(_compared, redirects):
                return platform
        return None

    def _answer(self, grant: Grant) -> dict[str, Any]:
        if "openid" in grant.scopes and not _of_applications(grant.scopes):
            return self._signed_in(grant)
        token = self.access_token(grant)
        self.issued.append(token)
        answer: dict[str, Any] = {
            "token_type": "Bearer",
            "scope": " ".join(_of_applications(grant.scopes)),
            "expires_in": self.rules.token_seconds,
            "access_token": token,
        }
        if "offline_access" in grant.scopes:
            answer["refresh_token"] = secrets.token_urlsafe(16)
            self._refresh[answer["refresh_token"]] = grant
        return answer

    def _signed_in(self, grant: Grant) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "token_type": "Bearer",
            "scope": "openid profile",
            "expires_in": _TOKEN_SECONDS,
            "access_token": f"of-graph-{secrets.token_urlsafe(16)}",
            "refresh_token": f"of-the-directory-{secrets.token_urlsafe(16)}",
            "id_token": self.id_token(grant),
        }
        self.issued += [answer[name] for name in ("access_token", "refresh_token", "id_token")]
        return answer


def _bound(sent: Mapping[str, str]) -> tuple[str | None, str | None]:
    return sent.get("code_challenge"), sent.get("nonce")


def _of_applications(scopes: tuple[str, ...]) -> list[str]:
    return [scope for scope in scopes if scope not in OPENID_SCOPES]


def _names(scopes: tuple[str, ...]) -> list[str]:
    return [scope.rpartition("/")[2] for scope in _of_applications(scopes)]


def _challenge(sent: Mapping[str, str]) -> str:
    digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _compared(redirect: str) -> str:
    """Return a redirect as it is compared: of this machine without its port."""
    parts = urlsplit(redirect)
    if parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1"}:
        return urlunsplit(parts._replace(netloc=parts.hostname, path=parts.path or "/"))
    return redirect
