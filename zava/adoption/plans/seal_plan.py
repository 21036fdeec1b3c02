"""The part of a plan that is about the seal itself: roles, the schema zava, the runners."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from zava.adoption import seal_templates as seal
from zava.adoption.declared_values import AdoptionDeclaration, literal, quoted
from zava.adoption.foreign_catalog import PUBLIC, ForeignCatalog
from zava.adoption.plans.steps import Step, StepGroup
from zava.adoption.plans.table_plan import TablePlan
from zava.adoption.policies import FILTER, key_type, trusted_definitions


class SealPlan:
    """What the seal of a declaration lacks."""

    def __init__(
        self, declaration: AdoptionDeclaration, catalog: ForeignCatalog, tables: TablePlan
    ) -> None:
        self._declared = declaration
        self._catalog = catalog
        self._tables = tables
        self._key = key_type(declaration, catalog) or ""
        self._context = declaration.context_role
        ledger = catalog.ledger
        self._facts: Mapping[str, Any] = ledger.facts if ledger and ledger.is_complete else {}
        recorded = ledger.audiences if ledger else ()
        self._lost = [role for role in recorded if role not in declaration.roles]

    def seal_groups(self, *, is_needed: bool) -> Iterator[StepGroup]:
        """Yield the roles and the schema zava, or their changes."""
        wanted, ledger = self._wanted_facts(), self._catalog.ledger
        roles = self._role_steps(wanted)
        if roles:
            yield StepGroup("roles and login", tuple(roles))
        steps = []
        if self._catalog.seal_owner is None:
            steps = [
                Step(None, f"CREATE SCHEMA zava AUTHORIZATION {quoted(self._context)}"),
                self._own(f"GRANT USAGE ON SCHEMA zava TO {quoted(self._declared.server_role)}"),
                self._own(seal.tables(self._key)),
            ]
        is_changed = self._facts.get("seal") != wanted["seal"]
        if is_changed:
            steps += [self._own(statement) for statement in self._seal_statements()]
        is_other_text = ledger is None or ledger.checksum != seal.digest(self._declared.text)
        is_begun = ledger is not None and not ledger.is_complete and not is_other_text
        is_replaced = self._facts.get("trusted_definitions") != wanted["trusted_definitions"]
        if not is_begun and (steps or roles or is_other_text or is_replaced or is_needed):
            steps.append(self._own(self._beginning(wanted)))
        owners = self._tables.owners()
        if owners:
            named = ", ".join(quoted(owner) for owner in sorted(owners))
            steps.append(self._own(f"GRANT USAGE ON SCHEMA zava TO {named}"))
        if steps:
            yield StepGroup("the schema zava", tuple(steps))

    def runner_groups(self) -> Iterator[StepGroup]:
        """Yield the runners that are missing or another's, and drop those of lost audiences."""
        wanted = self._wanted_facts()["runners"]
        found = self._catalog.ledger.runners if self._catalog.ledger else {}
        for audience in self._declared.audiences:
            values = self._runner_values(audience.role)
            is_there = found.get(audience.runner) == seal.runner_source(values)
            if (
                is_there
                and self._facts.get("runners", {}).get(audience.runner) == wanted[audience.runner]
            ):
                continue
            role = quoted(audience.role)
            yield StepGroup(
                f"the runner of {audience.name}",
                (
                    Step(None, f"GRANT {role} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE"),
                    self._own(f"GRANT CREATE ON SCHEMA zava TO {role}"),
                    Step(audience.role, seal.rendered("runner.sql", values)),
                    self._own(f"REVOKE CREATE ON SCHEMA zava FROM {role}"),
                    Step(None, f"REVOKE {role} FROM CURRENT_USER"),
                ),
            )
        lost = sorted(found.keys() - wanted.keys())
        if lost:
            yield StepGroup(
                "runners of audiences that are no longer declared",
                tuple(
                    self._own(f"DROP FUNCTION zava.{quoted(kind + name.removeprefix('run_'))}")
                    for name in lost
                    for kind in ("run_", "weigh_")
                ),
            )

    def lost_roles(self) -> Iterator[StepGroup]:
        """Yield the end of roles whose audience is no longer declared."""
        for role in self._lost:
            yield StepGroup(
                f"the role {role}", (Step(None, f"DROP ROLE {quoted(role)}"),), may_fail=True
            )

    def completion(self) -> StepGroup:
        """Return what marks the adoption as complete, and what verify compares functions with."""
        owners = {self._catalog.relations[name].owner for name in self._declared.tables}
        named = ", ".join(quoted(owner) for owner in sorted(owners))
        complete = seal.rendered("complete.sql", {"server": literal(self._declared.server_role)})
        return StepGroup(
            "completion",
            (self._own(f"REVOKE USAGE ON SCHEMA zava FROM {named}"), self._own(complete)),
        )

    def _role_steps(self, wanted: Mapping[str, Any]) -> list[Step]:
        known = self._catalog.roles
        steps = []
        context = known.get(self._context)
        if context is None or not context.may_act or set(self._declared.roles) - known.keys():
            steps.append(Step(None, seal.roles(self._declared)))
        if self._facts.get("login") != wanted["login"]:
            steps.append(Step(None, seal.login(self._declared)))
        server = self._declared.server_role
        if not {PUBLIC, server} & self._catalog.connectors:
            statement = f"GRANT CONNECT ON DATABASE {quoted(self._catalog.database)}"
            steps.append(Step(self._catalog.database_owner, f"{statement} TO {quoted(server)}"))
        return steps

    def _seal_statements(self) -> list[str]:
        lost = [seal.rendered("lost_audience.sql", {"role": quoted(role)}) for role in self._lost]
        return [*lost, *self._seal_statements_of_declared()]

    def _beginning(self, facts: Mapping[str, Any]) -> str:
        return (
            "INSERT INTO zava.declaration (text, checksum, is_complete, facts) VALUES ("
            f"{literal(self._declared.text)}, {literal(seal.digest(self._declared.text))}, false,"
            f" {literal(json.dumps(facts))})"
        )

    def _wanted_facts(self) -> dict[str, Any]:
        declared = self._declared
        return {
            "name": declared.name,
            "context": self._context,
            "server": declared.server_role,
            "audiences": [audience.role for audience in declared.audiences],
            "trusted": list(declared.trusted_functions),
            "trusted_definitions": dict(trusted_definitions(declared, self._catalog)),
            "key": self._key,
            "seal": seal.digest("\n".join(self._seal_statements_of_declared())),
            "login": seal.digest(seal.login(declared)),
            "runners": {
                audience.runner: seal.digest(
                    seal.rendered("runner.sql", self._runner_values(audience.role))
                )
                for audience in declared.audiences
            },
        }

    def _seal_statements_of_declared(self) -> list[str]:
        return [
            seal.functions(self._declared, self._key),
            seal.serving(self._declared),
            seal.principals(self._declared, self._key),
            *(seal.audience_rights(each, self._key) for each in self._declared.audiences),
        ]

    def _runner_values(self, role: str) -> Mapping[str, str]:
        audience = next(each for each in self._declared.audiences if each.role == role)
        protected = self._tables.protected().values()
        limited = {
            audience.policy: self._tables.with_tenants(),
            FILTER: self._tables.with_filter(),
        }
        return seal.runner_values(self._declared, audience, protected, limited)

    def _own(self, statement: str) -> Step:
        return Step(self._context, statement)
