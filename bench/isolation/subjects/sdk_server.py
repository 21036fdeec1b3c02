"""A server on the MCP SDK with row security over a setting, as a good engineer writes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

import psycopg

from bench.candidates import promising
from bench.isolation.answers import Session, Subject, Tenant
from bench.isolation.databases import SHARED, Databases
from bench.isolation.http_client import http_server
from bench.isolation.subjects.patterns import store_ids
from zava.retail.demo.principals import demo_callers

_PEOPLE: dict[Tenant, str] = {"attacker": "seattle", "neighbour": "redmond"}


@contextmanager
def start(databases: Databases) -> Iterator[Session]:
    """Start the server; `app.grants` names the store of each caller."""
    callers = demo_callers()
    with psycopg.connect(databases.superuser(SHARED), autocommit=True) as owner:
        for tenant, store in store_ids(databases.ground).items():
            owner.execute(
                "INSERT INTO app.grants VALUES (%s, %s) ON CONFLICT DO NOTHING",
                [str(callers[_PEOPLE[tenant]].object_id), store],
            )
    tokens = {tenant: databases.ground.token(name) for tenant, name in _PEOPLE.items()}
    environment = {"DATABASE_URL": databases.login("iso_setting")}
    with http_server(promising(databases.ground), environment, tokens) as session:
        yield session


SUBJECTS = (
    Subject(
        name="sdk-setting",
        version=f"mcp {version('mcp')}",
        deployment=(
            "`bench/servers/promising_server.py`: tokens, one login, a setting;"
            " sets a timeout of 30 s"
        ),
        start=start,
        neighbour_login=lambda databases: databases.login("iso_setting"),
        is_ours=True,
        facts={"context": "app.store_id", "forged": "{other}", "login": "iso_setting"},
    ),
)
