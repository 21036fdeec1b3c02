"""`sql/verify/known_functions.sql`: the text of each function, as `zava verify` compares it.

Written by `make schema`, compared by a test.
"""

import re
import tempfile
from pathlib import Path

import psycopg

from tests.support.servers.database import Cluster, Database, postgresql

_VERIFY = Path(__file__).parents[3] / "sql" / "verify"
GOLDEN = _VERIFY / "known_functions.sql"


def known_functions(database: Database) -> str:
    """Return a row for each function of the migrated database, read as the proof reads it."""
    catalog = (_VERIFY / "catalog.sql").read_text(encoding="utf-8")
    parts = [
        re.search(rf"^{name} AS .*?^\)", catalog, re.MULTILINE | re.DOTALL)
        for name in ("form", "own_schema", "function")
    ]
    query = ",\n".join(part.group() for part in parts if part)
    with psycopg.connect(database.owner) as owner:
        rows = owner.execute(
            f"WITH {query} SELECT signature, digest FROM function ORDER BY signature"
        ).fetchall()
    return "VALUES\n" + ",\n".join(f"  ('{name}', '{digest}')" for name, digest in rows) + "\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as home, postgresql(Path(home) / "home") as superuser:
        GOLDEN.write_text(known_functions(Cluster(superuser).template), encoding="utf-8")


if __name__ == "__main__":
    main()
