"""FastMCP's client: lists tools, calls each, makes calls that fail, reads a resource.

It prints what came of it as JSON.

python python_fastmcp.py URL MODE CALLS WRONG

MODE is auto or legacy. The token comes from ZAVA_TOKEN; without one the client signs in through the
program of BROWSER.
"""

import asyncio
import json
import os
import sys
from typing import Any

from fastmcp import Client
from fastmcp.exceptions import ToolError

URI = "retail://tables/orders"


async def report(
    url: str, mode: Any, calls: dict[str, Any], wrong: dict[str, Any]
) -> dict[str, Any]:
    token = os.environ.get("ZAVA_TOKEN")  # noqa: TID251  # a program of the tests
    async with Client(url, auth=token or "oauth", mode=mode) as client:
        listed = await client.list_tools()
        answers = {name: await client.call_tool(name, given) for name, given in calls.items()}
        errors = {}
        for name, given in wrong.items():
            try:
                await client.call_tool(name, given)
                errors[name] = "no error"
            except ToolError as error:  # this client raises an error's text
                errors[name] = str(error)
        read = await client.read_resource(URI)
        return {
            "protocol": client.protocol_version,
            "tools": [tool.name for tool in listed],
            "texts": {
                name: getattr(answer.content[0], "text", "") for name, answer in answers.items()
            },
            "called": [name for name, answer in answers.items() if not answer.is_error],
            "errors": errors,
            "resource": getattr(read[0], "text", ""),
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(report(sys.argv[1], sys.argv[2], *map(json.loads, sys.argv[3:])))))
