"""The server's introduction, the same in both paths and in both eras."""

from typing import Literal, NamedTuple

from zava.protocol.tools.tool import product_text

NAME = "Zava Retail Analytics"
DESCRIPTION = "Retail figures, rows and structure, each person's own stores only."
INSTRUCTIONS = product_text(
    """
    Sales, customers, stock and products of a retail chain, for the stores that you may see.
    1. query_metrics for figures by store, product, customer cohort or time: certified, so first;
       show_sales_chart to show them; get_store_performance for a summary; compare_with_chain for
       a place among all stores; semantic_search_products to find products by description, with
       your stores' stock.
    2. Otherwise get_multiple_table_schemas once, with every table that the question needs, then
       execute_sales_query with one SELECT built from those exact names; get_current_utc_date when
       that SQL needs today.
    When the data have nothing for a question, say so. Say which stores and which period an answer
    covers. Never show ids.
    """
)

CAPABILITIES: dict[str, dict[str, bool]] = {
    "completions": {},
    "prompts": {"listChanged": False},
    "resources": {"listChanged": False, "subscribe": False},
    "tools": {"listChanged": False},
}
"""What the server can, as a client reads it; nothing that it offers changes while it runs."""


class Freshness(NamedTuple):
    """How long an answer may be kept, and whether others than the caller may be shown it."""

    seconds: int
    scope: Literal["public", "private"]


FRESHNESS: dict[str, Freshness] = {
    "server/discover": Freshness(3600, "public"),
    "prompts/list": Freshness(3600, "public"),
    # What may be called and read depends on who asks.
    "tools/list": Freshness(300, "private"),
    "resources/list": Freshness(300, "private"),
    "resources/templates/list": Freshness(300, "private"),
    "resources/read": Freshness(60, "private"),
}
"""For each method whose answer may be kept; `public` only where it is the same for everybody."""


def introduced_server(*, version: str, website: str | None) -> dict[str, str]:
    """Return who serves, as a client reads it."""
    introduced = {"name": NAME, "title": NAME, "version": version, "description": DESCRIPTION}
    return introduced | ({"websiteUrl": website} if website else {})
