"""The console of a deployment: behind its sign-in, at its one address, off unless it is named."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from tests.sign_in.broker import HOST, ISSUER
from tests.sign_in.conftest import Deployment
from zava.app import Application
from zava.composition.directory_sign_in import deployment_rules
from zava.protocol.console.console import POLICY
from zava.protocol.http.addresses import CONSOLE_REDIRECT
from zava.protocol.http_responses import HttpResponse
from zava.settings import Settings

REDIRECT = f"{ISSUER}{CONSOLE_REDIRECT}"
JSON = {"host": HOST, "origin": ISSUER, "content-type": "application/json"}


async def get(
    deployment: Deployment, path: str, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    sent = headers or {"host": HOST}
    return await deployment.first.endpoint.handle("GET", path, sent, b"")


async def test_page_is_served_at_the_deployments_own_address_alone(deployment: Deployment) -> None:
    for path in ("/console", "/console/explore", "/console/console.js"):
        answer = await get(deployment, path)
        assert answer.status == 200, path
        assert answer.headers["content-security-policy"] == POLICY
        assert "set-cookie" not in answer.headers
    other = await get(deployment, "/console", {"host": "127.0.0.1"})
    assert other.status == 421
    assert (await get(deployment, "/console/no-such-file.js")).status == 404


async def test_page_lists_no_person_and_signs_none_in(deployment: Deployment) -> None:
    entry = orjson.loads((await get(deployment, "/console/people.json")).body)
    assert entry == {"people": [], "signs_in": True}
    answer = await deployment.first.endpoint.handle(
        "POST", "/console/sign-in", JSON, b'{"person": "seattle"}'
    )
    assert answer.status in {404, 405}
    assert b"token" not in answer.body


async def test_person_of_the_directory_uses_it_with_the_token_of_the_sign_in(
    deployment: Deployment,
) -> None:
    client = deployment.client(redirect=REDIRECT, name="Zava console")
    status, tokens = await client.redeem(await client.code(), redirect_uri=REDIRECT)
    assert status == 200
    headers = JSON | {"authorization": f"Bearer {tokens['access_token']}"}

    async def call(path: str, content: Any) -> tuple[int, HttpResponse]:
        body = orjson.dumps(content)
        answer = await deployment.first.endpoint.handle("POST", path, headers, body)
        return answer.status, answer

    status, answer = await call("/console/saved", {"action": "list"})
    assert (status, orjson.loads(answer.body)) == (200, {"items": []})
    asked = {"postgresql_query": "SELECT store_name FROM retail.stores", "format": "jsonl"}
    status, answer = await call("/console/export", asked)
    assert status == 200
    assert answer.parts is not None
    lines = b"".join([part async for part in answer.parts]).splitlines()
    assert [orjson.loads(line)["store_name"] for line in lines] == ["Zava Retail Seattle"]
    status, _ = await call("/console/operator", {})
    assert status == 422


async def test_call_without_a_token_is_challenged(deployment: Deployment) -> None:
    answer = await deployment.first.endpoint.handle("POST", "/console/saved", JSON, b"{}")
    assert answer.status == 401
    assert "www-authenticate" in answer.headers


async def test_where_it_is_off_there_is_no_console(
    application: Application, deployment: Deployment
) -> None:
    for path in ("/console", "/console/explore", "/console/saved"):
        answer = await application.endpoint.handle("GET", path, {"host": "127.0.0.1"}, b"")
        assert answer.status == 404
    off = deployment.settings.model_copy(update={"console": False})
    assert not deployment_rules(off, [f"{ISSUER}/mcp"]).allows_redirect(REDIRECT)
    assert deployment_rules(deployment.settings, [f"{ISSUER}/mcp"]).allows_redirect(REDIRECT)


def test_console_of_a_deployment_needs_its_sign_in() -> None:
    with pytest.raises(ValueError, match="ZAVA_CONSOLE: needs ZAVA_SIGN_IN"):
        Settings.model_validate({"ZAVA_CONSOLE": "true"})
