"""What a provider of OpenID Connect publishes is read once an hour, and from safe places alone."""

import asyncio
import json
import threading
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from tests.support.suite.patience import patient
from zava.infrastructure.azure.entra_credentials import EntraTokens
from zava.protocol.sign_in.directory import provider as module
from zava.protocol.sign_in.directory.provider import (
    Provider,
    ProviderFailed,
    by_assertion,
    by_secret,
)
from zava.protocol.sign_in.directory.redemption_limit import MAX_AT_ONCE, TooManySignIns

ISSUER = "https://accounts.example"
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize?tenant=1",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
}


class Published:
    """What `read_document` returns, and how often it was called."""

    def __init__(self) -> None:
        self.body: Any = METADATA
        self.token: Any = {}
        self.read = 0

    def __call__(self, url: str, *_: Any, **__: Any) -> bytes:
        if url == METADATA["token_endpoint"]:
            return json.dumps(self.token).encode()
        assert url == f"{ISSUER}/.well-known/openid-configuration"
        self.read += 1
        if isinstance(self.body, Exception):
            raise self.body
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Published:
    made = Published()
    monkeypatch.setattr(module, "read_document", made)
    return made


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def of(clock: Clock, issuer: str = ISSUER) -> Provider:
    redirect = "https://zava.example/oauth/callback"
    return Provider(
        issuer, "zava", redirect=redirect, prove=by_secret("zava", "secret"), clock=clock
    )


async def test_documents_are_read_once_an_hour_and_kept_while_the_provider_is_away(
    published: Published,
) -> None:
    clock = Clock()
    provider = of(clock)
    found = await asyncio.gather(*(provider.documents() for _ in range(5)))
    assert published.read == 1
    clock.now += 3601
    published.body = OSError()
    assert await provider.documents() == found[0]
    assert await provider.documents() == found[0]
    assert published.read == 2
    clock.now += 11
    published.body = METADATA | {"token_endpoint": f"{ISSUER}/other"}
    changed = await provider.documents()
    assert changed.token_endpoint == f"{ISSUER}/other"
    assert changed.keys is found[0].keys, "known keys stay"


async def test_requests_that_wait_for_a_provider_that_is_away_wait_once(
    published: Published,
) -> None:
    clock = Clock()
    provider = of(clock)
    published.body = OSError()
    done = await asyncio.gather(*(provider.documents() for _ in range(5)), return_exceptions=True)
    assert [type(each) for each in done] == [ProviderFailed] * 5
    assert published.read == 1
    clock.now += 11
    published.body = METADATA
    assert (await provider.documents()).issuer == ISSUER


@pytest.mark.parametrize(
    "body",
    [
        METADATA | {"issuer": f"{ISSUER}/"},
        METADATA | {"issuer": "https://attacker.example"},
        METADATA | {"token_endpoint": "http://accounts.example/token"},
        METADATA | {"authorization_endpoint": "javascript:alert(1)"},
        METADATA | {"jwks_uri": None},
        {},
        [],
        b"no json",
        b"[" * 100_000,
        ValueError("too large"),
        TimeoutError(),
    ],
)
async def test_documents_that_are_not_safe_are_refused(published: Published, body: Any) -> None:
    published.body = body
    with pytest.raises(ProviderFailed):
        await of(Clock()).documents()


async def test_address_of_the_sign_in_keeps_the_query_of_the_provider(published: Published) -> None:
    address = await of(Clock()).sign_in_address(state="s", nonce="n", challenge="c")
    assert address.startswith(f"{ISSUER}/authorize?tenant=1&client_id=zava&response_type=code&")
    assert "prompt" not in address
    published.body = METADATA | {"prompt_values_supported": ["select_account"]}
    address = await of(Clock()).sign_in_address(state="s", nonce="n", challenge="c")
    assert address.endswith("&prompt=select_account")


class SilentIdentity:
    """The identity of an app, whose endpoint answers when a test lets it."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.requests = 0

    def get_token(self, *_: str) -> Any:
        self.requests += 1
        assert self.answers.wait(patient(20))
        return AccessToken("an assertion", 4_000_000_000)


async def test_silent_identity_holds_one_thread_and_no_place_longer_than_a_sign_in(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = SilentIdentity()
    proving = by_assertion(EntraTokens(lambda: identity, "scope", "the sign-in").token)  # type: ignore[arg-type,return-value]  # it has this one method
    provider = Provider(ISSUER, "zava", redirect="https://zava.example/", prove=proving)
    await provider.documents()
    with monkeypatch.context() as patch:
        # No setting changes this bound, and a test cannot wait for it.
        patch.setattr(module, "_SECONDS", 0.1)
        networks = (f"192.0.2.{number}" for number in range(MAX_AT_ONCE + 1))
        done = await asyncio.gather(
            *(provider.redeem("c", "v", network) for network in networks), return_exceptions=True
        )
    assert [type(each) for each in done] == [*[ProviderFailed] * MAX_AT_ONCE, TooManySignIns]
    assert identity.requests == 1
    identity.answers.set()
    published.token = {"id_token": "x"}
    assert await provider.redeem("c", "v", "192.0.2.99") == "x", "it recovers by itself"
    assert identity.requests == 1
