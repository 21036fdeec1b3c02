"""Where the SQL files are: inside an installed package, or beside it in a checkout."""

from pathlib import Path

_INSTALLED = Path(__file__).with_name("_sql")

SQL = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[1] / "sql"
"""The directory with `migrations/`, `verify/`, `seed/`, `embed/` and `superuser/`."""
