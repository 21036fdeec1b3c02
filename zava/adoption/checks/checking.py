"""Compares a declaration with the catalog, before anything is changed.

A refusal names what adoption cannot protect, and the remedy. A warning names what the application
or its operators will notice.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from zava.adoption.checks.expectations import expectations
from zava.adoption.checks.member_checks import member_refusals
from zava.adoption.checks.rule_checks import rule_refusals
from zava.adoption.declared_values import (
    AdoptionDeclaration,
    quoted,
    quoted_table,
)
from zava.adoption.foreign_catalog import (
    PUBLIC,
    ForeignCatalog,
)
from zava.adoption.policies import key_type

MINIMUM_VERSION = 160_000
_SCHEMAS_OF_TENANTS = 2
_ALIKE_SCHEMAS, _ALIKE_TABLES = 3, 2


@dataclass(frozen=True, slots=True)
class CheckFindings:
    """What was found; nothing is applied where there is a refusal."""

    refusals: tuple[str, ...]
    warnings: tuple[str, ...]


def check_declaration(declaration: AdoptionDeclaration, catalog: ForeignCatalog) -> CheckFindings:
    """Return every reason not to adopt the database as declared, and what to expect."""
    checks = _Checks(declaration, catalog)
    refusals = list(dict.fromkeys(checks.refusals()))
    if not refusals:  # else the metrics of a refused table would hide the reason
        refusals = list(dict.fromkeys(checks.metric_refusals()))
    warnings = () if refusals else tuple(dict.fromkeys(expectations(declaration, catalog)))
    return CheckFindings(tuple(refusals), warnings)


class _Checks:
    def __init__(self, declaration: AdoptionDeclaration, catalog: ForeignCatalog) -> None:
        self._declared = declaration
        self._catalog = catalog
        self._key = key_type(declaration, catalog)

    def refusals(self) -> Iterator[str]:
        if self._catalog.version < MINIMUM_VERSION:
            yield (
                f"this is PostgreSQL {self._catalog.version // 10_000}; adoption needs 16 or newer,"
                " where a role is granted without its privileges"
            )
            return
        yield from self._administrator()
        yield from self._schema_per_tenant()
        yield from self._schemas()
        yield from self._tenant()
        yield from rule_refusals(self._declared, self._catalog)
        yield from member_refusals(self._declared, self._catalog)
        yield from self._dormant_policies()
        yield from self._readable_by_public()
        yield from self._definers()

    def metric_refusals(self) -> Iterator[str]:
        if self._declared.meaning.metrics:
            # Loaded where metrics are declared.
            from zava.adoption.checks.metric_checks import metric_refusals

            yield from metric_refusals(self._declared, self._catalog)

    def _administrator(self) -> Iterator[str]:
        catalog, declared = self._catalog, self._declared
        me = catalog.administrator
        if not catalog.may_create_role:
            yield f"{me} may not create roles: ALTER ROLE {quoted(me)} CREATEROLE"
        if catalog.seal_owner is None and not catalog.may_create_schema:
            yield (
                f"{me} may not create a schema in {catalog.database}:"
                f" GRANT CREATE ON DATABASE {quoted(catalog.database)} TO {quoted(me)}"
            )
        owned = Counter(
            relation.owner
            for name in declared.tables
            if (relation := catalog.relations.get(name)) and not relation.may_act
        )
        for owner, count in owned.items():
            yield (
                f"{me} cannot act as {owner}, the owner of {count} tables:"
                f" GRANT {quoted(owner)} TO {quoted(me)} WITH INHERIT FALSE, SET TRUE"
            )
        for role in declared.roles:
            known = catalog.roles.get(role)
            if known is None:
                continue
            if not known.may_administer:
                yield (
                    f"{me} cannot administer {role}, which another administrator made; connect as"
                    " that one, or choose another database.name"
                )
            if not known.is_ours_alone or (known.can_login and role != declared.server_role):
                yield f"role {role} exists for another purpose; choose another database.name"
        yield from self._other_adoption()

    def _other_adoption(self) -> Iterator[str]:
        catalog, declared = self._catalog, self._declared
        if catalog.seal_owner is not None and catalog.ledger is None:
            if catalog.seal_owner != declared.context_role:
                yield "the schema zava is not an adoption's; adoption needs this name"
        elif catalog.ledger is not None:
            facts = catalog.ledger.facts
            if facts["name"] != declared.name:
                yield (
                    f"database.name: this database was adopted as {facts['name']}; keep the name,"
                    " or run --remove first"
                )
            elif facts["key"] != self._key:
                yield "tenant.key: its type has changed since the adoption; run --remove first"

    def _schema_per_tenant(self) -> Iterator[str]:
        named = [
            schema
            for schema in self._catalog.tenant_schemas
            if schema not in (*self._declared.schemas, *self._declared.support_schemas)
        ]
        if len(named) < _SCHEMAS_OF_TENANTS:
            tables = defaultdict(set)
            for relation in self._catalog.relations.values():
                schema, _, name = relation.name.partition(".")
                if relation.is_table:
                    tables[schema].add(name)
            alike = defaultdict(list)
            for schema, names in tables.items():
                if len(names) >= _ALIKE_TABLES:
                    alike[frozenset(names)].append(schema)
            named = max(alike.values(), key=len, default=[])
            if len(named) < _ALIKE_SCHEMAS:
                return
        yield (
            f"the database has a schema for each tenant ({', '.join(sorted(named)[:3])}, …):"
            " policies separate the rows of shared tables, so it cannot be adopted"
        )

    def _schemas(self) -> Iterator[str]:
        for name in (*self._declared.schemas, *self._declared.support_schemas):
            if name not in self._catalog.schemas:
                yield f"database.schemas: there is no schema {name}"
        for schema in self._catalog.schemas.values():
            if "CREATE" in schema.public:
                yield (
                    f"schema {schema.name} lets everybody create:"
                    f" REVOKE CREATE ON SCHEMA {quoted(schema.name)} FROM PUBLIC"
                )

    def _tenant(self) -> Iterator[str]:
        tenant = self._declared.tenant
        relation = self._catalog.relations.get(tenant.table)
        if relation is None:
            yield f"tenant.table: there is no table {tenant.table}"
            return
        for key, columns in (
            ("key", (tenant.key,)),
            ("label", (tenant.label,)),
            ("attributes", tenant.attributes),
        ):
            for column in columns:
                if column not in relation.columns:
                    yield f"tenant.{key}: {tenant.table} has no column {column}"
        found = relation.columns.get(tenant.key)
        if found is not None and found.key_type is None:
            yield (
                f"tenant.key: {tenant.table}.{tenant.key} is of type {found.type};"
                " expected uuid, an integer or text"
            )

    def _dormant_policies(self) -> Iterator[str]:
        """Yield the tables on which a later policy cannot get its effect without older ones."""
        recorded = self._catalog.ledger.relations if self._catalog.ledger else {}
        for name in self._declared.tables:
            relation, known = self._catalog.relations.get(name), recorded.get(name)
            if relation is None or known is None or known.oid != relation.oid:
                continue
            dormant = [each for each in relation.foreign_policies if each in known.dormant]
            later = known.later_policies(relation)
            if dormant and later:
                yield (
                    f"{name}: {', '.join(later)} cannot get effect without {', '.join(dormant)},"
                    " which had none before the adoption; drop those that the application does"
                    " not need"
                )

    def _is_usable(self, schema: str) -> bool:
        """Return whether the audiences may use a schema."""
        path = (*self._declared.schemas, *self._declared.support_schemas)
        return schema in path or "USAGE" in self._catalog.schemas[schema].public

    def _readable_by_public(self) -> Iterator[str]:
        for relation in self._catalog.relations.values():
            if relation.is_of_extension or not self._is_usable(relation.name.partition(".")[0]):
                continue
            if PUBLIC in relation.readers:
                yield (
                    f"{relation.name} is readable by PUBLIC, so by ours, too:"
                    f" REVOKE SELECT ON {quoted_table(relation.name)} FROM PUBLIC"
                )
                continue
            columns = [
                column.name for column in relation.columns.values() if PUBLIC in column.readers
            ]
            if columns:
                named = ", ".join(map(quoted, columns))
                yield (
                    f"{relation.name} is readable by PUBLIC ({', '.join(columns)}), so by ours,"
                    f" too: REVOKE SELECT ({named}) ON {quoted_table(relation.name)} FROM PUBLIC"
                )

    def _definers(self) -> Iterator[str]:
        trusted = self._declared.trusted_functions
        for function in self._catalog.functions:
            name = f"{function.schema}.{function.signature}"
            if not function.is_definer or function.is_trigger or function.is_listed(trusted):
                continue
            if function.aggregate is not None:
                yield (
                    f"function {function.signature} runs as {function.owner} in each call of"
                    f" {function.aggregate}: it could read every tenant. ALTER FUNCTION {name}"
                    " SECURITY INVOKER, or list it under trusted_functions"
                )
            if not (function.is_public and self._is_usable(function.schema)):
                continue
            yield (
                f"function {function.signature} runs as {function.owner} and everybody may call it:"
                f" it could read every tenant. REVOKE EXECUTE ON FUNCTION {name} FROM PUBLIC and"
                " grant it to who needs it, or list it under trusted_functions"
            )
