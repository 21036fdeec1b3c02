"""`make bench`: ratios within one run, on a fresh cluster of its own."""

import asyncio

from bench import guard, neighbours, seal
from bench.cluster import fresh_cluster
from zava.settings import settings


def main() -> None:
    """Seed a fresh cluster at SCALE and measure on it."""
    with fresh_cluster(settings().scale) as cluster:
        print(f"{cluster.seeded} (scale {settings().scale:g})\n")
        asyncio.run(seal.compare(cluster.login, cluster.superuser, cluster.signer))
        guard.compare()
        asyncio.run(neighbours.compare(cluster.login, cluster.signer))


if __name__ == "__main__":
    main()
