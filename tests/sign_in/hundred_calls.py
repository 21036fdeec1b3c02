"""Makes a hundred calls in a fresh process, then one request to sign in; prints what is loaded.

python -m tests.sign_in.hundred_calls "Bearer TOKEN" < REQUEST
"""

import asyncio
import json
import sys

from zava.app import application

HEADERS = {
    "host": "127.0.0.1:7071",
    "content-type": "application/json",
    "accept": "application/json",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": "execute_sales_query",
}


def loaded() -> list[str]:
    return sorted(name for name in sys.modules if "sign_in" in name and name.startswith("zava"))


async def main() -> None:
    body = sys.stdin.buffer.read()
    endpoint = application().endpoint
    headers = HEADERS | {"authorization": sys.argv[1]}
    statuses = [(await endpoint.handle("POST", "/mcp", headers, body)).status for _ in range(100)]
    after_calls = loaded()
    path = "/.well-known/oauth-authorization-server"
    await endpoint.handle("GET", path, {"host": "127.0.0.1:7071"}, b"")
    print(
        json.dumps({"statuses": statuses, "after calls": after_calls, "after a sign-in": loaded()})
    )
    await application().close()


if __name__ == "__main__":
    asyncio.run(main())
