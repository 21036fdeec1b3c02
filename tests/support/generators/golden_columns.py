"""Every column that an audience, or the served login, can read: a file that `make schema` writes."""

import json
import tempfile
from pathlib import Path

import psycopg

from tests.support.servers.database import Cluster, Database, postgresql

GOLDEN = Path(__file__).parents[2] / "security" / "golden" / "columns.json"
READERS = (
    "zava_server",
    "store_managers",
    "regional_managers",
    "head_office",
    "store_managers_personal",
    "regional_managers_personal",
    "head_office_personal",
)
_READABLE = """
SELECT format('%%I.%%I', n.nspname, c.relname) AS relation,
       array_agg(a.attname::text ORDER BY a.attnum) AS columns
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND has_schema_privilege(%(role)s, n.oid, 'USAGE')
  AND has_column_privilege(%(role)s, c.oid, a.attnum, 'SELECT')
GROUP BY relation ORDER BY relation
"""


def readable(database: Database) -> str:
    """Return the columns of each relation by reader, as the catalog grants them."""
    with psycopg.connect(database.admin) as connection:
        found: dict[str, dict[str, list[str]]] = {
            role: dict(connection.execute(_READABLE, {"role": role}).fetchall()) for role in READERS
        }
    return json.dumps(found, indent=1) + "\n"


def main() -> None:
    GOLDEN.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home, postgresql(Path(home) / "home") as superuser:
        GOLDEN.write_text(readable(Cluster(superuser).template), encoding="utf-8")


if __name__ == "__main__":
    main()
