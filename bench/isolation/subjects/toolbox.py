"""MCP Toolbox for Databases, as its README starts it for an MCP client: --prebuilt postgres."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.conninfo import conninfo_to_dict

from bench.isolation.answers import Session, Subject, Tenant
from bench.isolation.databases import Databases
from bench.isolation.installs import python_packages
from bench.isolation.stdio_client import Launch, process_per_tenant


@contextmanager
def start(databases: Databases) -> Iterator[Session]:
    """Start one process with a login for each tenant."""
    (binary,) = python_packages("toolbox").glob("lib/python*/site-packages/toolbox_server/bin/*")

    def launch(tenant: Tenant) -> Launch:
        parts = conninfo_to_dict(databases.tenant_login(tenant))
        names = {"HOST": "host", "PORT": "port", "DATABASE": "dbname", "USER": "user"}
        environment = {f"POSTGRES_{name}": str(parts[key]) for name, key in names.items()}
        environment["POSTGRES_PASSWORD"] = databases.password
        return Launch((binary, "--prebuilt", "postgres", "--stdio"), environment)

    with process_per_tenant(launch, tool="execute_sql") as session:
        yield session


SUBJECTS = (
    Subject(
        name="toolbox",
        version="1.15.0",
        deployment="`--prebuilt postgres --stdio`; a process and a login for each tenant",
        start=start,
        neighbour_login=lambda databases: databases.tenant_login("neighbour"),
        next_caller="attacker",
        facts={"login": "iso_neighbour"},
    ),
)
