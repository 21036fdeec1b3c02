"""The context keys of an app on Azure, with Key Vault and the platform played by a transport."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline.transport import HttpTransport

from zava.infrastructure.azure.key_vault import (
    SECRET_NAME,
    KeyVault,
    KeyVaultRefused,
    resolve_references_again,
)
from zava.infrastructure.context_keys import rotated

VAULT = "https://kv-zava.vault.azure.net"
APP = "/subscriptions/s/resourceGroups/rg-zava/providers/Microsoft.Web/sites/func-zava"
CHALLENGE = (
    'Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net"'
)


class Credential:
    def get_token(self, *_: str, **__: object) -> AccessToken:
        return AccessToken("token", 2**33)


class Response:
    """What azure.core reads of an HTTP response."""

    def __init__(self, request: Any, status: int, body: Mapping[str, Any]) -> None:
        self.request = request
        self.status_code = status
        self.reason = ""
        self.content_type = "application/json"
        self.headers = {"Content-Type": "application/json", "WWW-Authenticate": CHALLENGE}
        self.content = json.dumps(body).encode()
        self.is_closed = self.is_stream_consumed = True

    def body(self) -> bytes:
        return self.content

    def read(self) -> bytes:
        return self.content

    def text(self, _encoding: str | None = None) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            from azure.core.exceptions import HttpResponseError

            raise HttpResponseError(response=self)


class Platform(HttpTransport[Any, Any]):
    """Keeps one secret; refuses as often as it is told to."""

    def __init__(self) -> None:
        self.secret: str | None = None
        self.refusals = 0
        self.is_away = False
        self.posts: list[str] = []

    def open(self) -> None: ...

    def close(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...

    def send(self, request: Any, **_: Any) -> Any:
        if self.is_away:
            raise ServiceRequestError("kv-zava.vault.azure.net is away")
        if "Authorization" not in request.headers:
            return Response(request, 401, {})
        if self.refusals:
            self.refusals -= 1
            return Response(request, 403, {"error": {"code": "Forbidden", "message": "planted"}})
        if request.method == "POST":
            self.posts.append(request.url)
            return Response(request, 200, {})
        assert request.url.startswith(f"{VAULT}/secrets/{SECRET_NAME}")
        if request.method == "PUT":
            content = request.content if hasattr(request, "content") else request.body
            self.secret = json.loads(content)["value"]
        if self.secret is None:
            return Response(request, 404, {"error": {"code": "SecretNotFound", "message": ""}})
        return Response(
            request, 200, {"id": f"{VAULT}/secrets/{SECRET_NAME}/1", "value": self.secret}
        )


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def vault(platform: Platform) -> KeyVault:
    return KeyVault(VAULT, Credential(), pause_seconds=0, transport=platform)


def test_first_key_is_drawn_once_and_kept(vault: KeyVault, platform: Platform) -> None:
    first = vault.context_keys()
    assert [key.partition(":")[0] for key in first] == ["1"]
    assert platform.secret == first[0]
    assert vault.context_keys() == first


def test_rotated_keys_are_written_in_the_form_of_the_setting(
    vault: KeyVault, platform: Platform
) -> None:
    keys = vault.keep(rotated(vault.context_keys()))
    assert platform.secret == ",".join(keys)
    assert vault.context_keys() == keys
    assert [key.partition(":")[0] for key in keys] == ["2", "1"]


def test_role_that_does_not_count_yet_is_waited_for(vault: KeyVault, platform: Platform) -> None:
    platform.refusals = 3
    assert len(vault.context_keys()) == 1
    assert platform.refusals == 0


@pytest.mark.parametrize("is_away", [True, False])
def test_vault_that_does_not_help_is_one_sentence(
    vault: KeyVault, platform: Platform, monkeypatch: pytest.MonkeyPatch, is_away: bool
) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.infrastructure.azure.key_vault._PATIENCE_SECONDS", 0)
    platform.is_away, platform.refusals = is_away, 100
    monkeypatch.setattr("azure.core.pipeline.policies.RetryPolicy.sleep", lambda *_: None)
    with pytest.raises(KeyVaultRefused, match=r"^AZURE_KEY_VAULT_ENDPOINT: .*Secrets Officer"):
        vault.context_keys()


def test_app_is_told_to_resolve_its_references(platform: Platform) -> None:
    resolve_references_again(APP, Credential(), transport=platform)
    (url,) = platform.posts
    assert url == (
        f"https://management.azure.com{APP}/config/configreferences/appsettings/refresh"
        "?api-version=2024-11-01"
    )
    platform.refusals = 1
    with pytest.raises(KeyVaultRefused, match="restart it"):
        resolve_references_again(APP, Credential(), transport=platform)
