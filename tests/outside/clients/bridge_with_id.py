"""The Python SDK's client over mcp-remote with a client id: a call, and one that fails.

It prints what came of it as JSON. The browser is the program of BROWSER.

python bridge_with_id.py NODE URL CLIENT_ID QUERY WRONG_QUERY
"""

import asyncio
import json
import os
import sys

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

TOOL = "execute_sales_query"
_TIMEOUT_SECONDS = 60


async def report(node: str, url: str, client_id: str, query: str, wrong: str) -> object:
    bridge = StdioServerParameters(
        command=node,
        args=[
            "node_modules/.bin/mcp-remote",
            url,
            "--static-oauth-client-info",
            json.dumps({"client_id": client_id}),
        ],
        env=dict(os.environ),  # noqa: TID251  # a program of the tests, not of the product
    )
    async with asyncio.timeout(_TIMEOUT_SECONDS):
        async with Client(stdio_client(bridge), mode="legacy") as client:
            answers = [
                await client.call_tool(TOOL, {"postgresql_query": text}) for text in (query, wrong)
            ]
    texts = [getattr(answer.content[0], "text", "") for answer in answers]
    return {"answers": texts[:1], "error": texts[1] if answers[1].is_error else "no error"}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(report(*sys.argv[1:]))))
