"""Explain a principal's access: its role, columns and policies, and how it came to them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from zava.infrastructure.postgres.access_grants import Principal, find, list_access
from zava.infrastructure.postgres.readers import Reader, readers_of_every_store
from zava.model.core import Caller
from zava.model.domain import Domain

_AUDIT = "zava_audit"
_READABLE = """
SELECT format('%%I.%%I', n.nspname, c.relname) AS relation, c.relrowsecurity AS is_tenant,
       array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE r.may_read) AS readable,
       array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE NOT r.may_read) AS hidden,
       (SELECT array_agg(p.polname || ': ' || pg_get_expr(p.polqual, p.polrelid) ORDER BY p.polname)
        FROM pg_policy AS p
        WHERE p.polrelid = c.oid
          AND EXISTS (SELECT FROM unnest(p.polroles) AS role
                      WHERE pg_has_role(%(role)s, role, 'USAGE'))
       ) AS policies
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
CROSS JOIN LATERAL (
  SELECT has_column_privilege(%(role)s, c.oid, a.attnum, 'SELECT') AS may_read
) AS r
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'v')
GROUP BY c.oid, n.nspname, c.relname, c.relrowsecurity
ORDER BY relation
"""
_CHANGES = """
SELECT changed_at, coalesce(actor || ' as ', '') || login AS changed_by, old, new
FROM zava.change_log
WHERE subject = 'principals' AND coalesce(new, old) @> %s
ORDER BY change_id
"""


@dataclass(frozen=True, slots=True)
class Change:
    """One logged change of a grant; `old` is None for a first one."""

    changed_at: datetime
    changed_by: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Readable:
    """A relation as an audience may read it; `policies` are empty where all rows are shared."""

    relation: str
    is_tenant: bool
    columns: tuple[str, ...]
    hidden: tuple[str, ...]
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a principal sees what it sees, and which roles see all of it without a grant."""

    principal: Principal
    relations: tuple[Readable, ...]
    changes: tuple[Change, ...]
    readers: tuple[Reader, ...]


def explain_access(
    connection: psycopg.Connection, domain: Domain, who: str | Caller
) -> Explanation:
    """Return a principal's role, stores, columns and policies, and how it came to them.

    Raises:
        GrantRefused: no principal or several have this name.
    """
    with connection.transaction():
        principal = find(list_access(connection, domain), who)
        parameters = {"role": principal.role.name, "schema": domain.schema}
        rows = connection.execute(_READABLE, parameters).fetchall()
        relations = tuple(
            Readable(relation, is_tenant, tuple(columns), tuple(hidden or ()), tuple(rules or ()))
            for relation, is_tenant, columns, hidden, rules in rows
            if columns
        )
        key = {
            "tenant_id": str(principal.caller.tenant_id),
            "object_id": str(principal.caller.object_id),
        }
        connection.execute(f"SET LOCAL ROLE {_AUDIT}")
        changes = connection.execute(_CHANGES, [Jsonb(key)]).fetchall()
        return Explanation(
            principal,
            relations,
            tuple(Change(*row) for row in changes),
            readers_of_every_store(connection),
        )
