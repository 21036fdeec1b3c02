"""A person signs in at the directory with an id of a client, by what the app's metadata names.

The client here does what the specification orders, over the whole endpoint of the app under the
settings that Bicep writes. The registrations are those of infra/, so a redirect, a scope or an
identifier that is missing there refuses a sign-in here.
"""

import asyncio
import base64
import hashlib
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

import orjson
import pytest

from tests.sign_in.directory import Directory, Rules
from tests.sign_in.registrations import (
    APP_ID,
    CLIENTS_ID,
    RESOURCE,
    Registered,
    app,
    clients,
)
from tests.sign_in.served import directory as served_directory
from tests.support.answers.rpc import MODERN, request
from tests.support.servers.database import Database
from tests.support.suite.patience import patient
from zava.app import Application, compose
from zava.infrastructure.local.state_dir import StateDirectory
from zava.model.core import Caller
from zava.settings import Settings

HOST = urlsplit(RESOURCE).netloc
PRM = "/.well-known/oauth-protected-resource/mcp"
LOOPBACK = "http://127.0.0.1:50123/callback"
STORES = {"postgresql_query": "SELECT store_name FROM retail.stores"}


class Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Leave the redirect to the client."""


def fetch(url: str, form: dict[str, str] | None = None) -> tuple[int, Any, bytes]:
    body = None if form is None else urlencode(form).encode()
    try:
        with build_opener(Stay).open(url, body, timeout=patient(10)) as answer:
            return answer.status, answer.headers, answer.read()
    except HTTPError as answer:
        with answer:
            return answer.code, answer.headers, answer.read()


@dataclass
class Client:
    """An MCP client with an id; `sends` replaces what it would send, None leaves it out."""

    served: Application
    redirect: str = LOOPBACK
    client_id: str = CLIENTS_ID
    secret: str | None = None
    with_resource: bool = True

    async def discover(self) -> dict[str, Any]:
        """Read resource, scope and endpoints, from the challenge on."""
        headers = {"host": HOST}
        refused = await self.served.endpoint.handle("POST", "/mcp", headers, b"")
        challenge = refused.headers["www-authenticate"]
        named = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        assert named["resource_metadata"] == f"https://{HOST}{PRM}"
        document = await self.served.endpoint.handle("GET", PRM, headers, b"")
        resource = orjson.loads(document.body)
        (issuer, *_) = resource["authorization_servers"]
        found, _, body = await asyncio.to_thread(
            fetch, f"{issuer}/.well-known/openid-configuration"
        )
        assert found == 200
        metadata = orjson.loads(body)
        assert metadata["issuer"] == issuer
        return {"scope": named["scope"], "resource": resource, "directory": metadata}

    async def sign_in(self, **changed: str | None) -> dict[str, Any]:
        """Return the answer of the token endpoint, or the error on the way to it."""
        found = await self.discover()
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        sent = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect,
            "scope": f"{found['scope']} offline_access",
            "state": "the-state",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "resource": found["resource"]["resource"] if self.with_resource else None,
        } | changed
        given = {name: value for name, value in sent.items() if value is not None}
        url = f"{found['directory']['authorization_endpoint']}?{urlencode(given)}"
        status, headers, page = await asyncio.to_thread(fetch, url)
        if status != 302:
            return {"page": page.decode()}
        answer = dict(parse_qsl(urlsplit(headers["location"]).query))
        assert answer["state"] == "the-state"
        assert "iss" not in answer
        if "code" not in answer:
            return answer
        form = {"grant_type": "authorization_code", "code": answer["code"]}
        form |= {"redirect_uri": self.redirect, "code_verifier": verifier}
        return await self.token(found, form)

    async def refresh(self, token: str) -> dict[str, Any]:
        """Return the answer to a refresh without a scope."""
        form = {"grant_type": "refresh_token", "refresh_token": token}
        return await self.token(await self.discover(), form)

    async def token(self, found: dict[str, Any], form: dict[str, str]) -> dict[str, Any]:
        form = form | {"client_id": self.client_id}
        form |= {"client_secret": self.secret} if self.secret is not None else {}
        form |= {"resource": found["resource"]["resource"]} if self.with_resource else {}
        endpoint = found["directory"]["token_endpoint"]
        _, _, body = await asyncio.to_thread(fetch, endpoint, form)
        answer: dict[str, Any] = orjson.loads(body)
        return answer

    async def ask(self, token: str) -> tuple[int, Any]:
        """Call a tool with a token, and return status and rows or the error."""
        headers, body = request(
            MODERN, "tools/call", {"name": "execute_sales_query", "arguments": STORES}
        )
        sent = headers | {"host": HOST, "authorization": f"Bearer {token}"}
        answer = await self.served.endpoint.handle("POST", "/mcp", sent, body)
        content = orjson.loads(answer.body)
        if answer.status != 200:
            return answer.status, content
        return 200, content["result"]["structuredContent"]["rows"]


@pytest.fixture
def entra(callers: dict[str, Caller]) -> Iterator[Directory]:
    with served_directory(callers["seattle"]) as made:
        made.applications = (app(), clients())
        yield made


@pytest.fixture
async def deployed(
    database: Database, home: StateDirectory, context_keys: list[str], entra: Directory
) -> AsyncIterator[Application]:
    settings = Settings.model_validate(
        {
            "ZAVA_HOME": home.path,
            "ZAVA_IDENTITY_ISSUER": entra.issuer,
            "ZAVA_IDENTITY_AUDIENCE": f"{app().identifiers[0]},{APP_ID}",
            "ZAVA_ALLOWED_TENANTS": entra.tenant,
            "ZAVA_ALLOWED_HOSTS": HOST,
        }
    )
    made = compose(settings, conninfo=database.server, context_keys=context_keys)
    yield made
    await made.close()


@pytest.mark.parametrize("is_strict", [True, False], ids=["strict", "lax"])
@pytest.mark.parametrize("names_pkce", [True, False], ids=["PKCE named", "PKCE not named"])
async def test_person_signs_in_and_refreshes_without_naming_a_scope(
    deployed: Application, entra: Directory, *, is_strict: bool, names_pkce: bool
) -> None:
    entra.rules = Rules(is_strict=is_strict, names_pkce=names_pkce)
    client = Client(deployed)
    named = (await client.discover())["directory"]
    assert ("code_challenge_methods_supported" in named) is names_pkce
    assert "registration_endpoint" not in named
    first = await client.sign_in()
    assert await client.ask(first["access_token"]) == (200, [["Zava Retail Seattle"]])
    status, refused = await client.ask(entra.expired_token())
    assert (status, refused["error_description"]) == (401, "The token has expired.")
    again = await client.refresh(first["refresh_token"])
    assert again["access_token"] != first["access_token"]
    assert await client.ask(again["access_token"]) == (200, [["Zava Retail Seattle"]])
    assert "scope" not in entra.requests("token")[-1]
    assert entra.refusals == []


async def test_client_that_requests_every_scope_or_the_one_of_a_refusal_gets_it(
    deployed: Application, entra: Directory
) -> None:
    client = Client(deployed)
    every = (await client.discover())["resource"]["scopes_supported"]
    all_of_them = await client.sign_in(scope=" ".join(every))
    assert (await client.ask(all_of_them["access_token"]))[0] == 200
    narrow = await client.sign_in(scope=f"{RESOURCE}/sales.read")
    status, refused = await client.ask(narrow["access_token"])
    assert status == 403
    assert refused["error"]["data"]["code"] == "AUTHORIZATION_ERROR"
    wider = await client.sign_in(scope=f"{RESOURCE}/sales.read {RESOURCE}/sql.query")
    assert (await client.ask(wider["access_token"]))[0] == 200
    assert entra.refusals == []


@pytest.mark.parametrize(
    "redirect",
    [
        "https://claude.ai/api/mcp/auth_callback",
        "https://claude.com/api/mcp/auth_callback",
        "https://chatgpt.com/connector_platform_oauth_redirect",
        "https://vscode.dev/redirect",
        "http://127.0.0.1:33418",
        "http://127.0.0.1:33418/",
        "http://localhost:8787/callback",
        "http://localhost:7777/oauth/callback",
        "http://127.0.0.1:6276/oauth/callback",
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "https://www.cursor.com/agents/mcp/oauth/callback",
    ],
)
async def test_redirects_of_usual_clients_are_registered_for_clients_without_a_secret(
    deployed: Application, redirect: str
) -> None:
    assert "access_token" in await Client(deployed, redirect).sign_in()


async def test_copilot_studio_signs_in_with_its_secret(
    deployed: Application, entra: Directory
) -> None:
    redirect = "https://global.consent.azure-apim.net/redirect"
    secret = clients().secret
    assert "access_token" in await Client(deployed, redirect, secret=secret).sign_in()
    refused = await Client(deployed, redirect).sign_in()
    assert refused["error_codes"] == [7000218]
    assert entra.refusals == [7000218]


async def test_client_that_sends_no_resource_signs_in(deployed: Application) -> None:
    client = Client(deployed, with_resource=False)
    first = await client.sign_in()
    assert (await client.ask(first["access_token"]))[0] == 200


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"scope": None}, 900144),
        ({"scope": "user_impersonation", "resource": None}, 650053),
        ({"scope": "user_impersonation"}, 9010010),
        ({"scope": f"{RESOURCE}/sales.write"}, 650053),
        ({"resource": f"{RESOURCE}/"}, 9010010),
        ({"resource": "https://elsewhere.example/mcp"}, 9010010),
        ({"redirect_uri": "http://127.0.0.1:50123/callback/of-a-connection"}, 50011),
        ({"redirect_uri": "https://claude.ai/api/mcp/auth_callback/"}, 50011),
        ({"client_id": "99999999-0000-4000-8000-00000000000f"}, 700016),
    ],
)
@pytest.mark.parametrize("is_strict", [True, False], ids=["strict", "lax"])
async def test_directory_names_the_error(
    deployed: Application,
    entra: Directory,
    changed: dict[str, str | None],
    code: int,
    *,
    is_strict: bool,
) -> None:
    entra.rules = Rules(is_strict=is_strict)
    refused = await Client(deployed).sign_in(**changed)
    assert f"AADSTS{code}: " in (refused.get("page") or refused["error_description"])
    assert entra.refusals == [code]
    assert entra.issued == []


@pytest.mark.parametrize(("is_strict", "refusals"), [(True, [9010010]), (False, [])])
async def test_scope_of_another_identifier_is_refused_by_a_strict_directory(
    deployed: Application, entra: Directory, *, is_strict: bool, refusals: list[int]
) -> None:
    """What the app named before: the URL as resource, and the scope under api://."""
    entra.rules = Rules(is_strict=is_strict)
    await Client(deployed).sign_in(scope=f"{app().identifiers[0]}/user_impersonation")
    assert entra.refusals == refusals


