"""The way of a person: to the provider, back with a proof, and to a page for consent.

One browser goes the whole way. A cookie of this server binds the request, the provider's answer
and the consent to that browser. So a sign-in that an attacker began ends in no other browser.
"""

import logging
import re
import secrets
from collections.abc import Mapping
from typing import Any

from cachetools import TTLCache

from zava.errors import Busy
from zava.protocol.http_responses import HttpResponse, json_answer
from zava.protocol.sign_in.authorization import answer_location, from_ticket, to_ticket
from zava.protocol.sign_in.directory.id_tokens import IdTokens
from zava.protocol.sign_in.directory.provider import Provider, ProviderFailed
from zava.protocol.sign_in.directory.redemption_limit import TooManySignIns, network_of
from zava.protocol.sign_in.page import consent_page, refusal_page
from zava.protocol.sign_in.parts import AuthorizationRequest, Person, SignInRefused, SignInRequest
from zava.protocol.sign_in.seal import Seal, fingerprint
from zava.protocol.sign_in.web_forms import read_form

logger = logging.getLogger(__name__)

CALLBACK_PATH = "/oauth/callback"
COOKIE = "__Host-zava-sign-in"
STATE_SECONDS = 600

_BROWSER = re.compile(r"[A-Za-z0-9_-]{43}")
_MAX_STATE_CHARACTERS = 6_000  # addresses of about 8,000 are accepted everywhere
_MAX_ANSWERED = 10_000
_AGAIN = "Connect again in your client."


