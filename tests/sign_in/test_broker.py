"""A client signs in at a deployment by its URL, and a directory proves who the person is."""

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import orjson
import psycopg
import pytest

from tests.sign_in.broker import (
    CLAUDE,
    HOST,
    ISSUER,
    WHOLE,
    Browser,
    Client,
    gone,
    lead,
    settings_of,
)
from tests.sign_in.conftest import Deployment
from tests.sign_in.registrations import APP_ID, RESOURCE
from tests.support.answers.rpc import MODERN, request
from zava.app import Application, compose
from zava.infrastructure.postgres import access_grants
from zava.model.core import Caller
from zava.retail.declaration import RETAIL
from zava.settings import Settings

COUNT = {"postgresql_query": "SELECT count(*) AS orders FROM retail.orders"}
EVERY_REDIRECT = [
    CLAUDE,
    "https://claude.com/api/mcp/auth_callback",
    "https://chatgpt.com/connector_platform_oauth_redirect",
    "https://chatgpt.com/connector/oauth/aB3_-x",
    "https://vscode.dev/redirect",
    "https://www.cursor.com/agents/mcp/oauth/callback",
    "https://global.consent.azure-apim.net/redirect",
    "https://global.consent.azure-apim.net/redirect/zava-1234",
    "http://127.0.0.1:33418/callback",
    "http://localhost:8787/callback",
    "http://[::1]:6276/oauth/callback",
    "cursor://anysphere.cursor-mcp/oauth/callback",
]


async def call(application: Application, token: str) -> tuple[int, Any]:
    headers, body = request(
        MODERN, "tools/call", {"name": "execute_sales_query", "arguments": COUNT}
    )
    sent = headers | {"host": HOST, "authorization": f"Bearer {token}"}
    answer = await application.endpoint.handle("POST", "/mcp", sent, body)
    return answer.status, orjson.loads(answer.body)


async def is_without_access(application: Application, token: str) -> bool:
    """Whether a token holds, and its person has no grant."""
    status, body = await call(application, token)
    text: str = body["result"]["content"][0]["text"]
    return status == 200 and text.startswith("AUTHORIZATION_ERROR: ")


async def stores(application: Application, token: str) -> Sequence[str]:
    status, body = await call(application, token)
    assert status == 200, body
    seen: list[str] = body["result"]["structuredContent"]["scope"]["stores"]
    return seen


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/register", "/oauth/authorize"])
async def test_form_whose_body_the_host_dropped_is_411_and_names_what_to_send(
    deployment: Deployment, path: str
) -> None:
    sent = {"host": HOST, "transfer-encoding": "chunked"}
    answer = await deployment.first.endpoint.handle("POST", path, sent, b"")
    assert answer.status == 411
    told = orjson.loads(answer.body)
    assert told["error"] == "invalid_request"
    assert "Content-Length" in told["error_description"]


async def test_resource_names_this_server_and_every_address_of_its_metadata_answers(
    deployment: Deployment,
) -> None:
    endpoint = deployment.first.endpoint
    path = "/.well-known/oauth-protected-resource/mcp"
    resource = orjson.loads((await endpoint.handle("GET", path, {"host": HOST}, b"")).body)
    assert resource["resource"] == RESOURCE
    assert resource["authorization_servers"] == [ISSUER]
    path = "/.well-known/oauth-authorization-server"
    metadata = orjson.loads((await endpoint.handle("GET", path, {"host": HOST}, b"")).body)
    assert metadata["issuer"] == ISSUER
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert set(resource["scopes_supported"]) <= set(metadata["scopes_supported"])
    for name in ("authorization_endpoint", "token_endpoint", "registration_endpoint"):
        path = metadata[name].removeprefix(ISSUER)
        answer = await endpoint.handle("GET", path, {"host": HOST}, b"")
        assert answer.status in {400, 405}


