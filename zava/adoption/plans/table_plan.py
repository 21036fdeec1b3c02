"""The part of a plan that is about the application's tables: policies and privileges."""

import json
from collections.abc import Iterator, Mapping

from zava.adoption import seal_templates as seal
from zava.adoption.checks.member_checks import condition_columns
from zava.adoption.declared_values import (
    AdoptionDeclaration,
    TableRule,
    literal,
    quoted,
    quoted_table,
)
from zava.adoption.foreign_catalog import AdoptedRelation, CatalogRelation, ForeignCatalog
from zava.adoption.plans.steps import Step, StepGroup, readers_of, release_steps, schema_owner
from zava.adoption.policies import FILTER, TenantPolicy, has_policies, policies


class TablePlan:
    """What the tables of a declaration lack."""

    def __init__(self, declaration: AdoptionDeclaration, catalog: ForeignCatalog) -> None:
        self._declared = declaration
        self._catalog = catalog
        ledger = catalog.ledger
        self._recorded: Mapping[str, AdoptedRelation] = ledger.relations if ledger else {}
        lost = [
            role for role in (ledger.audiences if ledger else ()) if role not in declaration.roles
        ]
        self._own_roles = [*declaration.roles[1:], *lost]

    def owners(self) -> frozenset[str]:
        """Return the owners of the tables whose policies change."""
        tables = {group.table for group in self.table_groups() if group.table}
        return frozenset(self._catalog.relations[table].owner for table in tables)

    def protected(self) -> Mapping[str, int]:
        """Return the tables whose row security has to be on, with their oids."""
        relations = self._catalog.relations
        rules = self._declared.tables.values()
        return {rule.name: relations[rule.name].oid for rule in rules if has_policies(rule)}

    def with_tenants(self) -> list[int]:
        """Return the oids of those of them that lead to a tenant."""
        rules = self._declared.tables
        return [oid for name, oid in self.protected().items() if not rules[name].shared]

    def with_filter(self) -> list[int]:
        """Return the oids of those of them that have a condition of their own."""
        rules = self._declared.tables
        return [oid for name, oid in self.protected().items() if rules[name].filter is not None]

    def revocations(self) -> Iterator[StepGroup]:
        """Yield what takes away grants of ours that the declaration does not have."""
        steps = []
        for relation in self._catalog.relations.values():
            rule = self._declared.tables.get(relation.name)
            for role in readers_of(relation, self._own_roles):
                extra = self._extra_columns(rule, relation, role)
                if extra is not None:
                    columns = f" ({', '.join(map(quoted, extra))})" if extra else ""
                    steps.append(
                        Step(
                            relation.owner,
                            f"REVOKE SELECT{columns} ON {quoted_table(relation.name)}"
                            f" FROM {quoted(role)}",
                        )
                    )
        steps += self._members_no_longer()
        if steps:
            yield StepGroup("privileges that are not declared", tuple(steps))

    def table_groups(self) -> Iterator[StepGroup]:
        """Yield the policies, one group a table, then those of tables no longer declared."""
        for rule in self._declared.tables.values():
            relation = self._catalog.relations[rule.name]
            steps = self._policy_steps(rule, relation)
            if steps:
                yield StepGroup(f"policies of {rule.name}", tuple(steps), rule.name)
        for name, recorded in self._recorded.items():
            if name not in self._declared.tables:
                yield self._release(name, recorded)

    def grants(self) -> Iterator[StepGroup]:
        """Yield the column privileges: the last thing, in one transaction."""
        steps = [*self._usage_steps(), *self._members_steps()]
        for rule in self._declared.tables.values():
            relation = self._catalog.relations[rule.name]
            readable = {
                audience.role: [
                    name for name in relation.columns if not rule.hides(name, audience.name)
                ]
                for audience in self._declared.audiences
            }
            for role, columns in readable.items():
                missing = [
                    name
                    for name in columns
                    if role not in relation.columns[name].readers or role in relation.readers
                ]
                if missing:
                    steps.append(
                        Step(
                            relation.owner,
                            f"GRANT SELECT ({', '.join(map(quoted, missing))})"
                            f" ON {quoted_table(rule.name)} TO {quoted(role)}",
                        )
                    )
            recorded = self._recorded.get(rule.name)
            if recorded is None or recorded.columns != readable:
                steps.append(
                    self._own(
                        f"UPDATE zava.adopted SET columns = {literal(json.dumps(readable))}"
                        f" WHERE relation = {literal(rule.name)}"
                    )
                )
        if steps:
            yield StepGroup("column privileges", tuple(steps))

    def _members_steps(self) -> Iterator[Step]:
        """Yield what lets the seal read the grants that the application keeps."""
        members = self._declared.members
        if members is None:
            return
        relation, context = self._catalog.relations[members.table], self._declared.context_role
        wanted = (members.person, members.tenant, *condition_columns(members.filter))
        missing = [name for name in wanted if context not in relation.columns[name].readers]
        if missing:
            columns = ", ".join(map(quoted, missing))
            grant = f"GRANT SELECT ({columns}) ON {quoted_table(members.table)}"
            yield Step(relation.owner, f"{grant} TO {quoted(context)}")
        schema = self._catalog.schemas[members.table.partition(".")[0]]
        if "USAGE" not in schema.public and context not in schema.users:
            grant = f"GRANT USAGE ON SCHEMA {quoted(schema.name)} TO {quoted(context)}"
            yield Step(schema_owner(schema, self._catalog), grant)

    def _members_no_longer(self) -> list[Step]:
        """Return what takes these privileges away where the declaration has them no more."""
        context = self._declared.context_role
        kept = self._declared.members.table if self._declared.members else ""
        return [
            Step(
                relation.owner,
                f"REVOKE SELECT ON {quoted_table(relation.name)} FROM {quoted(context)}",
            )
            for relation in self._catalog.relations.values()
            if relation.name != kept and readers_of(relation, [context])
        ]

    def _extra_columns(
        self, rule: TableRule | None, relation: CatalogRelation, role: str
    ) -> list[str] | None:
        """Return the columns to take away, [] for the whole relation, None for nothing."""
        audience = next((each for each in self._declared.audiences if each.role == role), None)
        if rule is None or audience is None or role in relation.readers:
            return []
        extra = [
            column.name
            for column in relation.columns.values()
            if role in column.readers and rule.hides(column.name, audience.name)
        ]
        return extra or None

    def _policy_steps(self, rule: TableRule, relation: CatalogRelation) -> list[Step]:
        recorded = self._record_of(relation)
        had = self._had_row_security(relation)
        dormant = self._dormant(relation, had=had)
        wanted = policies(rule, self._declared, self._catalog, had_row_security=had)
        rendered = {name: policy.definition for name, policy in wanted.items()}
        ours = {
            name: found for name, found in relation.policies.items() if name.startswith("zava_")
        }
        is_on = relation.has_row_security or not has_policies(rule)
        if (
            recorded is not None
            and recorded.rendered == rendered
            and recorded.policies == ours
            and recorded.had_row_security == had
            and is_on
            and (had or has_policies(rule) or not relation.has_row_security)
        ):
            return []
        kept = {
            name
            for name in ours
            if recorded is not None
            and recorded.rendered.get(name) == rendered.get(name)
            and recorded.policies.get(name) == ours[name]
        }
        table = quoted_table(rule.name)
        statements = [f"DROP POLICY {quoted(name)} ON {table}" for name in ours if name not in kept]
        for policy in wanted.values():
            if policy.name not in kept:
                statements += self._creation(policy, table)
        if not is_on:
            statements.append(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        elif not had and not has_policies(rule) and relation.has_row_security:
            statements.append(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        record = seal.rendered(
            "record.sql",
            {
                "relation": literal(rule.name),
                "oid": str(relation.oid),
                "had": "true" if had else "false",
                "rendered": literal(json.dumps(rendered)),
                "dormant": f"ARRAY[{', '.join(map(literal, dormant))}]",
            },
        )
        return [*(Step(relation.owner, each) for each in statements), self._own(record)]

    def _creation(self, policy: TenantPolicy, table: str) -> list[str]:
        statement = f"CREATE POLICY {quoted(policy.name)} ON {table} {policy.definition}"
        if policy.name != FILTER:
            return [statement]
        path = seal.search_path(self._declared)  # the condition is the declaration's own text
        return [
            f"SET LOCAL search_path = {path}",
            statement,
            "SET LOCAL search_path = pg_catalog",
        ]

    def _record_of(self, relation: CatalogRelation) -> AdoptedRelation | None:
        recorded = self._recorded.get(relation.name)
        return recorded if recorded is not None and recorded.oid == relation.oid else None

    def _had_row_security(self, relation: CatalogRelation) -> bool:
        """Return whether a table has row security apart from the adoption's."""
        recorded = self._record_of(relation)
        if recorded is None:
            return relation.has_row_security
        # Policies that the application has added since need row security for themselves.
        return recorded.had_row_security or bool(recorded.later_policies(relation))

    def _dormant(self, relation: CatalogRelation, *, had: bool) -> list[str]:
        """Return the policies that had no effect before: adoption must not give them any."""
        recorded = self._record_of(relation)
        if recorded is None:
            return [] if had else [*relation.foreign_policies]
        return [name for name in relation.foreign_policies if name in recorded.dormant]

    def _release(self, name: str, recorded: AdoptedRelation) -> StepGroup:
        relation = next(
            (each for each in self._catalog.relations.values() if each.oid == recorded.oid), None
        )
        steps = [*release_steps(relation, recorded)] if relation else []
        forget = f"DELETE FROM zava.adopted WHERE relation = {literal(name)}"
        table = relation.name if relation else None
        return StepGroup(f"{name}, no longer declared", (*steps, self._own(forget)), table)

    def _usage_steps(self) -> Iterator[Step]:
        roles = (*(each.role for each in self._declared.audiences), self._declared.server_role)
        for name in (*self._declared.schemas, *self._declared.support_schemas):
            schema = self._catalog.schemas[name]
            missing = [role for role in roles if role not in schema.users]
            if "USAGE" not in schema.public and missing:
                named = ", ".join(map(quoted, missing))
                yield Step(
                    schema_owner(schema, self._catalog),
                    f"GRANT USAGE ON SCHEMA {quoted(name)} TO {named}",
                )

    def _own(self, statement: str) -> Step:
        return Step(self._declared.context_role, statement)
