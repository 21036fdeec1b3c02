"""The tables and columns over which the guard is tested without a database."""

TABLES = frozenset({"stores", "orders", "order_items", "products", "customers"})
COLUMNS_OF_TABLES = frozenset(
    {
        "store_id",
        "store_name",
        "region",
        "order_id",
        "customer_id",
        "order_date",
        "status",
        "quantity",
    }
    | {"total_amount", "product_id", "product_name", "product_description", "email", "first_name"}
    | {"last_name", "base_price", "sku", "unit_price"}
)
