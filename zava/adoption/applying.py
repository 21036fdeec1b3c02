"""Applies a plan: one transaction for each group, so that the application waits little."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import psycopg

from zava.adoption.checks.checking import check_declaration
from zava.adoption.declaration_file import DeclarationRefused
from zava.adoption.declared_values import AdoptionDeclaration, printable, quoted
from zava.adoption.foreign_catalog import READING, ForeignCatalog, read_catalog
from zava.adoption.plans.planning import plan
from zava.adoption.plans.steps import LOCK_SECONDS, NO_DEADLINE, StepGroup
from zava.infrastructure.postgres.server_login import install_context_keys, set_server_password

# Any constant does; two adoptions of one database exclude each other.
_ADVISORY_LOCK = 7_261_941_206


class AdoptionRefused(Exception):
    """Adoption stopped; the message states what remains applied and what to do."""


def apply_declaration(
    connection: psycopg.Connection,
    declaration: AdoptionDeclaration,
    *,
    keys: Sequence[tuple[int, bytes]],
    password: str | None,
    report: Callable[[str], None] = lambda _: None,
) -> list[StepGroup]:
    """Adopt the database, or what is left of it, and return the groups that were applied.

    `connection` is an administrator's, in autocommit. `keys` sign the context. `password` is the
    login's, None where it does not authenticate by one.

    Raises:
        DeclarationRefused: a check refuses; nothing was changed.
        AdoptionRefused: another adoption runs, a table is in use, or a statement fails.
    """
    with alone(connection):
        catalog = catalog_of(connection, declaration)
        findings = check_declaration(declaration, catalog)
        if findings.refusals:
            raise DeclarationRefused(findings.refusals)
        groups = plan(declaration, catalog)
        for group in groups:
            apply_group(connection, group, report)
        install_context_keys(connection, list(keys), owner=declaration.context_role)
        if password is not None:
            set_server_password(connection, password, login=declaration.server_role)
    return groups


def catalog_of(connection: psycopg.Connection, declaration: AdoptionDeclaration) -> ForeignCatalog:
    """Return the catalog, with what this declaration needs of it."""
    catalog = read_catalog(
        connection, tenant_key=f"{declaration.tenant.table}.{declaration.tenant.key}"
    )
    if not declaration.meaning.metrics:
        return catalog
    # Loaded where metrics are declared.
    from zava.adoption.checks.metric_checks import metric_errors

    return replace(catalog, metric_errors=metric_errors(connection, declaration, catalog))


@contextmanager
def alone(connection: psycopg.Connection) -> Iterator[None]:
    """Hold the lock of adoptions of this database.

    Raises:
        AdoptionRefused: another adoption holds it.
    """
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [_ADVISORY_LOCK]).fetchone()
    if row != (True,):
        raise AdoptionRefused(
            "adopt: another adoption of this database is running; wait for its end"
        )
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", [_ADVISORY_LOCK])


def apply_group(
    connection: psycopg.Connection, group: StepGroup, report: Callable[[str], None]
) -> bool:
    """Run the statements of a group in one transaction; return whether they hold.

    Raises:
        AdoptionRefused: a table is in use, or a statement fails.
    """
    report(printable(group.title))
    try:
        with connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
            connection.execute(NO_DEADLINE.encode())
            for setting in READING:
                connection.execute(setting.encode())
            acting: str | None = None
            for step in group.steps:
                if step.role != acting:
                    change = f"SET LOCAL ROLE {quoted(step.role)}" if step.role else "RESET ROLE"
                    connection.execute(change.encode())
                    acting = step.role
                connection.execute(step.statement.encode())
    except psycopg.errors.LockNotAvailable as error:
        raise AdoptionRefused(
            f"adopt: {printable(group.table or group.title)} is in use: another session held it for"
            f" {LOCK_SECONDS} seconds; what was applied before stays; run the command again"
        ) from error
    except psycopg.errors.DependentObjectsStillExist:
        if not group.may_fail:
            raise
        report(f"{group.title} stays: another database uses it")
        return False
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        reason = printable(f"{group.title}: {' '.join(str(error).split())}")
        raise AdoptionRefused(
            f"adopt: {reason}; what was applied before stays; run the command again, or --remove"
        ) from error
    return True
