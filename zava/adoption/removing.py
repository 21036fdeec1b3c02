"""Takes everything of an adoption out of a database."""

from collections.abc import Callable, Iterator

import psycopg

from zava.adoption.applying import AdoptionRefused, alone, apply_group
from zava.adoption.declared_values import AdoptionDeclaration, quoted, quoted_table
from zava.adoption.foreign_catalog import ForeignCatalog, read_catalog
from zava.adoption.plans.steps import Step, StepGroup, readers_of, release_steps, schema_owner


def remove_adoption(
    connection: psycopg.Connection,
    declaration: AdoptionDeclaration | None = None,
    *,
    report: Callable[[str], None] = lambda _: None,
) -> list[StepGroup]:
    """Remove an adoption, whole or half applied, and return the groups that were run.

    The database records what belongs to it. `declaration` names the roles where the adoption ended
    before that record existed. A role that another database uses stays.

    Raises:
        AdoptionRefused: there is no adoption, a table is in use, or a statement fails.
    """
    with alone(connection):
        catalog = read_catalog(connection)
        groups = removal(catalog, declaration)
        if not groups:
            raise AdoptionRefused(
                "adopt: this database is not adopted; where an adoption ended early, name its"
                " declaration in ZAVA_DECLARATION"
            )
        for group in groups:
            apply_group(connection, group, report)
    return groups


def removal(
    catalog: ForeignCatalog, declaration: AdoptionDeclaration | None = None
) -> list[StepGroup]:
    """Return what takes an adoption out: privileges, then policies, the schema, and the roles."""
    roles = _own_roles(catalog, declaration)
    if not roles:
        return []
    return [
        *_privileges(catalog, roles),
        *_policies(catalog),
        *_schema(catalog),
        *_roles(catalog, roles),
    ]


def _own_roles(catalog: ForeignCatalog, declaration: AdoptionDeclaration | None) -> list[str]:
    """Return the roles of the adoption that exist, the owner of the schema last."""
    named: list[str] = []
    if catalog.ledger is not None:
        facts = catalog.ledger.facts
        named += [*catalog.ledger.audiences, *facts["audiences"], facts["server"], facts["context"]]
    if declaration is not None and catalog.ledger is None:
        named += [*declaration.roles[1:], declaration.context_role]
    return [role for role in dict.fromkeys(named) if role in catalog.roles]


def _privileges(catalog: ForeignCatalog, roles: list[str]) -> Iterator[StepGroup]:
    named = [*roles]
    steps = []
    for relation in catalog.relations.values():
        readers = readers_of(relation, named)
        if readers:
            listed = ", ".join(map(quoted, readers))
            table = quoted_table(relation.name)
            steps.append(Step(relation.owner, f"REVOKE SELECT ON {table} FROM {listed}"))
    for schema in catalog.schemas.values():
        users = [role for role in named if role in schema.users]
        if users:
            listed = ", ".join(map(quoted, users))
            revoke = f"REVOKE USAGE ON SCHEMA {quoted(schema.name)} FROM {listed}"
            steps.append(Step(schema_owner(schema, catalog), revoke))
    connectors = [role for role in named if role in catalog.connectors]
    if connectors:
        revoke = f"REVOKE CONNECT ON DATABASE {quoted(catalog.database)}"
        listed = ", ".join(map(quoted, connectors))
        steps.append(Step(catalog.database_owner, f"{revoke} FROM {listed}"))
    if steps:
        yield StepGroup("privileges", tuple(steps))


def _policies(catalog: ForeignCatalog) -> Iterator[StepGroup]:
    recorded = catalog.ledger.relations.values() if catalog.ledger else ()
    by_oid = {each.oid: each for each in recorded}
    for relation in catalog.relations.values():
        steps = tuple(release_steps(relation, by_oid.get(relation.oid)))
        if steps:
            yield StepGroup(f"policies of {relation.name}", steps, relation.name)


def _schema(catalog: ForeignCatalog) -> Iterator[StepGroup]:
    if catalog.seal_owner is not None:
        drop = Step(catalog.seal_owner, "DROP SCHEMA zava CASCADE")
        yield StepGroup("the schema zava", (drop,))


def _roles(catalog: ForeignCatalog, roles: list[str]) -> Iterator[StepGroup]:
    for role in roles:
        database = quoted(catalog.database)
        reset = Step(None, f"ALTER ROLE {quoted(role)} IN DATABASE {database} RESET ALL")
        yield StepGroup(f"the settings of {role}", (reset,))
    for role in roles:
        drop = Step(None, f"DROP ROLE {quoted(role)}")
        yield StepGroup(f"the role {role}", (drop,), may_fail=True)
