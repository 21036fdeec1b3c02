"""Speed and recall as the catalogue grows: exact, indexed, and under a filter that few pass."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean, median
from typing import Any

import numpy as np
import psycopg
from pgvector import Vector
from psycopg.types.json import Jsonb

from bench.cluster import Ground
from bench.search.quality import cranfield_sku
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.tenant_database import TenantDatabase
from zava.infrastructure.embeddings.minilm import MINILM
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.retail.data.index_job import build_index
from zava.retail.data.search_statement import ProductData
from zava.retail.declaration import RETAIL
from zava.retail.demo.principals import demo_callers
from zava.retail.demo.stores import STORES
from zava.retail.service.product_search import question_of
from zava.retail.service.search_text.product_text import ReadText

_QUERIES, _NEAREST = 100, 10
_TOPICS_OF_PRODUCTS = 20  # products that share a topic
_SPREAD = 0.9  # of the noise around a topic, beside the topic's own length of 1
_IN_STOCK = {"seattle": 94, "tacoma": 5, "redmond": 1}
"""Percent of the catalogue that a store has; redmond is the rare filter."""

_PRODUCTS = """
INSERT INTO retail.products (product_id, sku, product_name, category_id, type_id, cost, base_price,
                             product_description, synonyms)
SELECT md5('p' || n)::uuid, 'SYN-' || n, p.product_name || ', lot ' || n, p.category_id, p.type_id,
       p.cost, p.base_price, p.product_description, p.synonyms
FROM generate_series(%(first)s::integer, %(last)s::integer) AS n
JOIN (SELECT *, row_number() OVER (ORDER BY sku) - 1 AS place FROM retail.products) AS p
  ON p.place = n %% (SELECT count(*) FROM retail.products)
"""
_STOCK = """
INSERT INTO retail.inventory (store_id, product_id, stock_level, reorder_point)
SELECT s.store_id, p.product_id,
       CASE WHEN ('x' || substr(md5(s.store_id || p.sku), 1, 8))::bit(32)::bigint %% 100 < s.percent
            THEN 5 ELSE 0 END, 1
FROM retail.products AS p
CROSS JOIN jsonb_to_recordset(%(stores)s) AS s (store_id uuid, percent integer)
"""
_WORDS = (
    "paint bucket with lid",
    "cordless drill 20 volt",
    "waterproof connectors for outdoor use",
    "something to hang a picture",
    "25 ft garden hose",
    "single pole breaker",
)


@dataclass(frozen=True)
class Case:
    """One way of asking: by whom and under which filters."""

    name: str
    caller: str
    options: dict[str, Any]


_CASES = (
    Case("no filter", "seattle", {}),
    Case("in stock, 1 % of the products", "redmond", {"in_stock_only": True}),
    Case("in stock, 5 %", "tacoma", {"in_stock_only": True}),
    Case("in stock, 94 %", "seattle", {"in_stock_only": True}),
    Case("category, 11 %", "seattle", {"category": "Plumbing"}),
)


def replace_catalogue(cluster: Ground, documents: list[tuple[str, str]]) -> None:
    """Put texts in the place of the demo's products."""
    with psycopg.connect(cluster.superuser, autocommit=True) as owner:
        owner.execute("TRUNCATE retail.products, retail.orders CASCADE")
        with owner.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO retail.products (sku, product_name, product_description, category_id,"
                " type_id, cost, base_price)"
                " SELECT %s, left(%s, 200), %s, category_id, type_id, 1, 2"
                " FROM retail.product_types ORDER BY type_name LIMIT 1",
                [
                    (cranfield_sku(number), title or "untitled", text)
                    for number, (title, text) in enumerate(documents, 1)
                ],
            )
        owner.execute("VACUUM ANALYZE")


