"""The project's own statements, one file each, read once."""

from functools import cache
from importlib.resources import files


@cache
def statement(name: str) -> str:
    """Return the text of `queries/{name}.sql`."""
    return (files("zava.data") / "queries" / f"{name}.sql").read_text(encoding="utf-8")
