"""What the retail domain declares of its tables for the lint of free SQL."""

from zava.data.sql_query.lint.declarations import (
    CertifiedFacts,
    CertifiedForm,
    LintFacts,
    StatusFacts,
    TableFacts,
)
from zava.retail.declaration import RETAIL

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

_GROSS = "order_items.quantity*order_items.unit_price"
_COST = "order_items.quantity*products.cost"
_REVENUES = ("sum(orders.total_amount)", "sum(order_items.total_amount)")
_ORDER_COUNTS = ("count(*)", "count(orders.order_id)", "count(distinct orders.order_id)")
_LINE_ORDER_COUNTS = ("count(distinct orders.order_id)", "count(distinct order_items.order_id)")
_RETURNS = "it counts returns as orders"


def _certified_forms() -> dict[str, CertifiedForm]:
    """Return the metrics by the forms in which statements compute them."""
    order, line = "orders", "order_items"
    forms = {
        _REVENUES[0]: CertifiedForm("revenue", order),
        _REVENUES[1]: CertifiedForm("revenue", line),
        f"sum({_GROSS})": CertifiedForm("gross_sales", line),
        "sum(order_items.discount_amount)": CertifiedForm("discounts", line),
        f"100*sum(order_items.discount_amount)/sum({_GROSS})": CertifiedForm("discount_rate", line),
        "sum(order_items.quantity)": CertifiedForm("units", line),
        f"{_REVENUES[1]}/sum(order_items.quantity)": CertifiedForm("average_unit_price", line),
        "count(distinct orders.customer_id)": CertifiedForm(
            "customers", order, counts="it counts customers of returns"
        ),
        "avg(orders.total_amount)": CertifiedForm("average_order_value", order, counts=_RETURNS),
        f"sum({_COST})": CertifiedForm("cost_of_goods", line),
        f"sum((order_items.total_amount-{_COST}))": CertifiedForm("gross_margin", line),
        f"({_REVENUES[1]}-sum({_COST}))": CertifiedForm("gross_margin", line),
        "100*count(*)[orders.status=refunded]/count(*)": CertifiedForm(
            "refund_rate", order, excluded=("cancelled",), counts="it counts returns"
        ),
    }
    for table, counts, revenue in (
        (order, _ORDER_COUNTS, _REVENUES[0]),
        (line, _LINE_ORDER_COUNTS, _REVENUES[1]),
    ):
        for count in counts:
            forms.setdefault(count, CertifiedForm("orders", table, counts=_RETURNS))
            average = CertifiedForm("average_order_value", table, counts=_RETURNS)
            forms[f"{revenue}/{count}"] = average
    return forms


_FORMS = _certified_forms()

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
        usual="completed",
        excluded=("cancelled", "refunded"),
        tables=frozenset({"orders", "order_items"}),
    ),
    certified=CertifiedFacts(
        label="certified revenue",
        forms=_FORMS,
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
    zone=RETAIL.time_zone,
    tenant="store_id",
    amounts=frozenset(
        {"total_amount", "discount_amount", "tax_amount", "shipping_amount", "revenue_target"}
    ),
    currency_words=("currency", "exchange_rates"),
    currency_remedy="group by stores.currency, or multiply by exchange_rates.rate of the day",
    zone_remedy="write order_date AT TIME ZONE stores.time_zone",
)
"""The retail tables, their certified revenue, and what an order's status decides."""
