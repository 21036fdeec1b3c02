"""Speed and recall as the catalogue grows."""

import psycopg

from bench.cluster import BenchCluster


def replace_catalogue(cluster: BenchCluster, documents: list[tuple[str, str]]) -> None:
    """Put texts in the place of the demo's products."""
    with psycopg.connect(cluster.superuser, autocommit=True) as owner:
        owner.execute("TRUNCATE retail.products, retail.orders CASCADE")
        with owner.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO retail.products (sku, product_name, product_description, category_id,"
                " type_id, cost, base_price) SELECT %s, left(%s, 200), %s, category_id, type_id, 1, 2"
                " FROM retail.product_types ORDER BY type_name LIMIT 1",
                [
                    (f"CRAN-{number}", title or "untitled", text)
                    for number, (title, text) in enumerate(documents, 1)
                ],
            )
        owner.execute("VACUUM ANALYZE")


async def measure(cluster: BenchCluster, size: int) -> None:
    raise NotImplementedError
