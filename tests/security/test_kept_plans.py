"""A plan that a connection keeps belongs to no caller.

Functions keep the plans of their statements, and the next caller of a connection meets those. So a
function that a reading role may execute names no tenant's table, unless it is the chain's own, whose
policy is the same for every caller.
"""

import psycopg
import pytest

from tests.support.servers.database import Database

# A body of SQL has its tables in pg_depend, any other one in its text alone.
_KEEPING = """
SELECT p.oid::regprocedure::text
FROM pg_proc AS p
WHERE p.pronamespace IN ('retail'::regnamespace, 'zava'::regnamespace)
  AND NOT (p.prosecdef AND p.proowner = 'zava_chain'::regrole)
  AND EXISTS (SELECT FROM unnest(%s::text[]) AS reader (name)
              WHERE has_function_privilege(reader.name, p.oid, 'EXECUTE'))
  AND EXISTS (
    SELECT FROM pg_policy AS k JOIN pg_class AS t ON t.oid = k.polrelid
    WHERE p.prosrc ~ ('\\m' || t.relname || '\\M')
       OR EXISTS (SELECT FROM pg_depend AS d
                  WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                    AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid))
"""
_READERS = [
    f"{audience}{kind}"
    for audience in ("store_managers", "regional_managers", "head_office")
    for kind in ("", "_personal")
]
_PLANTED = {
    "plpgsql": "LANGUAGE plpgsql STABLE AS 'BEGIN RETURN (SELECT count(*) FROM retail.orders); END'",
    "sql": "LANGUAGE sql STABLE BEGIN ATOMIC SELECT count(*) FROM retail.orders; END",
}


def keeping(connection: psycopg.Connection) -> list[str]:
    """Return the functions that keep a plan over a tenant's table for whoever calls next."""
    return [name for (name,) in connection.execute(_KEEPING, [_READERS]).fetchall()]


def test_no_reader_executes_a_function_that_keeps_a_plan_over_a_tenants_table(
    database: Database,
) -> None:
    with psycopg.connect(database.owner) as owner:
        assert keeping(owner) == []


@pytest.mark.parametrize("body", _PLANTED.values(), ids=_PLANTED)
def test_planted_function_that_keeps_one_is_found(database: Database, body: str) -> None:
    with psycopg.connect(database.owner) as owner:
        owner.execute(f"CREATE FUNCTION retail.planted() RETURNS bigint {body}".encode())
        owner.execute("GRANT EXECUTE ON FUNCTION retail.planted() TO head_office")
        assert keeping(owner) == ["retail.planted()"]
        owner.rollback()
