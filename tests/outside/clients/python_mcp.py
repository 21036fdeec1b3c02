"""The Python SDK's client: lists tools, calls each, makes calls that fail, reads a resource.

It prints what came of it as JSON.

python python_mcp.py URL MODE CALLS WRONG    (MODE: auto, legacy or a revision; token in ZAVA_TOKEN)
"""

import asyncio
import json
import os
import sys
from typing import Any

import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

URI = "retail://tables/orders"


async def report(
    url: str, mode: Any, calls: dict[str, Any], wrong: dict[str, Any]
) -> dict[str, Any]:
    token = os.environ["ZAVA_TOKEN"]  # noqa: TID251  # a program of the tests, not of the product
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
        transport = streamable_http_client(url, http_client=http)
        async with Client(transport, mode=mode) as client:
            listed = await client.list_tools()
            answers = {name: await client.call_tool(name, given) for name, given in calls.items()}
            refused = {name: await client.call_tool(name, given) for name, given in wrong.items()}
            read = await client.read_resource(URI)
            return {
                "protocol": client.protocol_version,
                "tools": [tool.name for tool in listed.tools],
                "called": [name for name, answer in answers.items() if not answer.is_error],
                "errors": {
                    name: getattr(answer.content[0], "text", "") if answer.is_error else "no error"
                    for name, answer in refused.items()
                },
                "resource": getattr(read.contents[0], "text", ""),
            }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(report(sys.argv[1], sys.argv[2], *map(json.loads, sys.argv[3:])))))
