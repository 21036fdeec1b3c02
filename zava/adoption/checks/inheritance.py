"""What a declared table is refused for whose children have another rule."""

from collections.abc import Iterator

from zava.adoption.declared_values import (
    AdoptionDeclaration,
    TableRule,
    quoted_table,
)
from zava.adoption.foreign_catalog import CatalogRelation, ForeignCatalog


def inheritance_refusals(
    declaration: AdoptionDeclaration, catalog: ForeignCatalog
) -> Iterator[str]:
    """Yield each child whose rows a declared parent would show by a weaker rule.

    A child that is not declared has the rule of a parent with tenants: so its rows are isolated.
    """
    for child in catalog.relations.values():
        own = declaration.tables.get(child.name)
        for name in _ancestors(child, catalog):
            rule = declaration.tables.get(name)
            if rule is None or (own is not None and own.shared):
                continue
            remedy = f"ALTER TABLE {quoted_table(child.name)} NO INHERIT"
            if rule.shared:
                yield (
                    f"tables.{name}: it is shared, and shows the rows of {child.name}, which is"
                    f" not: declare that as shared, too, or {remedy}"
                )
            elif own is not None and _limits(own) != _limits(rule):
                yield (
                    f"tables.{name}: it shows the rows of {child.name} by its own rule: declare"
                    f" the same rule for both, or {remedy}"
                )


def _ancestors(relation: CatalogRelation, catalog: ForeignCatalog) -> Iterator[str]:
    for name in relation.parents:
        yield name
        yield from _ancestors(catalog.relations[name], catalog)


def _limits(rule: TableRule) -> tuple[object, ...]:
    """Return what limits the rows and columns that a rule shows."""
    return rule.tenant, rule.via, rule.null_is_shared, rule.filter, dict(rule.hidden)
