"""`make bench-search`: quality on judged queries, or speed and recall at a size."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from bench.cluster import Ground, seeded_cluster
from bench.search import quality, sizes
from bench.search.arms import NEAREST, Arms
from bench.search.judged import Product
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.tenant_database import TenantDatabase
from zava.infrastructure.embeddings.minilm import MINILM, LocalEmbedder
from zava.infrastructure.postgres.pool import DatabasePool
from zava.retail.data.index_job import embed_catalogue
from zava.retail.data.search_statement import ProductData
from zava.retail.declaration import RETAIL
from zava.retail.demo.principals import demo_callers

_SMALL_SCALE = 0.001  # the catalogue is the same at every scale


def main(
    size: Annotated[
        int, typer.Option(help="Products of a synthetic catalogue; 0: judge quality.")
    ] = 0,
    cranfield: Annotated[
        Path | None, typer.Option(help="Directory of the Cranfield collection.")
    ] = None,
) -> None:
    """Measure product search on a fresh cluster."""
    with seeded_cluster(_SMALL_SCALE, with_peers=False) as cluster:
        if size:
            asyncio.run(sizes.measure(cluster, size))
            return
        _embed(cluster)
        with psycopg.connect(cluster.superuser) as owner:
            products = quality.catalogue(owner)
        outside: list[float] = []
        demo = asyncio.run(_judge_demo(cluster, products))
        if cranfield is not None:
            documents, queries, gains = quality.read_cranfield(cranfield)
            # Aerodynamics has nothing to do with hardware: these are off topic, too.
            outside = asyncio.run(_best_similarities(cluster, list(queries.values())))
            sizes.replace_catalogue(cluster, documents)
            _embed(cluster)
            asyncio.run(_judge_cranfield(cluster, queries, gains))
        quality.thresholds(demo, products, outside, MINILM)


def _embed(cluster: Ground) -> None:
    with psycopg.connect(cluster.administrator, autocommit=True) as admin:
        print(embed_catalogue(admin, LocalEmbedder()))


@asynccontextmanager
async def _arms(cluster: Ground) -> AsyncIterator[Arms]:
    pool = DatabasePool(cluster.server, max_size=1)
    embedder = LocalEmbedder()
    tenancy = TenantDatabase(pool, cluster.signer, IsolationCheck(pool, cluster.signer, RETAIL))
    try:
        yield Arms(ProductData(tenancy), embedder, demo_callers()["seattle"])
    finally:
        await embedder.close()
        await pool.close()


async def _judge_demo(cluster: Ground, products: list[Product]) -> Arms:
    async with _arms(cluster) as arms:
        await quality.judge_demo(arms, products)
    return arms


async def _judge_cranfield(
    cluster: Ground, queries: dict[int, str], gains: dict[int, dict[str, int]]
) -> None:
    async with _arms(cluster) as arms:
        await quality.judge_cranfield(arms, queries, gains)


async def _best_similarities(cluster: Ground, texts: list[str]) -> list[float]:
    async with _arms(cluster) as arms:
        await arms.ask(texts)
    found = (ranking.similarities for ranking in arms.rankings[NEAREST])
    return [max(similarities.values(), default=0.0) for similarities in found]


if __name__ == "__main__":
    typer.run(main)
