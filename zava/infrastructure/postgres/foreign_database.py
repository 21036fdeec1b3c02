"""What a database holds that Zava has not made: such a database is another project's."""

import psycopg

_OURS = """
SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE (n.nspname, c.relname) = ('zava_migrations', 'applied')
"""
_PLURALS = {"role with a grant": "roles with a grant"}
_MAX_NAMED = 3
# Where other programs of the same server connect first.
_MAINTENANCE = frozenset({"postgres", "template0", "template1"})

# Left out: members of extensions, and what the platform made for itself (Azure's roles begin so).
_CONTENTS = """
WITH schemas AS (
  SELECT n.oid, n.nspname, n.nspowner FROM pg_namespace AS n
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
), members AS (
  SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), found (kind, name, owner, classid, objid) AS (
  SELECT 'table', format('%I.%I', nspname, relname), relowner, 'pg_class'::regclass, c.oid
  FROM pg_class AS c JOIN schemas ON schemas.oid = relnamespace
  WHERE relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c')
  UNION ALL
  SELECT 'function', format('%I.%I', nspname, proname), proowner, 'pg_proc'::regclass, p.oid
  FROM pg_proc AS p JOIN schemas ON schemas.oid = pronamespace
  UNION ALL
  SELECT 'type', format('%I.%I', nspname, typname), typowner, 'pg_type'::regclass, t.oid
  FROM pg_type AS t JOIN schemas ON schemas.oid = typnamespace
  WHERE typtype IN ('d', 'e', 'r')
  UNION ALL
  SELECT 'schema', quote_ident(nspname), nspowner, 'pg_namespace'::regclass, s.oid
  FROM schemas AS s
  WHERE nspname NOT IN ('public', 'extensions')
    AND NOT EXISTS (SELECT FROM pg_extension WHERE extnamespace = s.oid)
  UNION ALL
  SELECT 'large object', oid::text, lomowner, 'pg_largeobject'::regclass, oid
  FROM pg_largeobject_metadata
  UNION ALL
  SELECT DISTINCT 'role with a grant', quote_ident(r.rolname), r.oid, 'pg_authid'::regclass, r.oid
  FROM pg_database AS d, aclexplode(d.datacl) AS a JOIN pg_roles AS r ON r.oid = a.grantee
  WHERE d.datname = current_database() AND a.grantee <> d.datdba
    AND r.rolname <> current_user AND r.rolname !~ '^zava_'
)
SELECT kind, array_agg(name ORDER BY name)
FROM found
WHERE pg_get_userbyid(owner) !~ '^azure'
  AND NOT EXISTS (SELECT FROM members AS m
                  WHERE (m.classid, m.objid) = (found.classid, found.objid))
GROUP BY kind
ORDER BY kind
"""


def foreign_contents(connection: psycopg.Connection) -> list[str]:
    """Return what shows that a database is another project's; nothing for an empty one or ours.

    Reads the catalog and changes nothing.
    """
    if connection.execute(_OURS).fetchone() is not None:
        return []
    rows = connection.execute(_CONTENTS).fetchall()
    found = [_counted(kind, names) for kind, names in rows]
    if connection.info.dbname in _MAINTENANCE:
        found.append("the server's own maintenance database")
    return found


def place(connection: psycopg.Connection) -> str:
    """Return the database and the server of a connection, for a message."""
    info = connection.info
    host = info.host or "the local socket"
    return f"database {info.dbname} on {host}:{info.port}"


def _counted(kind: str, names: list[str]) -> str:
    named = ", ".join(names[:_MAX_NAMED]) + (", …" if len(names) > _MAX_NAMED else "")
    counted = kind if len(names) == 1 else _PLURALS.get(kind, f"{kind}s")
    return f"{len(names)} {counted} ({named})"