async def test_person_is_whom_the_directory_proves(
    deployment: Deployment, callers: dict[str, Caller]
) -> None:
    for name, count in (("seattle", 1), ("eastside", 3), ("head-office", 8)):
        deployment.directory.person = callers[name]
        told = await deployment.client().sign_in()
        assert told["token_type"] == "Bearer"
        assert (told["expires_in"], told["scope"]) == (600, WHOLE)
        assert len(await stores(deployment.first, told["access_token"])) == count
        assert len(await stores(deployment.second, told["access_token"])) == count
    assert deployment.directory.refusals == []


async def test_directory_is_requested_for_a_proof_alone(deployment: Deployment) -> None:
    browser = deployment.browser()
    await browser.open(await deployment.client().address())
    (asked,) = deployment.directory.requests("authorize")
    assert asked["scope"] == "openid profile"
    assert asked["prompt"] == "select_account"
    assert asked["client_id"] == APP_ID
    assert asked["redirect_uri"] == f"{ISSUER}/oauth/callback"
    assert asked["code_challenge_method"] == "S256"
    assert asked["nonce"]
    assert "resource" not in asked
    (redeemed,) = deployment.directory.requests("token")
    assert redeemed["client_assertion_type"].endswith(":jwt-bearer")
    assert "client_secret" not in redeemed


async def test_cookie_is_for_this_host_and_no_script(deployment: Deployment) -> None:
    answer = await deployment.browser().send("GET", await deployment.client().address())
    assert answer.status == 302
    name, _, attributes = answer.headers["set-cookie"].partition("=")
    assert name == "__Host-zava-sign-in"
    assert {each.strip() for each in attributes.split(";")[1:]} == {
        *("Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=600")
    }
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_page_shows_client_person_and_where_the_answer_goes(deployment: Deployment) -> None:
    client = deployment.client(name="<b>Claude</b> & co")
    page = await deployment.browser().open(await client.address())
    assert page.status == 200
    text = page.body.decode()
    assert "<bdi>&lt;b&gt;Claude&lt;/b&gt; &amp; co</bdi>" in text
    assert '<h2 id="goes-to">claude.ai</h2>' in text
    assert "A person of the directory" in text
    policy = page.headers["content-security-policy"]
    assert "form-action 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy


@pytest.mark.parametrize("redirect", EVERY_REDIRECT)
async def test_redirects_of_known_clients_are_answered(
    deployment: Deployment, redirect: str
) -> None:
    client = deployment.client(redirect=redirect)
    status, told = await client.register()
    assert (status, told["redirect_uris"]) == (201, [redirect])
    browser = deployment.browser()
    page = await browser.open(await client.address())
    answer = gone(await browser.press(page, "Allow"))
    assert (answer["iss"], answer["state"]) == (ISSUER, "s&=?#")
    assert (await client.redeem(answer["code"]))[0] == 200


async def test_person_who_denies_sends_the_client_access_denied(deployment: Deployment) -> None:
    browser = deployment.browser()
    page = await browser.open(await deployment.client().address())
    answer = gone(await browser.press(page, "Deny"))
    assert answer == {"error": "access_denied", "state": "s&=?#", "iss": ISSUER}


async def test_person_who_cancels_at_the_directory_sends_the_client_access_denied(
    deployment: Deployment,
) -> None:
    browser = deployment.browser()
    location = (await browser.send("GET", await deployment.client().address())).headers["location"]
    state = dict(parse_qsl(urlsplit(location).query))["state"]
    url = f"{ISSUER}/oauth/callback?error=access_denied&state={state}"
    answer = await browser.open(url)
    assert answer.status == 302
    assert answer.headers["location"].startswith(CLAUDE)
    assert gone(answer) == {"error": "access_denied", "state": "s&=?#", "iss": ISSUER}
    other = await browser.open(url.replace("access_denied", "server_error%3Cb%3E"))
    assert other.status == 400
    assert lead(other).startswith("The directory did not sign you in.")


