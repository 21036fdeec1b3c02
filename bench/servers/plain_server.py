"""The best Python peer: the SDK's `MCPServer` over a psycopg pool, stateless, on uvloop."""

import sys
from typing import Any

from mcp.server import MCPServer

from bench.servers.plain_search import semantic_search_products
from bench.servers.plain_tools import TOOLS, lifespan
from bench.servers.web import serve

mcp = MCPServer[Any]("Retail", lifespan=lifespan, log_level="WARNING", subscriptions=False)
for tool in (*TOOLS, semantic_search_products):
    mcp.tool()(tool)

if __name__ == "__main__":
    serve(mcp.streamable_http_app(json_response=True, stateless_http=True), int(sys.argv[1]))
