"""The project's own statements, one file each, read once."""

from functools import cache
from importlib.resources import files

from zava.model.domain import Domain


@cache
def statement(name: str, package: str = "zava.data") -> str:
    """Return the text of a package's `queries/{name}.sql`."""
    return (files(package) / "queries" / f"{name}.sql").read_text(encoding="utf-8")


def core_statement(name: str, domain: Domain) -> str:
    """Return the core's statement of a name, or the domain's own in its place."""
    return domain.statements.get(name) or statement(name)


def domain_statement(name: str, domain: Domain) -> str:
    """Return the statement of a name that every domain has of its own."""
    return domain.statements.get(name) or statement(name, domain.package)
