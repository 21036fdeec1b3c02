"""A person of a certified OpenID provider signs in at a deployment without Microsoft Entra ID."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psycopg
import pytest

from tests.outside.node import NODE, OUTSIDE
from tests.sign_in.broker import HOST, ISSUER, Browser, Client, gone
from tests.sign_in.test_broker import is_without_access, stores
from tests.support.products.laptop import free_port
from tests.support.servers.database import Database
from tests.support.suite.patience import patient
from zava.app import compose
from zava.infrastructure.postgres import access_grants
from zava.model.core import caller_of_subject
from zava.retail.declaration import RETAIL
from zava.settings import Settings

pytestmark = pytest.mark.outside

CLIENT_ID, SECRET = "zava", "the-secret-of-zava-at-the-provider"  # of a provider on loopback


@contextmanager
def served(method: str) -> Iterator[str]:
    """Serve the provider while the block runs; its client proves itself in this way."""
    port = free_port()
    process = subprocess.Popen(
        [
            *(str(NODE), "oidc_provider.mjs", str(port), f"{ISSUER}/oauth/callback"),
            *(CLIENT_ID, SECRET, method),
        ],
        cwd=OUTSIDE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "listening\n"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=patient(10))
        process.stdout.close()


def signed_in(address: str, name: str) -> str:
    """Fill in the pages of the provider; return where it sends the browser back."""
    with httpx.Client(timeout=patient(30)) as http:
        answer = http.get(address)
        while True:
            while answer.is_redirect:
                location = str(answer.headers["location"])
                if location.startswith(ISSUER):
                    return location
                answer = http.get(answer.url.join(location))
            form = re.search(r'<form[^>]* action="([^"]+)"', answer.text)
            assert form, answer.text
            prompt = re.findall(r'name="prompt" value="([^"]+)"', answer.text)
            given = {"prompt": prompt[0], "login": name, "password": "any"}
            answer = http.post(answer.url.join(form[1]), data=given)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_person_of_a_certified_provider_signs_in(
    database: Database, context_keys: list[str], method: str
) -> None:
    with served(method) as provider:
        settings = Settings.model_validate(
            {
                "ZAVA_ALLOWED_HOSTS": HOST,
                "ZAVA_SIGN_IN": "true",
                "ZAVA_SIGN_IN_DIRECTORY": provider,
                "ZAVA_SIGN_IN_CLIENT_ID": CLIENT_ID,
                "ZAVA_SIGN_IN_CLIENT_SECRET": SECRET,
            }
        )
        application = compose(settings, conninfo=database.server, context_keys=context_keys)
        client, browser = Client(application.endpoint), Browser(application.endpoint)
        begun = await browser.send("GET", await client.address())
        page = await browser.open(signed_in(begun.headers["location"], "ann"))
        assert "Person ann" in page.body.decode()
        status, told = await client.redeem(gone(await browser.press(page, "Allow"))["code"])
        assert status == 200
        assert await is_without_access(application, told["access_token"])
        with psycopg.connect(database.admin, autocommit=True) as connection:
            access_grants.grant(
                connection,
                RETAIL,
                caller=caller_of_subject(provider, "ann"),
                display_name=f"ann of {provider}",
                audience="store_managers",
                stores=["Everett"],
                issuer=provider,
                subject="ann",
            )
        assert await stores(application, told["access_token"]) == ["Zava Retail Everett"]
        await application.close()
