"""One statement after another: what a plan consists of, and how it is written as a file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from zava.adoption.declared_values import printable, quoted, quoted_table
from zava.adoption.foreign_catalog import (
    READING,
    AdoptedRelation,
    CatalogRelation,
    CatalogSchema,
    ForeignCatalog,
)

LOCK_SECONDS = 3
"""How long a statement waits for a table that another session uses."""

NO_DEADLINE = "SET LOCAL statement_timeout = 0"

DATABASE_OWNER = "pg_database_owner"


@dataclass(frozen=True, slots=True)
class Step:
    """One statement, and the role that runs it; None is the administrator."""

    role: str | None
    statement: str


@dataclass(frozen=True, slots=True)
class StepGroup:
    """Statements of one transaction. `table` is the one that they lock.

    `may_fail`: a role that another database uses stays.
    """

    title: str
    steps: tuple[Step, ...]
    table: str | None = None
    may_fail: bool = False


def as_sql(groups: Iterable[StepGroup]) -> str:
    """Return the statements as a file for psql; a comment names the role of each."""
    lines = []
    for group in groups:
        settings = (f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'", NO_DEADLINE, *READING)
        lines += [_comment(group.title), "BEGIN;", *(f"{setting};" for setting in settings)]
        for step in group.steps:
            lines.append(_comment(f"as {step.role or 'the administrator'}"))
            lines.append(f"SET LOCAL ROLE {quoted(step.role)};" if step.role else "RESET ROLE;")
            lines.append(f"{step.statement.strip().removesuffix(';')};")
        lines += ["COMMIT;", ""]
    return "\n".join(lines)


def _comment(text: str) -> str:
    return f"-- {printable(text)}"


def schema_owner(schema: CatalogSchema, catalog: ForeignCatalog) -> str:
    """Return the role that grants on a schema: `public` belongs to the database's owner."""
    return catalog.database_owner if schema.owner == DATABASE_OWNER else schema.owner


def readers_of(relation: CatalogRelation, roles: Iterable[str]) -> list[str]:
    """Return which of these roles have a grant on the relation or on a column of it."""
    return [
        role
        for role in roles
        if role in relation.readers
        or any(role in column.readers for column in relation.columns.values())
    ]


def release_steps(relation: CatalogRelation, recorded: AdoptedRelation | None) -> Iterator[Step]:
    """Yield what takes the policies off a table, and row security where adoption enabled it."""
    table = quoted_table(relation.name)
    for name in relation.policies:
        if name.startswith("zava_"):
            yield Step(relation.owner, f"DROP POLICY {quoted(name)} ON {table}")
    if (
        recorded is not None
        and recorded.policies
        and not recorded.had_row_security
        and not recorded.later_policies(relation)
        and relation.has_row_security
    ):
        yield Step(relation.owner, f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
