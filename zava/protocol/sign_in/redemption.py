"""The token endpoint: codes and refresh tokens in, access tokens out."""

import re
import secrets
from collections.abc import Mapping
from hmac import compare_digest
from typing import Any

from zava.protocol.http_responses import HttpResponse, json_answer
from zava.protocol.sign_in.authorization import read_resource, read_scopes
from zava.protocol.sign_in.clients import read_client
from zava.protocol.sign_in.parts import Person, Rules, SignInRefused, SignIns, Tokens
from zava.protocol.sign_in.seal import Seal, fingerprint
from zava.protocol.sign_in.web_forms import oauth_error

_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
_UNAUTHORIZED = 401


class Redemption:
    """Exchanges a code, once, and turns refresh tokens; a second use ends the sign-in."""

    def __init__(
        self, rules: Rules, *, codes: Seal, refreshes: Seal, sign_ins: SignIns, tokens: Tokens
    ) -> None:
        self._rules = rules
        self._codes = codes
        self._refreshes = refreshes
        self._sign_ins = sign_ins
        self._tokens = tokens

    async def answer(self, form: Mapping[str, str]) -> HttpResponse:
        """Answer one request for a token."""
        client_id = form.get("client_id", "")
        if read_client(client_id) is None:
            return oauth_error("invalid_client", "The client is not registered.", _UNAUTHORIZED)
        grant = form.get("grant_type")
        try:
            if grant == "authorization_code":
                return await self._redeem(form, fingerprint(client_id))
            if grant == "refresh_token":
                return await self._refresh(form, fingerprint(client_id))
        except SignInRefused as refusal:
            return oauth_error("invalid_request", str(refusal))
        return oauth_error(
            "unsupported_grant_type", "grant_type must be authorization_code or refresh_token."
        )

    async def _redeem(self, form: Mapping[str, str], client: str) -> HttpResponse:
        ticket = self._codes.open(form.get("code"))
        if ticket is None or ticket["client"] != client:
            return oauth_error("invalid_grant", "The code is unknown, expired or another client's.")
        if form.get("redirect_uri") != ticket["redirect_uri"]:
            return oauth_error("invalid_grant", "redirect_uri is not that of the request.")
        if not self._fits_resource(form, ticket):
            return oauth_error("invalid_target", "resource is not that of the request.")
        verifier = form.get("code_verifier", "")
        if not _VERIFIER.fullmatch(verifier) or not compare_digest(
            fingerprint(verifier), ticket["challenge"]
        ):
            return oauth_error("invalid_grant", "code_verifier does not fit the request.")
        following, person = _new_id(), Person(*ticket["person"])
        if not await self._sign_ins.begin(
            ticket["sign_in"], following, person, ticket["client_name"]
        ):
            return oauth_error("invalid_grant", "The code was used before; its sign-in has ended.")
        return self._issue(ticket, ticket["scopes"], following)

    async def _refresh(self, form: Mapping[str, str], client: str) -> HttpResponse:
        ticket = self._refreshes.open(form.get("refresh_token"))
        if ticket is None or ticket["client"] != client:
            return oauth_error(
                "invalid_grant", "The refresh token is unknown, expired or another client's."
            )
        if not self._fits_resource(form, ticket):
            return oauth_error("invalid_target", "resource is not that of the sign-in.")
        scopes = ticket["scopes"]
        if "scope" in form:
            # Fewer for this access token; the refresh token keeps what the person allowed.
            allowed = {self._rules.scopes.get(scope) for scope in scopes}
            requested = read_scopes(form["scope"], self._rules)
            scopes = [scope for scope in requested if self._rules.scopes[scope] in allowed]
            if not scopes:
                return oauth_error("invalid_scope", "The person allowed none of these scopes.")
        following = _new_id()
        if not await self._sign_ins.turn(ticket["sign_in"], ticket["id"], following):
            return oauth_error(
                "invalid_grant", "The refresh token was used before; its sign-in has ended."
            )
        return self._issue(ticket, scopes, following)

    def _fits_resource(self, form: Mapping[str, str], ticket: Mapping[str, Any]) -> bool:
        if "resource" not in form:
            return True
        try:
            resource = read_resource(form, self._rules)
        except SignInRefused:
            return False
        return bool(resource == ticket["resource"])

    def _issue(self, ticket: Mapping[str, Any], scopes: list[str], following: str) -> HttpResponse:
        names = tuple(self._rules.scopes[scope] for scope in scopes if scope in self._rules.scopes)
        kept = {
            name: ticket[name]
            for name in ("client", "client_name", "resource", "scopes", "person", "sign_in")
        }
        content = {
            "access_token": self._tokens.issue(
                Person(*ticket["person"]), names, ticket["resource"]
            ),
            "token_type": "Bearer",
            "expires_in": self._tokens.seconds,
            "refresh_token": self._refreshes.close({**kept, "id": following}),
            "scope": " ".join(scopes),
        }
        return json_answer(200, content, {"pragma": "no-cache"})


def _new_id() -> str:
    return secrets.token_urlsafe(16)
