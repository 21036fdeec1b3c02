"""The SDK's own client signs in, goes on when its token ends, and calls in both eras."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import orjson
import pytest
from mcp.client import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.auth.exceptions import OAuthFlowError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from tests.sign_in.client import ISSUER, REDIRECT, RESOURCE, SigningClient
from zava.app import Application
from zava.protocol.http.asgi import asgi_application
from zava.protocol.http.endpoint import Headers
from zava.protocol.http_responses import HttpResponse

STORES = {"postgresql_query": "SELECT store_name FROM retail.stores"}


class Kept:
    """What a client stores: its registration and its tokens."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None
        self.provider: OAuthClientProvider | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Watched:
    """The endpoint, and the paths and statuses of what was requested of it."""

    def __init__(self, application: Application) -> None:
        self.endpoint = application.endpoint
        self.seen: list[tuple[str, int]] = []

    async def handle(
        self, method: str, path: str, headers: Headers, body: bytes, query: str = ""
    ) -> HttpResponse:
        answer = await self.endpoint.handle(method, path, headers, body, query)
        self.seen.append((f"{method} {path}", answer.status))
        return answer

    def times(self, what: str) -> int:
        return sum(path == what for path, _ in self.seen)


@pytest.fixture
def watched(signing_app: Application) -> Watched:
    return Watched(signing_app)


@asynccontextmanager
async def signed_in(
    watched: Watched, kept: Kept, person: str | None, mode: Any = "auto"
) -> AsyncIterator[Client]:
    """A client of which a person picks themselves, None to say no."""
    answers: list[AuthorizationCodeResult] = []

    async def browse(url: str) -> None:
        client = SigningClient(watched)  # type: ignore[arg-type]  # has what the client calls
        page = await client.send("GET", "/oauth/authorize", query=urlsplit(url).query)
        picked = await client.pick(page, person)
        query = parse_qs(urlsplit(orjson.loads(picked.body)["location"]).query)
        answers.append(
            AuthorizationCodeResult(
                code=query.get("code", [""])[0], state=query["state"][0], iss=query["iss"][0]
            )
        )

    async def answer() -> AuthorizationCodeResult:
        return answers.pop()

    provider = OAuthClientProvider(
        RESOURCE,
        OAuthClientMetadata.model_validate({"client_name": "SDK", "redirect_uris": [REDIRECT]}),
        kept,
        browse,
        answer,
    )
    kept.provider = provider
    transport = httpx2.ASGITransport(app=asgi_application(watched))
    async with (
        httpx2.AsyncClient(transport=transport, auth=provider, base_url=ISSUER) as http,
        Client(streamable_http_client(RESOURCE, http_client=http), mode=mode) as client,
    ):
        yield client


async def stores(client: Client) -> int:
    answer = await client.call_tool("execute_sales_query", STORES)
    assert answer.structured_content is not None
    return len(answer.structured_content["rows"])


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_client_signs_in_once_and_calls(watched: Watched, mode: str) -> None:
    async with signed_in(watched, Kept(), "eastside", mode) as client:
        assert await stores(client) == 3
        refused = await client.call_tool("query_metrics", {"metrics": ["footfall"]})
        assert refused.is_error
    assert watched.times("POST /oauth/token") == 1
    assert max(status for _, status in watched.seen) < 500


async def test_token_that_has_ended_is_refreshed_without_the_person(watched: Watched) -> None:
    kept = Kept()
    async with signed_in(watched, kept, "redmond") as client:
        assert await stores(client) == 1
        assert kept.provider is not None
        kept.provider.context.token_expiry_time = 1
        assert await stores(client) == 1
    assert watched.times("POST /oauth/token") == 2
    # A later run of the client, with what it has stored.
    async with signed_in(watched, kept, None) as client:
        assert await stores(client) == 1
    assert watched.times("POST /oauth/authorize") == 1
    assert watched.times("POST /mcp") == 1 + sum(
        (path, status) == ("POST /mcp", 200) for path, status in watched.seen
    ), "one call alone was refused: the first one"


async def test_stored_registration_and_ended_sign_in_lead_to_one_more_sign_in(
    watched: Watched,
) -> None:
    kept = Kept()
    async with signed_in(watched, kept, "redmond") as client:
        assert await stores(client) == 1
    assert kept.tokens is not None
    kept.tokens = OAuthToken(access_token="a.b.c", refresh_token="ended")
    async with signed_in(watched, kept, "tacoma") as client:
        assert await stores(client) == 1
    assert watched.times("POST /oauth/register") == 1
    assert watched.times("POST /oauth/authorize") == 2


async def test_person_who_says_no_ends_the_client_s_wait(watched: Watched) -> None:
    with pytest.raises(BaseExceptionGroup) as ended:
        async with signed_in(watched, Kept(), None):
            pass
    assert _of(ended.value, OAuthFlowError)
    assert watched.times("POST /oauth/token") == 0


def _of(group: BaseException, kind: type[Exception]) -> bool:
    if isinstance(group, BaseExceptionGroup):
        return any(_of(each, kind) for each in group.exceptions)
    return isinstance(group, kind)
