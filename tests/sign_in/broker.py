"""A deployment at which clients sign in by its URL, and the browsers of its people."""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

import orjson

from tests.sign_in.client import FORM, VERIFIER, right_request, without
from tests.sign_in.directory import Directory
from tests.sign_in.registrations import APP_ID, RESOURCE
from tests.support.servers.listening import listening
from tests.support.suite.patience import patient
from zava.protocol.http.endpoint import Endpoint
from zava.protocol.http_responses import HttpResponse

ISSUER = RESOURCE.removesuffix("/mcp")
HOST = urlsplit(ISSUER).netloc
CLAUDE = "https://claude.ai/api/mcp/auth_callback"
WHOLE = f"{RESOURCE}/user_impersonation"


class Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Leave the redirect to the browser."""


def fetch(url: str) -> tuple[int, str | None, bytes]:
    """Return status, location and body of a page of the directory."""
    try:
        with build_opener(Stay).open(url, timeout=patient(10)) as answer:
            return answer.status, answer.headers["location"], answer.read()
    except HTTPError as answer:
        with answer:
            return answer.code, answer.headers["location"], answer.read()


@dataclass
class Browser:
    """Keeps the cookie of the app, follows redirects, and presses what a person presses."""

    endpoint: Endpoint
    cookie: str | None = None
    went: list[str] = field(default_factory=list)

    async def open(self, url: str) -> HttpResponse:
        """Go to an address of the app and on, until a page or a client's address comes."""
        while True:
            self.went.append(url)
            if url.startswith(f"{ISSUER}/"):
                answer = await self.send("GET", url)
                location = answer.headers.get("location")
            else:
                status, location, body = await asyncio.to_thread(fetch, url)
                answer = HttpResponse(
                    status, {} if location is None else {"location": location}, body
                )
            if location is None or not location.startswith((f"{ISSUER}/", "http://127.0.0.1:")):
                return answer
            if urlsplit(location).path == "/callback":  # a client's on this machine
                return answer
            url = location

    async def send(
        self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str | None] = {}
    ) -> HttpResponse:
        parts = urlsplit(url)
        sent = without({"host": HOST, "cookie": self.cookie, **headers})
        answer = await self.endpoint.handle(method, parts.path, sent, body, parts.query)
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    async def press(self, page: HttpResponse, button: str, **changed: str | None) -> HttpResponse:
        """Press Allow or Deny on a page; `changed` replaces headers."""
        text = page.body.decode()
        ticket = re.search(r'data-ticket="([^"]+)"', text)
        assert ticket, text
        pressed = re.search(rf"<button[^>]*?(?:data-person=\"([^\"]+)\")?><b>{button}</b>", text)
        assert pressed, text
        content = {"ticket": ticket[1], "person": pressed[1]}
        headers = {"origin": ISSUER, "content-type": "application/json"} | changed
        return await self.send("POST", f"{ISSUER}/oauth/authorize", orjson.dumps(content), headers)


class Client:
    """An MCP client that was given the URL of the deployment alone."""

    def __init__(self, endpoint: Endpoint, redirect: str = CLAUDE, name: str = "Tests") -> None:
        self.endpoint = endpoint
        self.redirect = redirect
        self.name = name
        self.client_id = ""

    async def register(self, *redirects: str) -> tuple[int, dict[str, Any]]:
        given = {"client_name": self.name, "redirect_uris": [*(redirects or [self.redirect])]}
        headers = {"host": HOST, "content-type": "application/json"}
        answer = await self.endpoint.handle("POST", "/oauth/register", headers, orjson.dumps(given))
        content: dict[str, Any] = orjson.loads(answer.body)
        self.client_id = content.get("client_id", self.client_id)
        return answer.status, content

    async def address(self, **changed: str | None) -> str:
        """Return where a browser begins to sign in."""
        if not self.client_id:
            await self.register()
        right = right_request(self.client_id, self.redirect, resource=RESOURCE)
        return f"{ISSUER}/oauth/authorize?{urlencode(without(right | changed))}"

    async def code(self, browser: Browser | None = None, /, **changed: str | None) -> str:
        """Sign the directory's person in as far as the code."""
        browser = browser or Browser(self.endpoint)
        page = await browser.open(await self.address(**changed))
        return gone(await browser.press(page, "Allow"))["code"]

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

    async def refresh(self, token: str) -> tuple[int, dict[str, Any]]:
        return await self.token(
            {"grant_type": "refresh_token", "refresh_token": token, "client_id": self.client_id}
        )

    async def token(self, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        answer = await self.endpoint.handle(
            "POST", "/oauth/token", FORM | {"host": HOST}, urlencode(form).encode()
        )
        return answer.status, orjson.loads(answer.body)

    async def sign_in(self, **changed: str | None) -> dict[str, Any]:
        status, content = await self.redeem(await self.code(**changed))
        assert status == 200, content
        return content


def gone(answer: HttpResponse) -> dict[str, str]:
    """Return the parameters with which the browser goes to the client."""
    location = answer.headers.get("location") or orjson.loads(answer.body).get("location", "")
    assert location, answer
    return dict(parse_qsl(urlsplit(location).query, keep_blank_values=True))


def lead(page: HttpResponse) -> str:
    """Return the first sentence of a page that leads nowhere."""
    text = page.body.decode()
    assert "data-ticket" not in text
    assert "location" not in page.headers
    found = re.search(r'<p class="lead">([^<]+)</p>', text)
    assert found, text
    return found[1]


@contextmanager
def managed_identity(directory: Directory, principal: str) -> Iterator[str]:
    """Serve the tokens of the app's identity, as Azure does on its machines."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = {
                "access_token": directory.assertion(principal),
                "expires_on": "4000000000",
                "resource": "api://AzureADTokenExchange",
                "token_type": "Bearer",
            }
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    with listening(Handler) as address:
        yield f"{address}/msi/token"


def settings_of(directory: Directory, **more: str) -> dict[str, str]:
    """Return the settings of a deployment on Azure at which people sign in."""
    return {
        "WEBSITE_HOSTNAME": HOST,
        "ZAVA_IDENTITY_ISSUER": directory.issuer,
        "ZAVA_IDENTITY_AUDIENCE": APP_ID,
        "ZAVA_ALLOWED_TENANTS": directory.tenant,
        "ZAVA_SIGN_IN": "true",
        "ZAVA_SIGN_IN_CLIENT_ID": APP_ID,
        **more,
    }
