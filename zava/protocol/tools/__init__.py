"""The tools, one module each: product text, arguments and answer."""

from zava.protocol.tools import (
    compare_with_chain,
    execute_sales_query,
    get_current_utc_date,
    get_multiple_table_schemas,
    get_store_performance,
    query_metrics,
    semantic_search_products,
    show_sales_chart,
)
from zava.protocol.tools.tool import Tool

TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        query_metrics.TOOL,
        show_sales_chart.TOOL,
        get_store_performance.TOOL,
        compare_with_chain.TOOL,
        get_multiple_table_schemas.TOOL,
        execute_sales_query.TOOL,
        semantic_search_products.TOOL,
        get_current_utc_date.TOOL,
    )
}
"""Every tool by name, in the order in which a model should read them."""
