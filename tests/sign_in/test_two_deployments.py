"""Two deployments over one database share its keys, and neither opens what the other has sealed."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import orjson
import pytest

from tests.sign_in.broker import HOST
from tests.sign_in.conftest import Deployment
from tests.sign_in.test_broker_attacks import begun, state_of
from zava.app import Application, compose
from zava.settings import Settings

OTHER = "other.example"


@pytest.fixture
async def other(deployment: Deployment, context_keys: list[str]) -> AsyncIterator[Application]:
    """A deployment that signs in at another address and serves the first one's, too."""
    changed = {"sign_in_url": f"https://{OTHER}", "allowed_hosts": (OTHER,)}
    settings: Settings = deployment.settings.model_copy(update=changed)
    application = compose(settings, conninfo=deployment.database.server, context_keys=context_keys)
    yield application
    await application.close()


async def test_ticket_of_one_deployment_opens_nothing_at_another(
    deployment: Deployment, other: Application
) -> None:
    browser, client = deployment.browser(), deployment.client()
    location = await begun(deployment, browser)
    page = await browser.open(await client.address())
    ticket = page.body.decode().partition('data-ticket="')[2].partition('"')[0]
    code, told = await client.code(), await client.sign_in()
    cookie = browser.cookie or ""
    own = {"host": OTHER, "cookie": cookie}
    query = f"code=x&state={quote(state_of(location))}"
    answer = await other.endpoint.handle("GET", "/oauth/callback", own, b"", query)
    assert answer.status == 400
    assert b"too old, or did not begin here" in answer.body
    headers = own | {"origin": f"https://{OTHER}", "content-type": "application/json"}
    body = orjson.dumps({"ticket": ticket, "person": None})
    answer = await other.endpoint.handle("POST", "/oauth/authorize", headers, body)
    assert (answer.status, b"too old" in answer.body) == (400, True)
    client.endpoint = other.endpoint
    for status, refused in (await client.redeem(code), await client.refresh(told["refresh_token"])):
        assert (status, refused["error"]) == (400, "invalid_grant")
    client.endpoint = deployment.first.endpoint
    assert (await client.redeem(code))[0] == 200
    assert (await client.refresh(told["refresh_token"]))[0] == 200


async def test_access_token_of_one_deployment_is_none_of_another(
    deployment: Deployment, other: Application
) -> None:
    token = (await deployment.client().sign_in())["access_token"]
    for host in (HOST, OTHER):
        headers = {"host": host, "authorization": f"Bearer {token}"}
        answer = await other.endpoint.handle("POST", "/mcp", headers, b"{}")
        assert answer.status == 401
