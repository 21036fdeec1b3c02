"""A client of the sign-in, its browser and its person, one step at a time."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import orjson

from zava.protocol.http.endpoint import Endpoint
from zava.protocol.http_responses import HttpResponse

PORT = 7071
HOST = f"127.0.0.1:{PORT}"
ISSUER = f"http://{HOST}"
RESOURCE = f"{ISSUER}/mcp"
REDIRECT = "http://127.0.0.1:33418/callback"
WHOLE = f"{RESOURCE}/user_impersonation"
VERIFIER = "a-verifier-of-at-least-forty-three-characters"
BROWSER = {"host": HOST, "origin": ISSUER, "content-type": "application/json"}
FORM = {"host": HOST, "content-type": "application/x-www-form-urlencoded"}


def challenge_of(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def right_request(client_id: str, redirect: str, *, resource: str) -> dict[str, str]:
    """Return the parameters with which a client begins to sign in."""
    return {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect,
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        "resource": resource,
        "scope": f"{resource}/user_impersonation",
        "state": "s&=?#",
    }


def without(fields: Mapping[str, str | None]) -> dict[str, str]:
    """The fields that are not None: a test leaves one out by giving None."""
    return {name: value for name, value in fields.items() if value is not None}


class SigningClient:
    """An MCP client that signs in at an endpoint, without a socket."""

    def __init__(self, endpoint: Endpoint, name: str = "Tests", redirect: str = REDIRECT) -> None:
        self.endpoint = endpoint
        self.name = name
        self.redirect = redirect
        self.client_id = ""

    async def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        query: str = "",
    ) -> HttpResponse:
        return await self.endpoint.handle(method, path, headers or {"host": HOST}, body, query)

    async def register(self, **metadata: Any) -> tuple[int, dict[str, Any]]:
        given = {"client_name": self.name, "redirect_uris": [self.redirect], **metadata}
        headers = {"host": HOST, "content-type": "application/json"}
        answer = await self.send("POST", "/oauth/register", headers, orjson.dumps(given))
        told: dict[str, Any] = orjson.loads(answer.body)
        self.client_id = told.get("client_id", self.client_id)
        return answer.status, told

    async def ask(
        self, headers: Mapping[str, str] | None = None, /, **changed: str | None
    ) -> HttpResponse:
        """Open the page in a browser; `changed` replaces parameters of a right request."""
        if not self.client_id:
            await self.register()
        right = right_request(self.client_id, self.redirect, resource=RESOURCE)
        query = urlencode(without(right | changed))
        sent = {"host": HOST, **(headers or {})}
        return await self.send("GET", "/oauth/authorize", sent, query=query)

    async def pick(
        self,
        page: HttpResponse,
        name: str | None,
        headers: Mapping[str, str] = BROWSER,
        **changed: Any,
    ) -> HttpResponse:
        """Pick a person on a page, None to say no."""
        text = page.body.decode()
        ticket = re.search(r'data-ticket="([^"]+)"', text)
        assert ticket, text
        person = re.search(rf'data-person="([^"]+)" data-name="{name}"', text) if name else None
        assert person or name is None, text
        choice = {"ticket": ticket[1], "person": person[1] if person else None, **changed}
        return await self.send("POST", "/oauth/authorize", headers, orjson.dumps(choice))

    async def code(self, name: str = "redmond", **changed: str | None) -> str:
        """Sign a person in as far as the code."""
        return answered(await self.pick(await self.ask(**changed), name))["code"]

    async def redeem(self, code: str, **changed: str | None) -> tuple[int, dict[str, Any]]:
        right = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect,
            "client_id": self.client_id,
            "code_verifier": VERIFIER,
            "resource": RESOURCE,
        }
        return await self.token(without(right | changed))

    async def refresh(self, token: str, **changed: str | None) -> tuple[int, dict[str, Any]]:
        right = {
            "grant_type": "refresh_token",
            "refresh_token": token,
            "client_id": self.client_id,
            "resource": RESOURCE,
        }
        return await self.token(without(right | changed))

    async def token(self, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        answer = await self.send("POST", "/oauth/token", FORM, urlencode(form).encode())
        assert answer.headers["cache-control"] == "no-store"
        told: dict[str, Any] = orjson.loads(answer.body)
        return answer.status, told

    async def sign_in(self, name: str = "redmond", **changed: str | None) -> dict[str, Any]:
        """Sign a person in; return the tokens."""
        status, told = await self.redeem(await self.code(name, **changed))
        assert status == 200, told
        return told


def answered(answer: HttpResponse) -> dict[str, str]:
    """The parameters that the browser takes to the client."""
    assert answer.status == 200, answer
    location = orjson.loads(answer.body)["location"]
    return {name: value for name, (value,) in parse_qs(urlsplit(location).query).items()}


def reason(page: HttpResponse) -> str:
    """The words of a page that refuses; it has no way on."""
    text = page.body.decode()
    assert "data-ticket" not in text
    assert "location" not in page.headers
    found = re.search(r'<p class="lead">([^<]+)</p>', text)
    assert found, text
    return found[1]
