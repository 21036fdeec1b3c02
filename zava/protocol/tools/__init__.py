"""The tools, one module each: product text, arguments and answer."""

from zava.protocol.tools import (
    execute_sales_query,
    get_current_utc_date,
    get_multiple_table_schemas,
    semantic_search_products,
)
from zava.protocol.tools.tool import Tool

TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        get_multiple_table_schemas.TOOL,
        execute_sales_query.TOOL,
        semantic_search_products.TOOL,
        get_current_utc_date.TOOL,
    )
}
"""Every tool by name, in the order in which a model should read them."""
