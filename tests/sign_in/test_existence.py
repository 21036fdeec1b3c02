"""Where there is no sign-in, and what it costs whoever does not use it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.functions.hosting import functions_host
from tests.sign_in.client import SigningClient
from tests.support.answers.rpc import MODERN, request
from tests.support.servers.database import Database
from tests.support.suite.patience import patient
from zava.app import compose
from zava.data.session.signed_context import ContextKey, ContextSigner
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuerRefused
from zava.model.core import Caller
from zava.protocol.http.unserved import not_started
from zava.protocol.http_responses import HttpResponse
from zava.protocol.sign_in.directory.access_tokens import OwnTokens
from zava.protocol.sign_in.parts import Person
from zava.settings import Settings, SettingsError, read_settings

ROOT = Path(__file__).parents[2]
PATHS = [
    ("GET", "/.well-known/oauth-authorization-server"),
    ("POST", "/oauth/register"),
    ("GET", "/oauth/authorize"),
    ("POST", "/oauth/authorize"),
    ("POST", "/oauth/token"),
    ("GET", "/oauth/callback"),
    ("GET", "/oauth/page.css"),
    ("GET", "/oauth/page.js"),
]
DIRECTORY = {
    "ZAVA_IDENTITY_ISSUER": "https://login.microsoftonline.com/{tid}/v2.0",
    "ZAVA_IDENTITY_AUDIENCE": "api://zava",
    "ZAVA_ALLOWED_TENANTS": "5a7a0000-0000-4000-8000-000000000001",
}
AZURE = {"WEBSITE_INSTANCE_ID": "1", "WEBSITE_SKU": "FlexConsumption"}
REMOTE = "host=db.example dbname=zava user=zava_server"


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize("conninfo", [None, REMOTE])
@pytest.mark.parametrize("platform", [{}, AZURE])
async def test_where_a_directory_signs_every_path_is_404(
    database: Database,
    home: StateDirectory,
    context_keys: list[str],
    method: str,
    path: str,
    conninfo: str | None,
    platform: dict[str, Any],
) -> None:
    settings = Settings.model_validate({"ZAVA_HOME": home.path, **DIRECTORY, **platform})
    application = compose(settings, conninfo=conninfo or database.server, context_keys=context_keys)
    answer = await application.endpoint.handle(method, path, {"host": "127.0.0.1:7071"}, b"")
    assert answer.status == 404
    await application.close()


@pytest.mark.parametrize("path", sorted({path for _, path in PATHS}))
def test_server_that_may_not_start_answers_404_too(path: str) -> None:
    assert not_started(path, "words").status == 404


@pytest.mark.parametrize(("conninfo", "platform"), [(REMOTE, {}), ("host=127.0.0.1", AZURE)])
def test_without_a_directory_neither_azure_nor_a_remote_database_is_served(
    home: StateDirectory, context_keys: list[str], conninfo: str, platform: dict[str, Any]
) -> None:
    settings = Settings.model_validate({"ZAVA_HOME": home.path, **platform})
    with pytest.raises(LocalIssuerRefused):
        compose(settings, conninfo=conninfo, context_keys=context_keys)


def after_a_hundred_calls(
    token: str, database: Database, context_keys: list[str], settings: dict[str, str]
) -> dict[str, Any]:
    """Return what a process of its own has loaded after a hundred calls, and after a sign-in."""
    params = {
        "name": "execute_sales_query",
        "arguments": {"postgresql_query": "SELECT store_name FROM retail.stores"},
    }
    _, body = request(MODERN, "tools/call", params)
    done = subprocess.run(
        [sys.executable, "-m", "tests.sign_in.hundred_calls", f"Bearer {token}"],
        cwd=ROOT,
        env={
            "PATH": os.defpath,
            "DATABASE_URL": database.server,
            "ZAVA_CONTEXT_KEYS": ",".join(context_keys),
            **settings,
        },
        input=body,
        capture_output=True,
        check=True,
        timeout=patient(60),
    )
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


@pytest.mark.slow
def test_a_hundred_calls_load_no_module_of_the_sign_in(
    database: Database, home: StateDirectory, tokens: dict[str, str], context_keys: list[str]
) -> None:
    loaded = after_a_hundred_calls(
        tokens["kirkland"], database, context_keys, {"ZAVA_HOME": str(home.path)}
    )
    assert loaded["statuses"] == [200] * 100
    assert loaded["after calls"] == []
    assert "zava.protocol.sign_in.sign_in" in loaded["after a sign-in"], "the names are right"


@pytest.mark.slow
def test_a_hundred_calls_with_tokens_of_a_deployment_s_sign_in_load_no_module_of_it(
    database: Database, callers: dict[str, Caller], context_keys: list[str]
) -> None:
    settings = {
        "ZAVA_SIGN_IN": "true",
        "ZAVA_SIGN_IN_URL": "http://127.0.0.1:7071",
        "ZAVA_SIGN_IN_CLIENT_ID": "the-id-of-the-app",
        "ZAVA_SIGN_IN_CLIENT_SECRET": "the-secret-of-the-app",
    }
    person = callers["kirkland"]
    signer = ContextSigner([ContextKey.parse(text) for text in context_keys])
    key_id, key = next(iter(signer.derived_keys("sign-in access tokens").items()))
    issuer = settings["ZAVA_SIGN_IN_URL"]
    token = OwnTokens(issuer, "the-id-of-the-app", key_id=key_id, key=key).issue(
        Person(str(person.tenant_id), str(person.object_id), ""),
        ("user_impersonation",),
        f"{issuer}/mcp",
    )
    loaded = after_a_hundred_calls(
        token,
        database,
        context_keys,
        {**DIRECTORY, "ZAVA_ALLOWED_TENANTS": str(person.tenant_id), **settings},
    )
    assert loaded["statuses"] == [200] * 100
    assert loaded["after calls"] == []
    assert "zava.composition.directory_sign_in" in loaded["after a sign-in"], "the names are right"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"WEBSITE_AUTH_ENABLED": "true"}, "built-in authentication refuses"),
        ({"ZAVA_SIGN_IN_CLIENT_ID": ""}, "needs ZAVA_SIGN_IN_CLIENT_ID"),
        ({"ZAVA_IDENTITY_ISSUER": ""}, "or ZAVA_SIGN_IN_DIRECTORY"),
        ({"WEBSITE_INSTANCE_ID": "", "WEBSITE_SKU": ""}, "needs ZAVA_SIGN_IN_CLIENT_SECRET"),
        ({"ZAVA_SIGN_IN_URL": "https://elsewhere.example"}, "a host of ZAVA_ALLOWED_HOSTS"),
        ({"ZAVA_ALLOWED_HOSTS": ""}, "a host of ZAVA_ALLOWED_HOSTS"),
        ({"ZAVA_SIGN_IN_URL": "http://zava.example"}, "expected an https:// URL"),
        ({"ZAVA_SIGN_IN_URL": "https://zava.example/"}, "without a path"),
        ({"ZAVA_SIGN_IN_URL": "https://Zava.example"}, "in lower case"),
        ({"ZAVA_SIGN_IN_DIRECTORY": "http://accounts.example"}, "expected an https:// URL"),
        ({"ZAVA_SIGN_IN_REDIRECTS": "http://client.example/back"}, "expected https URLs"),
        ({"ZAVA_SIGN_IN_REDIRECTS": "https://client.example/"}, "with a path"),
        ({"ZAVA_SIGN_IN_SUBJECT_CLAIM": "sub; drop"}, "ZAVA_SIGN_IN_SUBJECT_CLAIM"),
    ],
)
def test_sign_in_that_could_not_work_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], sentence: str
) -> None:
    right = {
        **DIRECTORY,
        **AZURE,
        "ZAVA_ALLOWED_HOSTS": "zava.example",
        "ZAVA_SIGN_IN": "true",
        "ZAVA_SIGN_IN_CLIENT_ID": "the-id-of-the-app",
    }
    for name, value in right.items():
        monkeypatch.setenv(name, value)
    assert read_settings().sign_in_issuer == "https://zava.example"
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=sentence):
        read_settings()


class Socket:
    """A host behind its socket, which is asked by the name that its clients call it by."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def handle(
        self, method: str, path: str, headers: Any, body: bytes, query: str = ""
    ) -> HttpResponse:
        async with httpx.AsyncClient() as http:
            url = f"{self._url}{path}?{query}"
            got = await http.request(method, url, headers=dict(headers), content=body)
        return HttpResponse(got.status_code, dict(got.headers), got.content)


@pytest.mark.slow
async def test_function_app_on_a_laptop_signs_in_with_its_query(
    database: Database, home: StateDirectory, context_keys: list[str]
) -> None:
    with functions_host(database=database, home=home, context_keys=context_keys) as hosted:
        client = SigningClient(Socket(hosted.url))  # type: ignore[arg-type]  # has what the client calls
        granted = await client.sign_in("kirkland")
        headers, body = request(
            MODERN,
            "tools/call",
            {
                "name": "execute_sales_query",
                "arguments": {"postgresql_query": "SELECT store_name FROM retail.stores"},
            },
            granted["access_token"],
        )
        answer = await client.endpoint.handle("POST", "/mcp", headers, body)
        rows = orjson.loads(answer.body)["result"]["structuredContent"]["rows"]
        assert rows == [["Zava Retail Kirkland"]]