def as_one(registered: Registered) -> Registered:
    """Return the registration of the app as that of its clients, too."""
    authorized = (*registered.authorized, (APP_ID, registered.scopes))
    return replace(registered, public_redirects=(LOOPBACK,), authorized=authorized)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"public_redirects": (), "web_redirects": (LOOPBACK,)}, 7000218),
        ({"public_redirects": (), "single_page_redirects": (LOOPBACK,)}, 9002327),
    ],
)
async def test_redirect_of_another_kind_is_refused_at_the_last_step(
    deployed: Application, entra: Directory, changed: dict[str, Any], code: int
) -> None:
    entra.applications = (app(), replace(clients(), **changed))
    assert (await Client(deployed).sign_in())["error_codes"] == [code]
    assert entra.refusals == [code]


async def test_client_that_is_the_application_itself_cannot_refresh_without_a_scope(
    deployed: Application, entra: Directory
) -> None:
    """The reason for two registrations."""
    entra.applications = (as_one(app()),)
    client = Client(deployed, client_id=APP_ID)
    first = await client.sign_in()
    assert (await client.refresh(first["refresh_token"]))["error_codes"] == [90009]


async def test_identifier_that_is_not_registered_refuses_every_client_of_the_url(
    deployed: Application, entra: Directory
) -> None:
    """The reason for the URL among the identifiers."""
    entra.applications = (replace(app(), identifiers=app().identifiers[:1]), clients())
    refused = await Client(deployed).sign_in()
    assert "AADSTS9010010" in refused["error_description"]


