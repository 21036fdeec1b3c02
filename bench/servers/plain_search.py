"""Search by meaning as one writes it on pgvector: the nearest products, and a store's stock.

The vector is a binary parameter. A question's vector is made by the model that ours asks, and is
remembered, as ours is.
"""

from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from pgvector import Vector
from pgvector.psycopg import register_vector_async
from psycopg import AsyncConnection

from bench.servers.plain_tools import pool
from zava.retail.demo.stores import store_id

if TYPE_CHECKING:
    from zava.infrastructure.embeddings.minilm import LocalEmbedder

_STORE = store_id("Seattle")
_PATIENCE_SECONDS = 60
_NEAREST = """
    SELECT p.product_name, p.product_description, p.base_price, i.stock_level,
           1 - (e.embedding <=> %(asked)b) AS similarity
    FROM retail.product_embeddings AS e
    JOIN retail.products AS p USING (product_id)
    JOIN retail.inventory AS i USING (product_id)
    WHERE i.store_id = %(store)s
    ORDER BY e.embedding <=> %(asked)b
    LIMIT %(max_rows)s
"""
_vectors: dict[str, Vector] = {}
_prepared: WeakSet[AsyncConnection[dict[str, Any]]] = WeakSet()


@cache
def _embedder() -> "LocalEmbedder":
    # At the first question: a server that is never asked loads no model.
    from zava.infrastructure.embeddings.minilm import LocalEmbedder

    return LocalEmbedder()


async def semantic_search_products(
    query_description: str, max_rows: int = 10
) -> list[dict[str, Any]]:
    """Find products by meaning, with the stock of the store."""
    if query_description not in _vectors:
        (made,) = await _embedder().embed([query_description], within_seconds=_PATIENCE_SECONDS)
        _vectors[query_description] = Vector(list(made))
    asked = {"asked": _vectors[query_description], "store": _STORE, "max_rows": max_rows}
    async with pool.connection() as connection:
        if connection not in _prepared:
            await register_vector_async(connection)
            _prepared.add(connection)
        cursor = await connection.execute(_NEAREST, asked)
        return await cursor.fetchall()
