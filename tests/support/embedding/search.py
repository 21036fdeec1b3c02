"""A database whose catalogue is embedded, and the app over it."""

from typing import Any

import orjson

from tests.support.answers.rpc import MODERN, request
from zava.app import Application

TOOL = "semantic_search_products"


async def search(
    application: Application, token: str, query: str, **arguments: Any
) -> dict[str, Any]:
    """Return the tool's whole result, which must never be a failure of the server."""
    params = {"name": TOOL, "arguments": {"query_description": query, **arguments}}
    headers, body = request(MODERN, "tools/call", params, token)
    answer = await application.endpoint.handle("POST", "/mcp", headers, body)
    assert answer.status == 200, answer.body
    result: dict[str, Any] = orjson.loads(answer.body)["result"]
    return result


async def products(
    application: Application, token: str, query: str, **arguments: Any
) -> list[dict[str, Any]]:
    """Return the products found."""
    result = await search(application, token, query, **arguments)
    assert not result["isError"], result
    found: list[dict[str, Any]] = result["structuredContent"]["products"]
    return found