async def test_two_clients_sign_in_at_once_in_one_browser(deployment: Deployment) -> None:
    browser = deployment.browser()
    one, two = deployment.client(), deployment.client(redirect=EVERY_REDIRECT[8])
    pages = [await browser.open(await each.address()) for each in (one, two)]
    for client, page in zip((one, two), pages, strict=True):
        code = gone(await browser.press(page, "Allow"))["code"]
        assert (await client.redeem(code))[0] == 200


async def test_sign_in_may_change_the_instance_at_every_step(deployment: Deployment) -> None:
    client, browser = deployment.client(), deployment.browser()
    address = await client.address()
    location = (await browser.send("GET", address)).headers["location"]
    browser.endpoint = deployment.second.endpoint
    page = await browser.open(location)
    browser.endpoint = deployment.first.endpoint
    code = gone(await browser.press(page, "Allow"))["code"]
    client.endpoint = deployment.second.endpoint
    status, told = await client.redeem(code)
    assert status == 200
    for application in (deployment.first, deployment.second) * 3:
        client.endpoint = application.endpoint
        status, told = await client.refresh(told["refresh_token"])
        assert status == 200
        assert await stores(application, told["access_token"]) == ["Zava Retail Seattle"]


async def test_access_token_says_who_and_for_which_resource(deployment: Deployment) -> None:
    told = await deployment.client().sign_in(scope=f"{RESOURCE}/sales.read offline_access")
    header = jwt.get_unverified_header(told["access_token"])
    claims = jwt.decode(told["access_token"], options={"verify_signature": False})
    assert (header["alg"], header["typ"], header["kid"]) == ("HS256", "at+jwt", "1")
    person = deployment.directory.person
    assert claims["iss"] == ISSUER
    assert claims["aud"] == RESOURCE
    assert (claims["tid"], claims["oid"]) == (str(person.tenant_id), str(person.object_id))
    assert claims["scp"] == "sales.read"
    assert claims["exp"] - claims["iat"] == 600
    status, refused = await call(deployment.first, told["access_token"])
    assert (status, refused["error"]["data"]["code"]) == (403, "AUTHORIZATION_ERROR")


async def test_rotation_of_the_context_key_loses_no_sign_in(
    deployment: Deployment, context_keys: list[str]
) -> None:
    client = deployment.client()
    told = await client.sign_in()
    code = await client.code()
    (old,) = context_keys
    fresh = "2:" + "A" * 43 + "="
    rotated = compose(
        deployment.settings, conninfo=deployment.database.server, context_keys=[fresh, old]
    )
    try:
        client.endpoint = rotated.endpoint
        status, again = await client.refresh(told["refresh_token"])
        assert status == 200
        assert (await client.redeem(code))[0] == 200
        assert jwt.get_unverified_header(again["access_token"])["kid"] == "2"
        # The database knows the old key alone, so whom the token names is as far as this goes.
        for token in (told["access_token"], again["access_token"]):
            # No public name leads to this part: the test changes its sources or calls it alone.
            caller = await rotated.endpoint._authenticator.authenticate(f"Bearer {token}")
            assert caller == deployment.directory.person
    finally:
        await rotated.close()


async def test_revoked_person_is_refused_at_the_next_call_with_a_live_token(
    deployment: Deployment, callers: dict[str, Caller]
) -> None:
    deployment.directory.person = callers["tacoma"]
    told = await deployment.client().sign_in()
    assert (await call(deployment.first, told["access_token"]))[0] == 200
    with psycopg.connect(deployment.database.admin, autocommit=True) as connection:
        revoked = access_grants.revoke(connection, RETAIL, callers["tacoma"])
        try:
            assert await is_without_access(deployment.first, told["access_token"])
        finally:
            access_grants.grant(
                connection,
                RETAIL,
                caller=callers["tacoma"],
                display_name=revoked.display_name,
                audience=revoked.audience.name,
                stores=revoked.stores,
            )