async def measure(cluster: Ground, size: int) -> None:
    """Print the table of one size."""
    chance = np.random.default_rng(1)
    topics = _unit(chance.normal(size=(max(20, size // _TOPICS_OF_PRODUCTS), MINILM.dimensions)))
    chosen = chance.integers(len(topics), size=size)
    vectors = _near(topics[chosen], chance)
    asked = _near(topics[chance.integers(len(topics), size=_QUERIES)], chance)
    products = _fill(cluster, vectors)
    with psycopg.connect(cluster.administrator, autocommit=True) as admin:
        started = time.perf_counter()
        print(f"{build_index(admin, MINILM)} ({time.perf_counter() - started:.0f} s)")
    pool = DatabasePool(cluster.server, max_size=1)
    tenancy = TenantDatabase(pool, cluster.signer, IsolationCheck(pool, cluster.signer, RETAIL))
    try:
        await _table(ProductData(tenancy), products, vectors, asked)
    finally:
        await pool.close()


async def _table(
    data: ProductData, products: Sequence[dict[str, Any]], vectors: Any, asked: Any
) -> None:
    places = {product["sku"]: place for place, product in enumerate(products)}
    print(f"\n{len(products):,} products, {_QUERIES} questions; time of the whole statement\n")
    print(
        "| | qualify | p50, ms | p95, ms | recall@10 | lowest | complete |\n"
        "|---|---|---|---|---|---|---|"
    )
    for case in _CASES:
        qualifying = np.array([_qualifies(product, case) for product in products])
        exact = asked @ vectors.T
        exact[:, ~qualifying] = -2
        took, recalls, complete = [], [], []
        caller = demo_callers()[case.caller]
        for number, question in enumerate(asked):
            milliseconds, rows, is_exhaustive = await _ask(data, caller, "", question, case)
            wanted = set(np.argsort(-exact[number])[: min(_NEAREST, int(qualifying.sum()))])
            found = {places[row["sku"]] for row in rows[:_NEAREST]}
            took.append(milliseconds)
            recalls.append(len(found & wanted) / len(wanted))
            complete.append(is_exhaustive)
        print(
            f"| {case.name} | {qualifying.sum():,} | {_times(took)} |"
            f" {mean(recalls):.3f} | {min(recalls):.2f} | {mean(complete):.0%} |"
        )
    for name, has_vector in (("words alone", False), ("words and meaning", True)):
        took = []
        for number in range(_QUERIES):
            text = _WORDS[number % len(_WORDS)]
            vector = asked[number] if has_vector else None
            milliseconds, _, _ = await _ask(
                data, demo_callers()["seattle"], text, vector, _CASES[0]
            )
            took.append(milliseconds)
        print(f"| {name} | | {_times(took)} | | | |")


def _times(milliseconds: list[float]) -> str:
    p95 = sorted(milliseconds)[int(0.95 * len(milliseconds))]
    return f"{median(milliseconds):.1f} | {p95:.1f}"


async def _ask(
    data: ProductData, caller: Caller, text: str, vector: Any, case: Case
) -> tuple[float, list[dict[str, Any]], bool]:
    registry = await data.registry(caller)
    question = replace(
        question_of(ReadText(text), registry, max_rows=_NEAREST, **case.options),
        vector=None if vector is None else Vector(vector).to_text(),
        threshold=-1.0,
    )
    started = time.perf_counter()
    findings = await data.search(caller, question, registry)
    took = (time.perf_counter() - started) * 1000
    if findings is None:
        raise SystemExit("the model was changed meanwhile")
    return took, findings.rows, findings.is_exhaustive


def _qualifies(product: dict[str, Any], case: Case) -> bool:
    if case.options.get("in_stock_only"):
        return case.caller in product["stores"]
    return case.options.get("category") in {None, product["category"]}


def _fill(cluster: Ground, vectors: Any) -> list[dict[str, Any]]:
    """Make as many products as there are vectors; return them in the vectors' order."""
    names = {f"Zava Retail {name.title()}": name for name in _IN_STOCK}
    stores = [
        {"store_id": str(store.store_id), "percent": _IN_STOCK[names[store.name]]}
        for store in STORES
        if store.name in names
    ]
    with psycopg.connect(cluster.superuser, autocommit=True) as owner:
        row = owner.execute("SELECT count(*) FROM retail.products").fetchone() or (0,)
        owner.execute(_PRODUCTS, {"first": row[0] + 1, "last": len(vectors)})
        owner.execute("TRUNCATE retail.inventory")
        owner.execute(_STOCK, {"stores": Jsonb(stores)})
        products = [
            {"id": product_id, "sku": sku, "category": category, "stores": set()}
            for product_id, sku, category in owner.execute(
                "SELECT product_id, sku, category_name FROM retail.products"
                " JOIN retail.categories USING (category_id) ORDER BY product_id"
            )
        ]
        by_id = {product["id"]: product for product in products}
        for product_id, name in owner.execute(
            "SELECT product_id, store_name FROM retail.inventory"
            " JOIN retail.stores USING (store_id) WHERE stock_level > 0"
        ):
            by_id[product_id]["stores"].add(names[name])
        (model_id,) = owner.execute(
            "INSERT INTO retail.embedding_models (name, dimensions, minimum_similarity,"
            " weak_similarity, active) VALUES (%s, %s, %s, %s, true) RETURNING model_id",
            [MINILM.name, MINILM.dimensions, MINILM.minimum_similarity, MINILM.weak_similarity],
        ).fetchone() or (None,)
        with (
            owner.cursor() as cursor,
            cursor.copy(
                "COPY retail.product_embeddings (product_id, model_id, content_hash, embedding)"
                " FROM STDIN"
            ) as copy,
        ):
            for product, vector in zip(products, vectors, strict=True):
                copy.write_row((product["id"], model_id, b"", Vector(vector).to_text()))
        owner.execute("VACUUM ANALYZE")
    return products


def _near(centres: Any, chance: np.random.Generator) -> Any:
    return _unit(centres + _SPREAD * _unit(chance.normal(size=centres.shape))).astype(np.float32)


def _unit(vectors: Any) -> Any:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
