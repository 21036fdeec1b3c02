"""A floor: the web server answering constant bytes, with nothing behind it."""

import sys
from typing import Any

from bench.servers.web import serve

ANSWER = b'{"jsonrpc":"2.0","id":7,"result":{"structuredContent":{"rows":[["constant"]]}}}'
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]


async def application(_scope: Any, receive: Any, send: Any) -> None:
    """Read the body, as every server does, and answer."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


if __name__ == "__main__":
    serve(application, int(sys.argv[1]), lifespan="off")
