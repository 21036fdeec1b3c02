"""The retail domain's values, for the core."""

from zava.model.domain import Domain
from zava.protocol.tools.tool import product_text
from zava.retail.access_rules import AUDIENCES, PERMISSIONS

_INSTRUCTIONS = product_text(
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

RETAIL = Domain(
    name="Zava Retail Analytics",
    description="Retail figures, rows and structure, each person's own stores only.",
    instructions=_INSTRUCTIONS,
    schema="retail",
    time_zone="America/Los_Angeles",
    currency="USD",
    store_prefix="zava retail ",
    audiences=AUDIENCES,
    permissions=PERMISSIONS,
    restricted_reason="cost and margin are for regional managers and head office",
    peers_hint="compare_with_chain compares yours with the chain's quartiles.",
    package="zava.retail.data",
    outside_text={
        "customers": ("first_name", "last_name", "email", "phone"),
        "products": ("product_name", "product_description", "synonyms"),
        "product_words": ("words",),
        "suppliers": ("supplier_name",),
    },
    personal_table="customers",
)