async def test_directory_of_several_tenants_signs_for_each(
    deployment: Deployment, context_keys: list[str]
) -> None:
    directory = deployment.directory
    given = {
        "IDENTITY_ENDPOINT": str(deployment.settings.identity_endpoint),
        "AZURE_CLIENT_ID": str(deployment.settings.client_id),
        "ZAVA_IDENTITY_ISSUER": directory.issuer.replace(directory.tenant, "{tid}"),
    }
    settings = Settings.model_validate(settings_of(directory, **given))
    application = compose(settings, conninfo=deployment.database.server, context_keys=context_keys)
    try:
        told = await Client(application.endpoint).sign_in()
        assert await stores(application, told["access_token"]) == ["Zava Retail Seattle"]
        directory.changed["iss"] = directory.issuer.replace(directory.tenant, APP_ID)
        client = Client(application.endpoint)
        page = await Browser(application.endpoint).open(await client.address())
        assert page.status == 502
    finally:
        await application.close()


async def test_tokens_of_the_directory_are_accepted_as_before(deployment: Deployment) -> None:
    from tests.sign_in.directory import Grant

    grant = Grant("a-client", "", (f"{RESOURCE}/user_impersonation",), None, None)
    token = deployment.directory.access_token(grant)
    assert await stores(deployment.first, token) == ["Zava Retail Seattle"]


async def test_nothing_of_the_directory_is_kept_logged_or_passed_on(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="zava")
    deployment.directory.issued.clear()
    client, browser = deployment.client(), deployment.browser()
    answers: list[bytes] = []
    page = await browser.open(await client.address())
    answers.append(page.body)
    allowed = await browser.press(page, "Allow")
    answers.append(allowed.body)
    told = (await client.redeem(gone(allowed)["code"]))[1]
    answers.append(orjson.dumps(told))
    answers.append(orjson.dumps((await client.refresh(told["refresh_token"]))[1]))
    with psycopg.connect(deployment.database.owner) as connection:
        rows = connection.execute("SELECT s::text FROM zava.sign_ins AS s").fetchall()
        changes = connection.execute("SELECT c::text FROM zava.change_log AS c").fetchall()
    everywhere = "\n".join(
        [*(each.decode() for each in answers), str(rows), str(changes), caplog.text]
    )
    assert rows
    assert len(deployment.directory.issued) == 3
    for secret in (*deployment.directory.issued, told["refresh_token"], told["access_token"]):
        kept = everywhere.replace(orjson.dumps(told).decode(), "")
        assert secret not in kept
        assert secret.rpartition(".")[2] not in kept, "nor a part of it"
    assert "client_assertion" not in everywhere


async def test_directory_that_fails_leaves_a_page_in_words(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    deployment.directory.applications = ()
    page = await deployment.browser().open(await deployment.client().address())
    assert page.status == 400, "the directory's own page"
    deployment.directory.applications = ()
    browser = deployment.browser()
    location = (await browser.send("GET", await deployment.client().address())).headers["location"]
    state = dict(parse_qsl(urlsplit(location).query))["state"]
    page = await browser.open(f"{ISSUER}/oauth/callback?code=unknown&state={state}")
    assert page.status == 502
    assert lead(page).startswith("The directory did not confirm who you are.")
    assert "its token endpoint: HTTPError" in caplog.text
    assert "AADSTS" not in caplog.text


async def test_sign_in_is_recorded_with_its_client_for_twelve_hours(
    deployment: Deployment,
) -> None:
    await deployment.client().sign_in()
    with psycopg.connect(deployment.database.owner) as connection:
        row = connection.execute(
            "SELECT client_name, expires_at - begun_at FROM zava.sign_ins"
            " ORDER BY begun_at DESC LIMIT 1"
        ).fetchone()
    assert row is not None
    assert (row[0], row[1].total_seconds()) == ("Tests", 12 * 3600)
