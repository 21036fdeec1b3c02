"""One invocation of the function app in a fresh process: a cold instance's first call.

`python -m tests.functions.cold_instance AUTHORIZATION` reads the body, a line, and prints the
answer, a line; then the modules that were loaded for it, as JSON. The function is called as the
platform's worker would call it, with the platform's own request type.
"""

import asyncio
import json
import sys

import azure.functions as func


async def invoke(authorization: str, body: bytes) -> func.HttpResponse:
    """Send one `tools/call` of execute_sales_query to the route /mcp."""
    import function_app

    headers = {
        "Authorization": authorization,
        "Host": "localhost",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "execute_sales_query",
    }
    request = func.HttpRequest("POST", "http://localhost/mcp", headers=headers, body=body)
    called = function_app.mcp.build().get_user_function()
    answer: func.HttpResponse = await called(request)
    return answer


if __name__ == "__main__":
    answered = asyncio.run(invoke(sys.argv[1], sys.stdin.buffer.readline()))
    sys.stdout.buffer.write(answered.get_body() + b"\n")
    sys.stdout.flush()
    sys.stdout.buffer.write(json.dumps(sorted(sys.modules)).encode() + b"\n")
    sys.stdout.flush()
    sys.stdin.read()  # until whoever measures has taken the account
