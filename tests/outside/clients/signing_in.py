"""How the Python SDK's client signs in: a listener for the answer, and the browser of BROWSER."""

import asyncio
import os
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

_SECONDS = 60


class _Memory:
    """What the client keeps of a sign-in while it lives."""

    def __init__(self) -> None:
        self._tokens: OAuthToken | None = None
        self._client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self._tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self._tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self._client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self._client = client_info


async def provider(url: str) -> OAuthClientProvider:
    """Return what signs a client in at a server of which it knows the URL alone."""
    arrived: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readline()).split()[1].decode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()
        if not arrived.done():
            query = parse_qs(urlsplit(target).query)
            arrived.set_result({name: values[0] for name, values in query.items()})

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]

    async def open_browser(page: str) -> None:
        browser = os.environ["BROWSER"]  # noqa: TID251  # a program of the tests
        await asyncio.create_subprocess_exec(browser, page)

    async def wait() -> AuthorizationCodeResult:
        told: dict[str, Any] = await asyncio.wait_for(arrived, _SECONDS)
        return AuthorizationCodeResult(
            code=told.get("code", ""), state=told.get("state"), iss=told.get("iss")
        )

    return OAuthClientProvider(
        url,
        OAuthClientMetadata.model_validate(
            {"client_name": "Python mcp", "redirect_uris": [f"http://127.0.0.1:{port}/callback"]}
        ),
        _Memory(),
        open_browser,
        wait,
    )
