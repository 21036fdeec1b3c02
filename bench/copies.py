"""More sales than the demo data have: copies of each order, its lines and its customer.

A copy has its original's day, products and amounts, and a customer of its own. So each store keeps
the shape of its sales. Copying takes a tenth of the time of generating as many orders.
"""

import psycopg

from zava.retail.importing.sums import mark_everything, refresh_sums

_TABLES = ("customers", "orders", "order_items")
# The version's digit of an identifier is '7' or, for a copy, another one.
_MOST_COPIES = 9
_ORDER = "overlay(order_id::text PLACING substr('12345689a', n, 1) FROM 15 FOR 1)::uuid"
_CUSTOMER = "md5(customer_id || ' ' || n)::uuid"
# The copies of one row come one after another, so that those of a page of an index do, too.
_COPY = """
INSERT INTO retail.{table} ({columns})
SELECT {values} FROM retail.{table} CROSS JOIN generate_series(1, %s) AS n
"""
_REPLACED = {"order_id": _ORDER, "customer_id": _CUSTOMER, "email": "n || email"}
_COLUMNS = """
SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""
_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = ANY (%s::regclass[]) AND NOT indisunique
"""


def multiply_sales(superuser: str, administrator: str, times: int) -> None:
    """Add copies until there are `times` as many orders, and compute all sums anew.

    Triggers and foreign keys rest meanwhile, and the other indexes are built afterwards.

    Raises:
        ValueError: there would be more copies than identifiers for them.
    """
    if not 1 <= times <= _MOST_COPIES + 1:
        raise ValueError(f"{times} times")
    with psycopg.connect(superuser, autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("SET maintenance_work_mem = '256MB'")
        names = [f"retail.{table}" for table in _TABLES]
        indexes = owner.execute(_INDEXES, [names]).fetchall()
        for name, _ in indexes:
            owner.execute(f"DROP INDEX {name}".encode())
        for table in _TABLES:
            (listed,) = owner.execute(_COLUMNS, [f"retail.{table}"]).fetchone() or ("",)
            values = ", ".join(_REPLACED.get(name, name) for name in listed.split(","))
            copy = _COPY.format(table=table, columns=listed, values=values)
            owner.execute(copy.encode(), [times - 1])
        for _, definition in indexes:
            owner.execute(definition.encode())
        owner.execute("VACUUM ANALYZE")
    with psycopg.connect(administrator, autocommit=True) as admin:
        mark_everything(admin)
        refresh_sums(admin)
