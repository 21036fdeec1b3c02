"""The database that everything is measured on: fresh, seeded, and gone afterwards."""

import base64
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg

from bench.copies import multiply_sales
from zava.data.session.signed_context import ContextKey, ContextSigner
from zava.infrastructure.embeddings.minilm import LocalEmbedder
from zava.infrastructure.local.embedded.postgres_server import EmbeddedServer
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuer
from zava.infrastructure.postgres.migrations import migrate
from zava.infrastructure.postgres.server_login import install_context_keys, set_server_password
from zava.retail.data.index_job import embed_catalogue
from zava.retail.demo.dataset import seed
from zava.retail.demo.principals import demo_callers, grant_demo_principals
from zava.retail.demo.stores import store_id

TODAY = date(2026, 6, 30)
_TOKEN_SECONDS = 6 * 3600
_READER, _TENANT, _PEERS = "bench_reader", "bench_tenant", "peers"

# What a server without row security reads: the same rows under the same keys, without the columns
# that ours carry along in their indexes. In a database of its own, for `verify` would refuse ours.
_PEER_TABLES = """
CREATE EXTENSION vector;
CREATE SCHEMA retail;
CREATE TABLE retail.stores (store_id uuid PRIMARY KEY, store_name text, location text, region text,
  is_online boolean, created_at timestamptz);
CREATE TABLE retail.orders (store_id uuid, order_id uuid, customer_id uuid, order_date timestamptz,
  status text, total_amount numeric(12, 2));
CREATE TABLE retail.order_items (store_id uuid, order_id uuid, line_number smallint,
  product_id uuid, quantity numeric, unit_price numeric(10, 2), discount_percent numeric(5, 2),
  discount_amount numeric(12, 2), total_amount numeric(12, 2));
CREATE TABLE retail.inventory (store_id uuid, product_id uuid, stock_level numeric);
CREATE TABLE retail.products (product_id uuid, product_name text, product_description text,
  base_price numeric(10, 2));
CREATE TABLE retail.product_embeddings (product_id uuid, embedding vector);
"""
_PEER_COLUMNS = """
SELECT table_name, string_agg(column_name, ', ' ORDER BY ordinal_position)
FROM information_schema.columns WHERE table_schema = 'retail' GROUP BY table_name
"""
_PEER_INDEXES = """
ALTER TABLE retail.orders ADD PRIMARY KEY (store_id, order_id);
CREATE INDEX ON retail.orders (store_id, order_date);
ALTER TABLE retail.order_items ADD PRIMARY KEY (store_id, order_id, line_number);
ALTER TABLE retail.inventory ADD PRIMARY KEY (store_id, product_id);
ALTER TABLE retail.products ADD PRIMARY KEY (product_id);
ALTER TABLE retail.product_embeddings ADD PRIMARY KEY (product_id);
GRANT USAGE ON SCHEMA retail TO bench_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA retail TO bench_reader;
"""
# Row policies for the peer that keeps the promise; the others read as the owner, whom they skip.
_PEER_POLICIES = """
ALTER TABLE retail.{table} OWNER TO bench_reader;
ALTER TABLE retail.{table} ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON retail.{table} FOR SELECT TO bench_tenant
  USING (store_id = (SELECT current_setting('app.store_id')::uuid));
"""
_TENANT_TABLES = ("stores", "orders", "order_items", "inventory")
_PEER_GRANTS = """
CREATE SCHEMA app;
CREATE TABLE app.grants (object_id text PRIMARY KEY, store_id uuid NOT NULL);
CREATE TABLE app.audit_log (called_at timestamptz, object_id text, tool text, rows integer);
GRANT USAGE ON SCHEMA retail, app TO bench_tenant;
GRANT SELECT ON ALL TABLES IN SCHEMA retail TO bench_tenant;
GRANT SELECT ON app.grants TO bench_tenant;
GRANT INSERT ON app.audit_log TO bench_tenant;
"""
_PEER_LOGIN = """
CREATE ROLE {login} LOGIN PASSWORD '{password}';
ALTER ROLE {login} SET default_transaction_read_only = on;
ALTER ROLE {login} SET jit = off;
ALTER ROLE {login} SET work_mem = '4MB';
ALTER ROLE {login} SET timezone = 'America/Los_Angeles';
"""


