"""The same tools on fastmcp, in an environment of its own."""

import sys

from fastmcp import FastMCP

from bench.servers.plain_tools import TOOLS, lifespan
from bench.servers.web import serve

mcp = FastMCP("Retail", lifespan=lifespan)
for tool in TOOLS:
    mcp.tool(tool)

if __name__ == "__main__":
    serve(mcp.http_app(json_response=True, stateless_http=True), int(sys.argv[1]))
