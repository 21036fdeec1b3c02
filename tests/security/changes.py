"""Changes drawn from a live catalog, each SQL of one transaction, so that a rollback undoes it."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import psycopg

from tests.support.servers.database import one

AUDIENCES = ("store_managers", "regional_managers", "head_office")
CALLERS = (*AUDIENCES, "zava_server")
OWNED = (
    "zava_owner",
    "zava_context",
    "zava_loader",
    "zava_chain",
    "zava_recorder",
    "zava_audit",
    "zava_retention",
)
STRANGER = "a_stranger"


@dataclass(frozen=True)
class Catalog:
    """What of a live database the changes are drawn from."""

    database: str
    tenant: list[str]
    shared: list[str]
    sealed: list[str]
    """The tables and views of the schema `zava` but the canary's and those of the sums."""
    columns: dict[str, list[str]]
    functions: list[str]
    closed_functions: list[str]
    closed_relations: list[str]
    mortal_functions: list[str]
    """Built-in functions that are not leakproof."""
    parameters: list[str]


def read_catalog(owner: psycopg.Connection) -> Catalog:
    """Read it as the superuser."""

    def texts(query: str) -> list[str]:
        return [str(value) for (value,) in owner.execute(query.encode()).fetchall()]

    def relations(schema: str, condition: str) -> list[str]:
        return texts(
            f"SELECT format('{schema}.%I', relname) FROM pg_class AS c"
            f" WHERE relnamespace = '{schema}'::regnamespace AND {condition} ORDER BY 1"
        )

    tenant = relations("retail", "relkind = 'r' AND relrowsecurity")
    tenant += relations("zava", "relkind = 'r' AND relrowsecurity AND relname <> 'canary'")
    built_in = (
        "SELECT f.oid::regprocedure FROM pg_proc AS f WHERE f.prokind = 'f'"
        " AND f.pronamespace = 'pg_catalog'::regnamespace AND {} ORDER BY 1"
    )
    closed = "AND c.relkind IN ('r', 'v') AND NOT has_any_column_privilege('pg_monitor', c.oid, 'SELECT')"
    return Catalog(
        one(owner, "SELECT quote_ident(current_database())"),
        tenant,
        relations("retail", "relkind = 'r' AND NOT relrowsecurity"),
        relations(
            "zava",
            "relkind IN ('r', 'v') AND NOT relrowsecurity"
            " AND NOT has_any_column_privilege('head_office', c.oid, 'SELECT')",
        ),
        {
            table: texts(
                f"SELECT format('%I', attname) FROM pg_attribute WHERE attrelid = '{table}'::regclass"
                " AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attname <> 'store_id'"
                " AND atttypid IN ('text'::regtype, 'uuid'::regtype, 'integer'::regtype, 'date'::regtype)"
            )
            for table in tenant
        },
        texts(
            "SELECT oid::regprocedure FROM pg_proc WHERE pronamespace IN"
            " ('zava'::regnamespace, 'retail'::regnamespace) ORDER BY 1"
        ),
        texts(
            built_in.format(
                "NOT has_function_privilege('zava_server', f.oid, 'EXECUTE')"
                " AND EXISTS (SELECT FROM pg_init_privs AS i WHERE i.objoid = f.oid"
                " AND i.classoid = 'pg_proc'::regclass)"
            )
        ),
        texts(
            "SELECT c.oid::regclass FROM pg_class AS c"
            f" WHERE c.relnamespace = 'pg_catalog'::regnamespace {closed} ORDER BY 1"
        ),
        texts(built_in.format("NOT f.proleakproof")),
        texts(
            "SELECT name FROM pg_settings WHERE name NOT LIKE '%.%'"
            " AND context NOT IN ('internal', 'postmaster') ORDER BY 1"
        ),
    )


@dataclass(frozen=True)
class Change:
    """SQL to run as the superuser, and what a line of the proof has to name, all in one line."""

    sql: str
    named: tuple[str, ...] = ()


Family = Callable[[Catalog, Random], Change]


def stranger(sql: str, attributes: str = "") -> str:
    return f"CREATE ROLE {STRANGER} {attributes}; {sql}"


def column_of(catalog: Catalog, draw: Random, table: str) -> str:
    return draw.choice(catalog.columns[table])


def problems(owner: psycopg.Connection, queries: tuple[bytes, ...], change: Change) -> list[str]:
    """Return what the proof's questions to the catalog find after a change, which is undone."""
    found: list[str] = []
    with owner.transaction(force_rollback=True):
        owner.execute(change.sql.encode())
        owner.execute("SET LOCAL ROLE zava_server")
        for query in queries:
            found += [str(text) for (text,) in owner.execute(query).fetchall()]
    return found
