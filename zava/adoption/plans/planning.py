"""Compares a declaration with the catalog, and returns the statements of the difference."""

from zava.adoption.declared_values import AdoptionDeclaration
from zava.adoption.foreign_catalog import ForeignCatalog
from zava.adoption.plans.seal_plan import SealPlan
from zava.adoption.plans.steps import StepGroup
from zava.adoption.plans.table_plan import TablePlan


def plan(declaration: AdoptionDeclaration, catalog: ForeignCatalog) -> list[StepGroup]:
    """Return what an adoption has to do; nothing where the database is as declared.

    The declaration has been checked against this catalog. Privileges are taken first and given
    last, so that at no moment a table is readable without its policies.
    """
    tables = TablePlan(declaration, catalog)
    seal = SealPlan(declaration, catalog, tables)
    work = [
        *tables.revocations(),
        *tables.table_groups(),
        *seal.runner_groups(),
        *tables.grants(),
        *seal.lost_roles(),
    ]
    seal_groups = [*seal.seal_groups(is_needed=bool(work))]
    is_unfinished = catalog.ledger is not None and not catalog.ledger.is_complete
    if not (work or seal_groups or is_unfinished):
        return []
    return [*seal_groups, *work, seal.completion()]
