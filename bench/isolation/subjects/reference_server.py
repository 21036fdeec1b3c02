"""The archived reference server, as its README starts it: a connection string."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.conninfo import conninfo_to_dict

from bench.isolation.answers import Session, Subject, Tenant
from bench.isolation.databases import Databases
from bench.isolation.installs import node_packages
from bench.isolation.stdio_client import Launch, process_per_tenant


@contextmanager
def start(databases: Databases) -> Iterator[Session]:
    """Start one process with a login for each tenant."""
    node, modules = node_packages()
    script = modules / "@modelcontextprotocol" / "server-postgres" / "dist" / "index.js"

    def launch(tenant: Tenant) -> Launch:
        parts = conninfo_to_dict(databases.tenant_login(tenant))
        url = "postgresql://{user}:{password}@{host}:{port}/{dbname}".format_map(parts)
        return Launch((node, script, url))

    with process_per_tenant(launch, tool="query") as session:
        yield session


SUBJECTS = (
    Subject(
        name="server-postgres",
        version="0.6.2 (archived)",
        deployment="a connection string; a process and a login for each tenant",
        start=start,
        neighbour_login=lambda databases: databases.tenant_login("neighbour"),
        next_caller="attacker",
        facts={"login": "iso_neighbour"},
    ),
)