class DirectoryPeople:
    """People whom an OpenID provider proves, and who allow or deny each client on a page."""

    def __init__(
        self, provider: Provider, id_tokens: IdTokens, *, issuer: str, states: Seal, pages: Seal
    ) -> None:
        self._provider = provider
        self._id_tokens = id_tokens
        self._issuer = issuer
        self._states = states
        self._pages = pages
        # Pages of this process that were answered. Of one that two instances answer, the database
        # lets one code be redeemed.
        self._answered: TTLCache[str, bool] = TTLCache(_MAX_ANSWERED, STATE_SECONDS)
        # By their nonce, the states whose code was sent to the provider.
        self._redeemed: TTLCache[str, bool] = TTLCache(_MAX_ANSWERED, STATE_SECONDS)

    async def welcome(
        self, authorization: AuthorizationRequest, ticket: str, headers: Mapping[str, str]
    ) -> HttpResponse:
        """Send the browser to the provider."""
        del ticket  # the page comes later, and holds the person too
        # The browser's other sign-ins go on: a second one changes no cookie.
        browser = _browser(headers) or secrets.token_urlsafe(32)
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(32)
        content = {"verifier": verifier, "nonce": nonce, "browser": fingerprint(browser)}
        try:
            state = self._states.close({**to_ticket(authorization), **content})
        except SignInRefused as refusal:
            return refusal_page(400, str(refusal))
        if len(state) > _MAX_STATE_CHARACTERS:
            return refusal_page(400, "The client's request is too long.")
        try:
            location = await self._provider.sign_in_address(
                state=state, nonce=nonce, challenge=fingerprint(verifier)
            )
        except ProviderFailed as failure:
            return _failed(failure)
        cookie = (
            f"{COOKIE}={browser}; Path=/; Max-Age={STATE_SECONDS}; Secure; HttpOnly; SameSite=Lax"
        )
        return HttpResponse(302, {"location": location, "set-cookie": cookie}, b"")

    async def callback(self, request: SignInRequest) -> HttpResponse:
        """Take the provider's answer and show the page for consent."""
        if request.method != "GET":
            return json_answer(405, {"error": "use GET"}, {"allow": "GET"})
        if request.headers.get("host") != self._issuer.partition("://")[2]:
            return refusal_page(421, f"Sign in at {self._issuer}.")
        try:
            given = read_form(request.query)
            state = self._own_state(given, request.headers)
            if "error" in given:
                return self._refused_there(given["error"], from_ticket(state))
            # Where no host in front states an address, each browser counts for itself.
            network = network_of(request.headers.get("x-forwarded-for", "")) or state["browser"]
            person = await self._proven(given, state, network)
            authorization = from_ticket(state)
            content = {"person": list(person), "browser": state["browser"]}
            ticket = self._pages.close(
                {**to_ticket(authorization), **content, "sign_in": secrets.token_hex(16)}
            )
        except SignInRefused as refusal:
            return refusal_page(400, str(refusal))
        except TooManySignIns:
            return refusal_page(503, f"Too many people sign in at this moment. {_AGAIN}")
        except (ProviderFailed, Busy) as failure:
            return _failed(failure)
        return consent_page(authorization, ticket, person)

    async def person(self, choice: Mapping[str, Any], headers: Mapping[str, str]) -> Person | None:
        """Return the person of a page, once, where they allow; None where they deny.

        Raises:
            SignInRefused: the page was shown in another browser, or was answered before.
        """
        page = self._pages.open(choice.get("ticket"))
        if page is None or not _is_browser(headers, page["browser"]):
            raise SignInRefused(f"This page was shown in another browser. {_AGAIN}")
        if page["sign_in"] in self._answered:
            raise SignInRefused(f"This page was answered before. {_AGAIN}")
        person = Person(*page["person"])
        if choice.get("person") not in (None, person.object_id):
            raise SignInRefused("The page shows another person.")
        self._answered[page["sign_in"]] = True
        return None if choice.get("person") is None else person

    def _own_state(self, given: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        state = self._states.open(given.get("state"))
        if state is None:
            raise SignInRefused(f"This sign-in is too old, or did not begin here. {_AGAIN}")
        if not _is_browser(headers, state["browser"]):
            raise SignInRefused(f"This sign-in began in another browser. {_AGAIN}")
        return state

    async def _proven(
        self, given: Mapping[str, str], state: Mapping[str, Any], network: str
    ) -> Person:
        if "code" not in given:
            raise SignInRefused(f"The directory did not sign you in. {_AGAIN}")
        documents = await self._provider.documents()
        # RFC 9207: an answer of another issuer was not meant for this one. One that always states
        # itself in its answers has not given an answer without.
        default = None if documents.names_issuer else documents.issuer
        if "{tid}" not in documents.issuer and given.get("iss", default) != documents.issuer:
            raise ProviderFailed("another issuer answered")
        nonce = state["nonce"]
        if nonce in self._redeemed:
            raise SignInRefused(f"This sign-in was answered before. {_AGAIN}")
        self._redeemed[nonce] = True
        try:
            token = await self._provider.redeem(given["code"], state["verifier"], network)
        except TooManySignIns:
            del self._redeemed[nonce]  # the code was not sent
            raise
        return await self._id_tokens.person(token, nonce=nonce, keys=documents.keys)

    def _refused_there(self, error: str, authorization: AuthorizationRequest) -> HttpResponse:
        if error in {"access_denied", "consent_required"}:
            location = answer_location(authorization, self._issuer, error="access_denied")
            return HttpResponse(302, {"location": location}, b"")
        # Its words are not shown: anyone can write them into an address.
        return refusal_page(400, f"The directory did not sign you in. {_AGAIN}")


def _failed(failure: Exception) -> HttpResponse:
    logger.warning("sign-in: the directory failed: %s", failure)
    return refusal_page(502, f"The directory did not confirm who you are. {_AGAIN}")


def _browser(headers: Mapping[str, str]) -> str | None:
    """Return the browser's id from its cookie; None without one, or with several."""
    # The white space of HTTP alone. Browsers do not see the prefix `__Host-` behind any other one,
    # so another host of the same domain could set the cookie (a host may decode headers as UTF-8).
    pairs = (each.strip(" \t").partition("=") for each in headers.get("cookie", "").split(";"))
    values = [value for name, _, value in pairs if name == COOKIE]
    if len(values) != 1 or not _BROWSER.fullmatch(values[0]):
        return None
    return values[0]


def _is_browser(headers: Mapping[str, str], expected: str) -> bool:
    browser = _browser(headers)
    return browser is not None and secrets.compare_digest(fingerprint(browser), expected)
