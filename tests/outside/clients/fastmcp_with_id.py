"""FastMCP's client with a client id: signs in, makes a call and one that fails, and goes on.

It prints what came of it as JSON. The browser is the program of BROWSER.

python fastmcp_with_id.py URL CLIENT_ID QUERY WRONG_QUERY SECONDS

It repeats the call until this many seconds have passed, which is when its token has expired.
"""

import asyncio
import json
import sys
import time

from fastmcp import Client
from fastmcp.client.auth import OAuth
from fastmcp.exceptions import ToolError

TOOL = "execute_sales_query"
_TIMEOUT_SECONDS = 60


async def report(url: str, client_id: str, query: str, wrong: str, seconds: str) -> object:
    oauth = OAuth(client_id=client_id, callback_timeout=_TIMEOUT_SECONDS)
    async with asyncio.timeout(_TIMEOUT_SECONDS), Client(url, auth=oauth) as client:
        began = time.monotonic()
        first = await client.call_tool(TOOL, {"postgresql_query": query})
        try:
            await client.call_tool(TOOL, {"postgresql_query": wrong})
            error = "no error"
        except ToolError as refusal:
            error = str(refusal)
        while time.monotonic() - began <= float(seconds):
            await client.call_tool(TOOL, {"postgresql_query": query})
        last = await client.call_tool(TOOL, {"postgresql_query": query})
        texts = [getattr(answer.content[0], "text", "") for answer in (first, last)]
        return {"answers": texts, "error": error}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(report(*sys.argv[1:]))))
