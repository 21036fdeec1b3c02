"""The project's own statements, one file each, read once."""

from functools import cache
from importlib.resources import files


@cache
def statement(name: str, package: str = "zava.data") -> str:
    """Return the text of a package's `queries/{name}.sql`."""
    return (files(package) / "queries" / f"{name}.sql").read_text(encoding="utf-8")
