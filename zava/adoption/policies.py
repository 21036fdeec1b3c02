"""Renders the rule of a table as row policies."""

from collections.abc import Mapping
from dataclasses import dataclass

from zava.adoption.declared_values import (
    AdoptionDeclaration,
    AudienceScope,
    DeclaredAudience,
    TableRule,
    Via,
    quoted,
    quoted_table,
)
from zava.adoption.foreign_catalog import ForeignCatalog

OTHERS = "zava_others"
"""Lets every role through, on a table that had no row security before."""

READERS = "zava_readers"
"""Lets the audiences past the application's own policies; the restrictive ones limit them."""

FILTER = "zava_zz_filter"
"""PostgreSQL evaluates restrictive policies in the order of their names: the tenant's come first.

So a condition that raises an error has seen no row of another tenant.
"""

_READING = {
    AudienceScope.ONE: "my_tenant",
    AudienceScope.MANY: "my_tenants",
    AudienceScope.ALL: "sees_all",
}


@dataclass(frozen=True, slots=True)
class TenantPolicy:
    """One policy; `definition` is all of its CREATE POLICY behind the table's name."""

    name: str
    definition: str


def reading_function(audience: DeclaredAudience) -> str:
    """Return the function of the schema zava that returns the audience's verified scope."""
    return _READING[audience.scope]


def key_type(declaration: AdoptionDeclaration, catalog: ForeignCatalog) -> str | None:
    """Return the type of a tenant's key in the seal, None for a type that it does not support."""
    column = catalog.column(declaration.tenant.table, declaration.tenant.key)
    return column.key_type if column else None


def tenant_condition(column: str, audience: DeclaredAudience, key: str, column_key: str) -> str:
    """Return the condition that a column holds a tenant of the audience's scope.

    For a column of another type the scope is cast to it, inside the subquery. So it is computed
    once a statement, and an index of the column serves.
    """
    function = f"zava.{reading_function(audience)}(CURRENT_USER)"
    if audience.scope is AudienceScope.ALL:
        return f"(SELECT {function})"
    if audience.scope is AudienceScope.ONE:
        cast = "" if key == column_key else f"::{column_key}"
        return f"{column} = (SELECT {function}{cast})"
    cast = "" if key == column_key else f"::{column_key}[]"
    return f"{column} = ANY ((SELECT {function}{cast})::{column_key}[])"


def condition(
    rule: TableRule,
    audience: DeclaredAudience,
    declaration: AdoptionDeclaration,
    catalog: ForeignCatalog,
) -> str:
    """Return the condition under which an audience reads a row of a table with tenants.

    The rule has been checked: its columns exist, and their types are supported.
    """
    key = key_type(declaration, catalog) or ""
    if audience.scope is AudienceScope.ALL:
        return tenant_condition("", audience, key, key)
    if rule.via is not None:
        return _parent_exists(rule, rule.via)
    column = catalog.column(rule.name, rule.tenant or "")
    column_key = (column.key_type if column else None) or key
    found = tenant_condition(quoted(rule.tenant or ""), audience, key, column_key)
    return f"{quoted(rule.tenant or '')} IS NULL OR {found}" if rule.null_is_shared else found


def policies(
    rule: TableRule,
    declaration: AdoptionDeclaration,
    catalog: ForeignCatalog,
    *,
    had_row_security: bool,
) -> Mapping[str, TenantPolicy]:
    """Return the policies that a table needs, by name.

    The restrictive ones decide: no policy of the application's can widen them. A table without row
    security of its own gets a policy that lets all other roles through, as before.
    """
    roles = ", ".join(quoted(audience.role) for audience in declaration.audiences)
    wanted = []
    if had_row_security:
        wanted.append(TenantPolicy(READERS, f"AS PERMISSIVE FOR SELECT TO {roles} USING (true)"))
    elif has_policies(rule):
        # A constant: the planner drops it, so that the application's plans stay as they are.
        wanted.append(
            TenantPolicy(OTHERS, "AS PERMISSIVE FOR ALL TO PUBLIC USING (true) WITH CHECK (true)")
        )
    if not rule.shared:
        wanted += [
            TenantPolicy(
                audience.policy,
                f"AS RESTRICTIVE FOR SELECT TO {quoted(audience.role)}"
                f" USING ({condition(rule, audience, declaration, catalog)})",
            )
            for audience in declaration.audiences
        ]
    if rule.filter is not None:
        wanted.append(
            TenantPolicy(FILTER, f"AS RESTRICTIVE FOR SELECT TO {roles} USING (\n{rule.filter}\n)")
        )
    return {policy.name: policy for policy in wanted}


def _parent_exists(rule: TableRule, via: Via) -> str:
    return (
        f"EXISTS (SELECT FROM {quoted_table(via.parent)} AS parent"
        f" WHERE parent.{quoted(via.key)} = {quoted_table(rule.name)}.{quoted(via.column)})"
    )


def has_policies(rule: TableRule) -> bool:
    """Return whether rows of the table are limited, so that its row security has to be on."""
    return not rule.shared or rule.filter is not None


def trusted_definitions(
    declaration: AdoptionDeclaration, catalog: ForeignCatalog
) -> Mapping[str, str]:
    """Return the checksums of the trusted functions that run with their owner's rights."""
    return {
        f"{function.schema}.{function.signature}": function.definition
        for function in catalog.functions
        if function.definition is not None and function.is_listed(declaration.trusted_functions)
    }
