"""The local web server, as `zava serve` runs it, for programs that cannot send a token.

    python -m tests.outside.local_server PORT product|fixtures

A request without a token is the Seattle manager's. `fixtures` adds what the conformance suite calls.
The issuer is that of the tests' tokens, whose name holds the port of the settings.
"""

import sys

from tests.functions.host import token_of
from tests.functions.suite_fixtures import add_fixtures
from zava.app import application
from zava.cli import quickstart
from zava.cli.terminal import console
from zava.infrastructure.local.port import listen
from zava.protocol.http.endpoint import Endpoint, Headers
from zava.protocol.http_responses import HttpResponse
from zava.settings import settings


def give_token(endpoint: Endpoint, token: str) -> None:
    """Have a request that carries no token get this one."""
    handle = endpoint.handle

    async def handle_with_token(
        method: str, path: str, headers: Headers, body: bytes, query: str = ""
    ) -> HttpResponse:
        sent = [*(headers.items() if hasattr(headers, "items") else headers)]
        if all(name != "authorization" for name, _ in sent):
            sent.append(("authorization", f"Bearer {token}"))
        return await handle(method, path, sent, body, query)

    vars(endpoint)["handle"] = handle_with_token


def main() -> None:
    port, kind = int(sys.argv[1]), sys.argv[2]
    chosen = settings()
    served = application()
    give_token(served.endpoint, token_of("seattle"))
    if kind == "fixtures":
        add_fixtures()

    async def announce() -> None:
        console.print(f"Serving http://127.0.0.1:{port}/mcp until Ctrl-C.")

    with quickstart.until_interrupted(console), listen(port) as listener:
        site = quickstart.local_site_of(served, chosen, listener)
        quickstart.serve(served, site, listener, before=announce)


if __name__ == "__main__":
    main()
