"""Runs in the unpacked package, in an environment of its own: one cold tool call, as JSON.

Needs nothing of the tests but `worker.py` beside it.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

_STARTED = time.perf_counter()

_META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "package", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


async def main(package: Path, token: str) -> None:
    """Index the app, ask it twice, print what came and how long it took."""
    from worker import Worker

    worker = Worker()
    await worker.start(package)
    indexed = time.perf_counter()
    headers = {
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": "execute_sales_query",
    }
    params = {
        "name": "execute_sales_query",
        "arguments": {"postgresql_query": "SELECT store_name FROM retail.stores"},
        "_meta": _META,
    }
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    answers = []
    moments = []
    for _ in range(2):
        answers.append(await worker.invoke("POST", "/mcp", headers, body.encode()))
        moments.append(time.perf_counter())
    import zava

    print(
        json.dumps(
            {
                "python": list(sys.version_info[:2]),
                "zava": str(Path(zava.__file__).parent),
                "functions": sorted(worker.functions),
                "statuses": [answer.status for answer in answers],
                "rows": [json.loads(answer.body)["result"] for answer in answers],
                "seconds": {
                    "indexed": indexed - _STARTED,
                    "first answer": moments[0] - _STARTED,
                    "second answer": moments[1] - moments[0],
                },
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
