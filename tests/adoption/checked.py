"""The check of a declaration, over a database that stays as it is."""

from tests.adoption.foreign import Foreign
from zava.adoption.applying import catalog_of
from zava.adoption.checks.checking import CheckFindings, check_declaration
from zava.adoption.declared_values import AdoptionDeclaration


def findings(
    foreign: Foreign, *statements: str, declaration: AdoptionDeclaration | None = None
) -> CheckFindings:
    """Check a database after some statements of a superuser, which are then undone."""
    declared = declaration or foreign.declaration
    with foreign.superuser() as connection, connection.transaction(force_rollback=True):
        for statement in statements:
            connection.execute(statement.encode())
        connection.execute("SET LOCAL SESSION AUTHORIZATION zava_admin")
        return check_declaration(declared, catalog_of(connection, declared))
