"""The MCP server: what it says of itself, and its tools on the SDK's kernel."""

from typing import Any

from mcp.server.caching import CacheHint
from mcp.server.lowlevel.server import Server
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    TextResourceContents,
    ToolAnnotations,
)
from mcp_types import (
    Tool as ToolDescription,
)

from zava import trace
from zava.errors import AccessDenied
from zava.protocol import faults, performance
from zava.protocol.exchange import Exchange
from zava.protocol.tools import TOOLS
from zava.protocol.tools.tool import Tool, ToolAnswer, product_text
from zava.service.analytics import Analytics

NAME = "Zava Retail Analytics"
INSTRUCTIONS = product_text(
    """
    Sales, customers, stock and products of a retail chain, for the stores that you may see.
    1. get_current_utc_date when the question names a period relative to today.
    2. get_multiple_table_schemas once, with every table that the question needs.
    3. execute_sales_query with one SELECT built from those exact names.
    Say which stores and which period an answer covers. Never show ids.
    """
)
_HOUR_MS = 3_600_000


def build_server(analytics: Analytics, *, version: str) -> Server[Any]:
    """Return the server over the given use cases; nothing is opened."""

    async def list_tools(_context: Any, _params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[_described(tool) for tool in TOOLS.values()])

    async def call_tool(context: Any, params: CallToolRequestParams) -> CallToolResult:
        tool = TOOLS.get(params.name)
        if tool is None:
            raise faults.unknown_tool(params.name)
        exchange = Exchange.of(context.request)

        async def run() -> ToolAnswer:
            arguments = tool.read_arguments(params.arguments)
            return await tool.call(analytics, exchange.caller, arguments)

        with trace.use(exchange.trace):
            return await faults.tool_result(tool.name, run, on_denied=exchange.deny)

    async def list_resources(
        _context: Any, _params: PaginatedRequestParams | None
    ) -> ListResourcesResult:
        return ListResourcesResult(resources=[])

    async def read_resource(context: Any, params: ReadResourceRequestParams) -> ReadResourceResult:
        if params.uri != performance.URI:
            raise faults.unknown_resource(params.uri)
        exchange = Exchange.of(context.request)
        with trace.use(exchange.trace):
            try:
                text = await performance.read(analytics, exchange.caller, {})
            except AccessDenied as denied:
                exchange.deny(denied)
                raise faults.unknown_resource(params.uri) from denied
        content = TextResourceContents(uri=params.uri, mime_type="text/plain", text=text)
        return ReadResourceResult(contents=[content])

    return Server(
        NAME,
        version=version,
        title=NAME,
        instructions=INSTRUCTIONS,
        cache_hints={
            # The same for every caller.
            "server/discover": CacheHint(ttl_ms=_HOUR_MS, scope="public"),
            "tools/list": CacheHint(ttl_ms=_HOUR_MS, scope="public"),
        },
        get_tool_input_schema=lambda name: TOOLS[name].input_schema if name in TOOLS else None,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_read_resource=read_resource,
    )


def _described(tool: Tool) -> ToolDescription:
    return ToolDescription(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.input_schema,
        output_schema=tool.output_schema,
        annotations=ToolAnnotations(
            title=tool.title,
            read_only_hint=True,
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=False,
        ),
    )