async def test_token_without_an_object_id_is_refused_by_name(
    deployed: Application, entra: Directory
) -> None:
    entra.rules = Rules(oid_needs_profile=True)
    client = Client(deployed)
    without = await client.sign_in()
    status, refused = await client.ask(without["access_token"])
    assert (status, refused["error_description"]) == (401, "The token lacks the claim oid.")
    scope = f"{RESOURCE}/user_impersonation profile"
    assert (await client.ask((await client.sign_in(scope=scope))["access_token"]))[0] == 200


async def test_directory_has_neither_registration_nor_the_document_of_rfc_8414(
    entra: Directory,
) -> None:
    for path in (
        f"/.well-known/oauth-authorization-server/{entra.tenant}/v2.0",
        f"/.well-known/openid-configuration/{entra.tenant}/v2.0",
        "/.well-known/oauth-authorization-server",
    ):
        assert (await asyncio.to_thread(fetch, f"{entra.base}{path}"))[0] == 404
    for path in ("/register", f"/{entra.tenant}/oauth2/v2.0/register"):
        assert (await asyncio.to_thread(fetch, f"{entra.base}{path}", {"a": "b"}))[0] == 404
    many = f"{entra.base}/organizations/v2.0/.well-known/openid-configuration"
    _, _, body = await asyncio.to_thread(fetch, many)
    assert orjson.loads(body)["issuer"] == f"{entra.base}/{{tenantid}}/v2.0"