@dataclass(frozen=True, slots=True)
class Ground:
    """A seeded database: `server` is our login's URL.

    `reader` and `tenant` are those of the peers on their own copy: without row policies, and with.
    """

    home: StateDirectory
    administrator: str
    server: str
    reader: str
    tenant: str
    superuser: str
    key: tuple[int, bytes]

    @property
    def signer(self) -> ContextSigner:
        """Return a signer that the database believes."""
        return ContextSigner([ContextKey(*self.key)])

    @property
    def lines(self) -> int:
        """Return how many order lines the database holds."""
        return self._count("order_items")

    @property
    def description(self) -> str:
        """Return what the database holds, for a page."""
        return f"{self._count('orders'):,} orders, {self.lines:,} order lines"

    def _count(self, table: str) -> int:
        with psycopg.connect(self.superuser) as owner:
            row = owner.execute(f"SELECT count(*) FROM retail.{table}".encode()).fetchone()
        return int(row[0]) if row else 0

    @property
    def context_key(self) -> str:
        """Return the key as the setting writes it."""
        key_id, secret = self.key
        return f"{key_id}:{base64.b64encode(secret).decode()}"

    def token(self, name: str, port: int = 7071) -> str:
        """Return a demo principal's token for the server on this port."""
        caller = demo_callers()[name]
        return LocalIssuer(self.home, port).token(
            tenant_id=caller.tenant_id,
            object_id=caller.object_id,
            name=name,
            ttl_seconds=_TOKEN_SECONDS,
        )


@contextmanager
def seeded_cluster(
    scale: float, *, with_peers: bool = True, times: int = 1, kept: Path | None = None
) -> Iterator[Ground]:
    """Lend a cluster of its own at this scale of the demo data, and a copy for the peers.

    Sales are there `times` over. A cluster in the directory `kept` stays there, and the next call
    uses it as it is.
    """
    with tempfile.TemporaryDirectory() as directory:
        place = kept or Path(directory)
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o711)  # PostgreSQL's own user enters it where root measures
        home = StateDirectory(place / "home")
        loaded = place / "loaded"
        server = EmbeddedServer(home)
        server.start()
        try:
            password = home.secret("zava_server")
            ground = Ground(
                home=home,
                administrator=server.url("zava_admin", home.secret("zava_admin"), "zava"),
                server=server.url("zava_server", password, "zava"),
                reader=server.url(_READER, password, _PEERS),
                tenant=server.url(_TENANT, password, _PEERS),
                superuser=server.superuser_url("zava"),
                key=(1, home.secret("key").encode()),
            )
            if not loaded.exists():
                server.bootstrap()
                _load(ground, scale, times, with_peers=with_peers)
                _add_peers(ground, server.superuser_url(_PEERS), with_peers=with_peers)
                loaded.touch()
            yield ground
        finally:
            server.stop()


def _load(ground: Ground, scale: float, times: int, *, with_peers: bool) -> None:
    with psycopg.connect(ground.administrator, autocommit=True) as admin:
        migrate(admin)
        set_server_password(admin, ground.home.secret("zava_server"))
        install_context_keys(admin, [ground.key])
        seed(admin, scale=scale, today=TODAY, progress=lambda *_: None)
        grant_demo_principals(admin)
        if with_peers:
            embed_catalogue(admin, LocalEmbedder())
    if times > 1:
        multiply_sales(ground.superuser, ground.administrator, times)


def _add_peers(ground: Ground, peers_url: str, *, with_peers: bool) -> None:
    password = ground.home.secret("zava_server")
    with psycopg.connect(ground.superuser, autocommit=True) as owner:
        for login in (_READER, _TENANT):
            owner.execute(_PEER_LOGIN.format(login=login, password=password).encode())
        owner.execute(f"CREATE DATABASE {_PEERS} TEMPLATE template0".encode())
        if with_peers:
            with psycopg.connect(peers_url, autocommit=True) as peers:
                _copy(owner, peers)
        owner.execute("VACUUM ANALYZE")


def _copy(source: psycopg.Connection, target: psycopg.Connection) -> None:
    target.execute(_PEER_TABLES.encode())
    for table, columns in target.execute(_PEER_COLUMNS).fetchall():
        read = f"COPY (SELECT {columns} FROM retail.{table}) TO STDOUT"
        with (
            source.cursor().copy(read.encode()) as rows,
            target.cursor().copy(f"COPY retail.{table} FROM STDIN".encode()) as copied,
        ):
            for block in rows:
                copied.write(block)
    target.execute(_PEER_INDEXES.encode())
    for table in _TENANT_TABLES:
        target.execute(_PEER_POLICIES.format(table=table).encode())
    target.execute(_PEER_GRANTS.encode())
    seattle = str(demo_callers()["seattle"].object_id), store_id("Seattle")
    target.execute("INSERT INTO app.grants VALUES (%s, %s)", seattle)
    target.execute("VACUUM ANALYZE")
