"""A fresh cluster with the demo chain, for as long as a benchmark runs."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg

from zava.data.context import ContextKey, ContextSigner
from zava.infrastructure.demo_data import SeedReport, seed
from zava.infrastructure.demo_principals import grant_demo_principals
from zava.infrastructure.embedded_server import EmbeddedServer
from zava.infrastructure.home import Home
from zava.infrastructure.migrations import install_context_keys, migrate, set_server_password

TODAY = date(2026, 6, 30)


@dataclass(frozen=True)
class BenchCluster:
    """Connection strings of one seeded database, and what signs for it."""

    administrator: str
    superuser: str
    login: str
    signer: ContextSigner
    seeded: SeedReport


@contextmanager
def fresh_cluster(scale: float) -> Iterator[BenchCluster]:
    """Seed a cluster of one's own; it is gone afterwards."""
    with tempfile.TemporaryDirectory() as directory:
        home = Home(Path(directory) / "home")
        server = EmbeddedServer(home)
        server.start()
        try:
            server.bootstrap()
            key = (1, home.secret("key").encode())
            password = home.secret("zava_server")
            administrator = server.url("zava_admin", home.secret("zava_admin"), "zava")
            with psycopg.connect(administrator, autocommit=True) as admin:
                migrate(admin)
                set_server_password(admin, password)
                install_context_keys(admin, [key])
                report = seed(admin, scale=scale, today=TODAY, progress=lambda *_: None)
                grant_demo_principals(admin)
            with psycopg.connect(server.superuser_url("zava"), autocommit=True) as owner:
                owner.execute("VACUUM ANALYZE")
            yield BenchCluster(
                administrator,
                server.superuser_url("zava"),
                server.url("zava_server", password, "zava"),
                ContextSigner([ContextKey(*key)]),
                report,
            )
        finally:
            server.stop()
