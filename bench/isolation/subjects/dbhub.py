"""DBHub with the read-only tool that its documentation recommends for shared databases."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from bench.isolation.answers import Session, Subject, Tenant
from bench.isolation.databases import DEADLINE_SECONDS, Databases
from bench.isolation.installs import node_packages
from bench.isolation.stdio_client import Launch, process_per_tenant

_CONFIGURATION = """\
[[sources]]
id = "main"
dsn = "postgres://{user}:{password}@{host}:{port}/{dbname}?sslmode=disable"
query_timeout = {seconds}

[[tools]]
name = "execute_sql"
source = "main"
readonly = true
max_rows = 1000
"""


@contextmanager
def start(databases: Databases) -> Iterator[Session]:
    """Start one process with a login for each tenant."""
    node, modules = node_packages()
    with tempfile.TemporaryDirectory() as directory:

        def launch(tenant: Tenant) -> Launch:
            parts = conninfo_to_dict(databases.tenant_login(tenant))
            file = Path(directory) / f"{tenant}.toml"
            file.write_text(_CONFIGURATION.format(seconds=DEADLINE_SECONDS, **parts))
            script = modules / "@bytebase" / "dbhub" / "dist" / "index.js"
            return Launch((node, script, "--transport", "stdio", "--config", file))

        with process_per_tenant(launch, tool="execute_sql") as session:
            yield session


SUBJECTS = (
    Subject(
        name="dbhub",
        version="1.4.0",
        deployment="`readonly = true`, `query_timeout`; a process and a login for each tenant",
        start=start,
        neighbour_login=lambda databases: databases.tenant_login("neighbour"),
        next_caller="attacker",
        facts={"login": "iso_neighbour"},
    ),
)
