"""The Python SDK's client over standard input and output: lists, calls, makes calls that fail.

It prints what came of it as JSON.

python python_stdio.py MODE CALLS WRONG COMMAND [ARGUMENT ...]    (MODE: auto, legacy or a revision)
"""

import asyncio
import json
import os
import sys
from typing import Any

from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client

URI = "retail://tables/orders"


async def report(
    mode: Any, calls: dict[str, Any], wrong: dict[str, Any], command: list[str]
) -> dict[str, Any]:
    environment = dict(os.environ)  # noqa: TID251  # the started program's is this one's
    server = StdioServerParameters(command=command[0], args=command[1:], env=environment)
    async with Client(stdio_client(server), mode=mode, read_timeout_seconds=60) as client:
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
    mode, calls, wrong, *command = sys.argv[1:]
    print(json.dumps(asyncio.run(report(mode, json.loads(calls), json.loads(wrong), command))))
