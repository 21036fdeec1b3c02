"""mcp-postgres-server, read-only as its README configures it: DATABASE_URL."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.conninfo import conninfo_to_dict

from bench.isolation.answers import Session, Subject, Tenant
from bench.isolation.databases import DEADLINE_SECONDS, Databases
from bench.isolation.installs import node_packages
from bench.isolation.stdio_client import Launch, process_per_tenant


@contextmanager
def start(databases: Databases) -> Iterator[Session]:
    """Start one process with a login for each tenant."""
    node, modules = node_packages()
    script = modules / "mcp-postgres-server" / "build" / "index.js"
    limits = {"PG_STATEMENT_TIMEOUT": str(1000 * DEADLINE_SECONDS), "PG_ALLOW_WRITE": "false"}

    def launch(tenant: Tenant) -> Launch:
        parts = conninfo_to_dict(databases.tenant_login(tenant))
        url = "postgres://{user}:{password}@{host}:{port}/{dbname}".format_map(parts)
        return Launch((node, script), {"DATABASE_URL": url, **limits})

    with process_per_tenant(launch, tool="query") as session:
        yield session


SUBJECTS = (
    Subject(
        name="mcp-postgres-server",
        version="0.3.1",
        deployment="`PG_ALLOW_WRITE=false`, a timeout; a process and a login for each tenant",
        start=start,
        neighbour_login=lambda databases: databases.tenant_login("neighbour"),
        next_caller="attacker",
        facts={"login": "iso_neighbour"},
    ),
)
