"""Who may read what of the retail data: the audiences, and what a token may allow."""

from zava.model.audiences import (
    CUSTOMERS_READ,
    SQL_QUERY,
    Audience,
    Audiences,
    Breadth,
    Permission,
    Permissions,
)

STORE_MANAGERS = Audience("store_managers", "store managers", Breadth.ONE, reads_restricted=False)
REGIONAL_MANAGERS = Audience("regional_managers", "regional managers", Breadth.MANY)
HEAD_OFFICE = Audience("head_office", "the head office", Breadth.ALL)

AUDIENCES = Audiences(STORE_MANAGERS, REGIONAL_MANAGERS, HEAD_OFFICE)

SALES_READ = Permission("sales.read")
PRODUCTS_READ = Permission("products.read")
CHAIN_COMPARE = Permission("chain.compare")

PERMISSIONS = Permissions(
    (SALES_READ, PRODUCTS_READ, CUSTOMERS_READ, SQL_QUERY, CHAIN_COMPARE),
    # Free SQL can read the same rows as the narrower tools.
    {SQL_QUERY: frozenset({SALES_READ, PRODUCTS_READ})},
)
