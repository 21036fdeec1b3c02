"""The Python SDK's client: lists tools, calls each, makes calls that fail, reads a resource.

It prints what came of it as JSON.

python python_mcp.py URL MODE CALLS WRONG

MODE is auto, legacy or a revision. The token comes from ZAVA_TOKEN; without one the client signs in
through the program of BROWSER.
"""

import asyncio
import json
import os
import sys
from typing import Any

import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from signing_in import provider

URI = "retail://tables/orders"


async def report(
    url: str, mode: Any, calls: dict[str, Any], wrong: dict[str, Any]
) -> dict[str, Any]:
    token = os.environ.get("ZAVA_TOKEN")  # noqa: TID251  # a program of the tests
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    auth = None if token else await provider(url)
    async with httpx2.AsyncClient(headers=headers, auth=auth, timeout=30) as http:
        transport = streamable_http_client(url, http_client=http)
        async with Client(transport, mode=mode) as client:
            listed = await client.list_tools()
            answers = {name: await client.call_tool(name, given) for name, given in calls.items()}
            refused = {name: await client.call_tool(name, given) for name, given in wrong.items()}
            read = await client.read_resource(URI)
            return {
                "protocol": client.protocol_version,
                "tools": [tool.name for tool in listed.tools],
                "texts": {
                    name: getattr(answer.content[0], "text", "") for name, answer in answers.items()
                },
                "called": [name for name, answer in answers.items() if not answer.is_error],
                "errors": {
                    name: getattr(answer.content[0], "text", "") if answer.is_error else "no error"
                    for name, answer in refused.items()
                },
                "resource": getattr(read.contents[0], "text", ""),
            }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(report(sys.argv[1], sys.argv[2], *map(json.loads, sys.argv[3:])))))
