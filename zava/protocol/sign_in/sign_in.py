"""An authorization server for MCP clients: metadata, registration, authorization, tokens.

It is host-agnostic as the endpoint is: one whole request in, one whole answer out. The endpoint
has compared `Host` and `Origin` with the served hosts and refused repeated headers. Nothing is
stored for a request that a person does not finish.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zava.errors import Busy
from zava.protocol.http_responses import HttpResponse, json_answer
from zava.protocol.sign_in.authorization import (
    answer_location,
    from_ticket,
    read_request,
    to_ticket,
)
from zava.protocol.sign_in.clients import register
from zava.protocol.sign_in.page import FILES, refusal_page
from zava.protocol.sign_in.parts import (
    AuthorizationRequest,
    People,
    Person,
    Rules,
    SignInRefused,
    SignInRequest,
    SignIns,
    Tokens,
)
from zava.protocol.sign_in.redemption import Redemption
from zava.protocol.sign_in.seal import Seal, fingerprint
from zava.protocol.sign_in.web_forms import (
    media_type,
    oauth_error,
    read_form,
    read_object,
)

METADATA_PATH = "/.well-known/oauth-authorization-server"
REGISTER_PATH = "/oauth/register"
AUTHORIZE_PATH = "/oauth/authorize"
TOKEN_PATH = "/oauth/token"  # noqa: S105  # a path

_METHODS = {
    METADATA_PATH: ("GET", "HEAD"),
    REGISTER_PATH: ("POST",),
    AUTHORIZE_PATH: ("GET", "HEAD", "POST"),
    TOKEN_PATH: ("POST",),
    **dict.fromkeys(FILES, ("GET", "HEAD")),
}
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
_DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Seals:
    """One seal for each kind of ticket: the page's, the code, the refresh token."""

    pages: Seal
    codes: Seal
    refreshes: Seal


class SignIn:
    """Signs people in on behalf of MCP clients."""

    def __init__(
        self, rules: Rules, *, people: People, sign_ins: SignIns, tokens: Tokens, seals: Seals
    ) -> None:
        self._rules = rules
        self._people = people
        self._seals = seals
        self._redemption = Redemption(
            rules, codes=seals.codes, refreshes=seals.refreshes, sign_ins=sign_ins, tokens=tokens
        )

    async def handle(self, request: SignInRequest) -> HttpResponse:
        """Answer one request.

        Raises:
            Exception: what a part raises; the endpoint answers it without its words.
        """
        allowed = _METHODS.get(request.path)
        if allowed is None:
            return json_answer(404, {"error": "not found"})
        if request.method not in allowed:
            names = ", ".join(allowed)
            return json_answer(405, {"error": f"use {names}"}, {"allow": names})
        if request.headers.get("host") not in self._rules.hosts:
            return json_answer(421, {"error": f"sign in at {self._rules.issuer}"})
        if request.path == AUTHORIZE_PATH:
            return await self._authorize(request)
        if request.path == TOKEN_PATH:
            return await self._token(request)
        if request.path == REGISTER_PATH:
            return self._register(request)
        if request.path == METADATA_PATH:
            return json_answer(200, self._metadata())
        return FILES[request.path]()

    def _metadata(self) -> dict[str, Any]:
        """Return the authorization server's metadata (RFC 8414)."""
        issuer = self._rules.issuer
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}{AUTHORIZE_PATH}",
            "token_endpoint": f"{issuer}{TOKEN_PATH}",
            "registration_endpoint": f"{issuer}{REGISTER_PATH}",
            "scopes_supported": self._rules.scopes_supported,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def _register(self, request: SignInRequest) -> HttpResponse:
        if media_type(request.headers) != _JSON:
            return oauth_error("invalid_client_metadata", f"The content type must be {_JSON}.")
        try:
            metadata = read_object(request.body)
        except SignInRefused as refusal:
            return oauth_error("invalid_client_metadata", str(refusal))
        try:
            client = register(metadata, self._rules.allows_redirect)
        except SignInRefused as refusal:
            return oauth_error("invalid_redirect_uri", str(refusal))
        content = {
            "client_id": client.client_id,
            "client_id_issued_at": int(time.time()),
            "client_name": client.name,
            "redirect_uris": list(client.redirects),
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }
        return json_answer(201, content)

    async def _authorize(self, request: SignInRequest) -> HttpResponse:
        # One address alone, so that one `Origin` alone may decide.
        if f"http://{request.headers['host']}" != self._rules.issuer and (
            f"https://{request.headers['host']}" != self._rules.issuer
        ):
            return refusal_page(421, f"Sign in at {self._rules.issuer}.")
        if request.method == "POST":
            return await self._choose(request)
        # An image or a script of another page is no person; only a navigation shows anything.
        if request.headers.get("sec-fetch-dest", _DOCUMENT) != _DOCUMENT:
            return refusal_page(403, "This page opens in a tab of its own.")
        try:
            authorization = read_request(request.query, self._rules)
            ticket = self._seals.pages.close(to_ticket(authorization))
        except SignInRefused as refusal:
            return refusal_page(400, str(refusal))
        return await self._people.welcome(authorization, ticket, request.headers)

    async def _choose(self, request: SignInRequest) -> HttpResponse:
        """Take the person's choice from our own page and answer where the browser goes next."""
        is_own = (
            request.headers.get("origin") == self._rules.issuer
            and request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
        )
        if not is_own:
            return json_answer(403, {"error": "Only the page of this server may choose."})
        if request.headers.get("content-type") != _JSON:
            return json_answer(415, {"error": f"The content type must be {_JSON}."})
        try:
            choice = read_object(request.body)
            ticket = self._opened(choice)
            person = await self._people.person(choice, request.headers)
            authorization = from_ticket(ticket)
            answer = {"error": "access_denied"}
            if person is not None:
                # A page that is answered once names the sign-in, of which one code is redeemed.
                sign_in = ticket.get("sign_in") or secrets.token_hex(16)
                answer = {"code": self._code(authorization, person, sign_in)}
        except SignInRefused as refusal:
            return json_answer(400, {"error": str(refusal)})
        location = answer_location(authorization, self._rules.issuer, **answer)
        return json_answer(200, {"location": location})

    def _opened(self, choice: Mapping[str, Any]) -> dict[str, Any]:
        ticket = self._seals.pages.open(choice.get("ticket"))
        if ticket is None:
            raise SignInRefused("This page is too old. Connect again in your client.")
        return ticket

    def _code(self, authorization: AuthorizationRequest, person: Person, sign_in: str) -> str:
        return self._seals.codes.close(
            {
                "client": fingerprint(authorization.client_id),
                "client_name": authorization.client_name,
                "redirect_uri": authorization.redirect_uri,
                "challenge": authorization.challenge,
                "resource": authorization.resource,
                "scopes": authorization.scopes,
                "person": list(person),
                "sign_in": sign_in,
            }
        )

    async def _token(self, request: SignInRequest) -> HttpResponse:
        if media_type(request.headers) != _FORM:
            return oauth_error("invalid_request", f"The content type must be {_FORM}.")
        try:
            form = read_form(request.body.decode("ascii"))
        except UnicodeDecodeError:
            return oauth_error("invalid_request", "The form is not readable.")
        except SignInRefused as refusal:
            return oauth_error("invalid_request", str(refusal))
        try:
            return await self._redemption.answer(form)
        except Busy as busy:
            # No error of OAuth: a client that reads `invalid_grant` gives its sign-in up.
            headers = {"retry-after": str(busy.retry_after_seconds)}
            return json_answer(503, {"error": "temporarily_unavailable"}, headers)
