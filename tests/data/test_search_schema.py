"""What product search needs of the schema: words that follow the catalogue, and registries."""

import psycopg
import pytest

from tests.support.servers.database import Database, one

SKU = "HND-0101"
FOUND = (
    "SELECT count(*) FROM retail.product_words JOIN retail.products USING (product_id)"
    " WHERE sku = 'HND-0101' AND words @@ %s::tsquery"
)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("UPDATE retail.products SET product_name = 'Xylophone' WHERE sku = 'HND-0101'", "xylophon:A"),
        ("UPDATE retail.products SET synonyms = 'xylophone' WHERE sku = 'HND-0101'", "xylophon:B"),
        ("UPDATE retail.product_types SET type_name = 'Xylophone' WHERE type_name = 'Claw Hammer'", "xylophon:B"),
        ("UPDATE retail.categories SET category_name = 'Xylophones' WHERE category_name = 'Hand Tools'", "xylophon:C"),
        ("UPDATE retail.products SET product_description = 'A xylophone.' WHERE sku = 'HND-0101'", "xylophon:D"),
    ],
)  # fmt: skip
def test_words_follow_every_text_of_a_product(
    loader: psycopg.Connection, change: str, word: str
) -> None:
    assert one(loader, FOUND, word) == 0
    loader.execute(change)
    assert one(loader, FOUND, word) == 1


def test_words_come_and_go_with_their_product(loader: psycopg.Connection) -> None:
    products = one(loader, "SELECT count(*) FROM retail.products")
    assert one(loader, "SELECT count(*) FROM retail.product_words") == products
    loader.execute(
        "INSERT INTO retail.products (sku, product_name, category_id, type_id, cost, base_price)"
        " SELECT 'NEW-1', 'Xylophone', category_id, type_id, 1, 2 FROM retail.product_types LIMIT 1"
    )
    assert one(loader, "SELECT count(*) FROM retail.product_words WHERE words @@ 'xylophon:A'") == 1
    loader.execute("DELETE FROM retail.products WHERE sku = 'NEW-1'")
    assert one(loader, "SELECT count(*) FROM retail.product_words") == products


def test_weak_threshold_lies_between_the_floor_and_one(loader: psycopg.Connection) -> None:
    insert = (
        "INSERT INTO retail.embedding_models (name, dimensions, minimum_similarity, weak_similarity)"
        " VALUES ('m', 3, 0.5, %s)"
    )
    for weak in (0.4, 1.1):
        with pytest.raises(psycopg.errors.CheckViolation):
            loader.execute(insert, [weak])
    loader.execute(insert, [0.5])


def test_login_walks_an_approximate_index_as_measured(database: Database) -> None:
    with psycopg.connect(database.server, autocommit=True) as server:
        server.execute("SELECT '[1]'::extensions.vector")
        assert one(server, "SHOW hnsw.ef_search") == "100"
        assert one(server, "SHOW hnsw.iterative_scan") == "relaxed_order"
