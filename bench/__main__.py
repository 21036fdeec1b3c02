"""`make bench`: ratios within one run, on a fresh cluster of its own."""

import asyncio
import base64
import tempfile
from pathlib import Path

import psycopg

from bench import audit, flood, guard, metrics, neighbours, seal
from bench.cluster import TODAY
from zava.data.context import ContextKey, ContextSigner
from zava.infrastructure.demo_data import seed
from zava.infrastructure.demo_principals import grant_demo_principals
from zava.infrastructure.embedded_server import EmbeddedServer
from zava.infrastructure.home import Home
from zava.infrastructure.migrations import install_context_keys, migrate, set_server_password
from zava.settings import settings


def main() -> None:
    """Seed a fresh cluster at SCALE and measure on it."""
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
                report = seed(admin, scale=settings().scale, today=TODAY, progress=lambda *_: None)
                grant_demo_principals(admin)
            with psycopg.connect(server.superuser_url("zava"), autocommit=True) as owner:
                owner.execute("VACUUM ANALYZE")
            print(f"{report} (scale {settings().scale:g})\n")
            login = server.url("zava_server", password, "zava")
            signer = ContextSigner([ContextKey(*key)])
            asyncio.run(seal.compare(login, server.superuser_url("zava"), signer))
            guard.compare()
            encoded = base64.b64encode(key[1]).decode()
            asyncio.run(audit.compare(login, f"{key[0]}:{encoded}", home))
            asyncio.run(neighbours.compare(login, signer))
            asyncio.run(flood.compare(login, f"{key[0]}:{encoded}", home))
            asyncio.run(metrics.compare(login, signer, TODAY))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
