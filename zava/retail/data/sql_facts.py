"""What the retail domain declares of its tables for the lint of free SQL."""

from zava.data.sql_query.lint.declarations import (
    CertifiedFacts,
    LintFacts,
    StatusFacts,
    TableFacts,
)

_STATUS = ("orders", "status")
_ORDERS = TableFacts(
    row="order",
    keys=(frozenset({"order_id"}),),
    totals=frozenset({"total_amount", "tax_amount", "shipping_amount"}),
    counted="order_id",
)
_LINES = TableFacts(
    row="line",
    # An order rarely holds a product on two lines: a product alone repeats no total to speak of.
    keys=(frozenset({"order_id", "line_number"}), frozenset({"order_id", "product_id"})),
    totals=frozenset({"total_amount", "quantity", "discount_amount", "unit_price"}),
)
_CUSTOMERS = TableFacts(
    row="customer",
    keys=(frozenset({"customer_id"}), frozenset({"store_id", "email"})),
    names=("first_name", "last_name"),
    identities=frozenset({"customer_id", "email", "phone"}),
    personal=frozenset({"email", "phone"}),
)
_PRODUCTS = TableFacts(
    row="product",
    keys=(frozenset({"product_id"}), frozenset({"sku"})),
    names=("product_name",),
    identities=frozenset({"product_id", "sku"}),
)

FACTS = LintFacts(
    tables={
        "orders": _ORDERS,
        "order_items": _LINES,
        "customers": _CUSTOMERS,
        "products": _PRODUCTS,
        "product_types": TableFacts(
            row="product type",
            keys=(frozenset({"type_id"}), frozenset({"category_id", "type_name"})),
            names=("type_name",),
            identities=frozenset({"type_id", "category_id", "category_name"}),
        ),
        "categories": TableFacts(
            row="category", keys=(frozenset({"category_id"}), frozenset({"category_name"}))
        ),
        "stores": TableFacts(
            row="store", keys=(frozenset({"store_id"}), frozenset({"store_name"}))
        ),
        "inventory": TableFacts(
            row="stock row",
            keys=(frozenset({"store_id", "product_id"}),),
            totals=frozenset({"stock_level", "reorder_point"}),
        ),
    },
    status=StatusFacts(
        column=_STATUS,
        values=frozenset({"pending", "completed", "cancelled", "refunded"}),
        excluded=("cancelled", "refunded"),
        tables=frozenset({"orders", "order_items"}),
    ),
    certified=CertifiedFacts(
        metric="revenue",
        label="certified revenue",
        sums=frozenset({("orders", "total_amount"), ("order_items", "total_amount")}),
        moment=("orders", "order_date"),
        dimensions={
            ("stores", "store_name"): "store",
            ("stores", "region"): "region",
            ("categories", "category_name"): "category",
            ("product_types", "type_name"): "product_type",
        },
        of_lines=frozenset({"category", "product_type"}),
        tables=frozenset(
            {"orders", "order_items", "stores", "products", "categories", "product_types"}
        ),
        lines="order_items",
        stores="stores",
    ),
    zone="America/Los_Angeles",
    tenant="store_id",
)
"""The retail tables, their certified revenue, and what an order's status decides."""
