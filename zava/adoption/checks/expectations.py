"""What the application and its operators will notice of an adoption."""

from collections.abc import Iterator

from zava.adoption.checks.member_checks import member_warnings
from zava.adoption.declared_values import (
    AdoptionDeclaration,
    TableRule,
    Via,
    quoted,
    quoted_table,
)
from zava.adoption.foreign_catalog import (
    PUBLIC,
    CatalogColumn,
    CatalogRelation,
    ForeignCatalog,
)
from zava.adoption.policies import trusted_definitions
from zava.data.guard.vocabulary import FUNCTIONS

SECRETS = (
    "password", "passwd", "secret", "token", "api_key", "apikey", "private_key", "hmac_key",
    "encrypted", "salt", "otp", "credential", "access_key", "session_key",
)  # fmt: skip
"""Parts of a column's name that suggest a secret."""


def expectations(declaration: AdoptionDeclaration, catalog: ForeignCatalog) -> Iterator[str]:
    """Yield the warnings of a declaration that nothing refuses."""
    return _Expectations(declaration, catalog).warnings()


def looks_secret(column: str) -> bool:
    """Return whether a column's name suggests a secret."""
    return any(part in column.lower() for part in SECRETS)


class _Expectations:
    def __init__(self, declaration: AdoptionDeclaration, catalog: ForeignCatalog) -> None:
        self._declared = declaration
        self._catalog = catalog

    def warnings(self) -> Iterator[str]:
        yield from self._shadowed()
        yield from self._replaced()
        yield from member_warnings(self._declared, self._catalog)
        for rule in self._declared.tables.values():
            relation = self._catalog.relations[rule.name]
            yield from self._expected_of(rule, relation)
        undeclared = [
            relation.name
            for relation in self._catalog.relations.values()
            if relation.is_table
            and not relation.is_of_extension
            and relation.name.partition(".")[0] in self._declared.schemas
            and relation.name not in self._declared.tables
        ]
        if undeclared:
            yield f"not declared, so not readable: {', '.join(undeclared)}"
        for role in self._catalog.roles.values():
            if role.reads_all_data and not role.passes_policies and role.can_login:
                yield (
                    f"{role.name} backs up with pg_read_all_data: pg_dump needs"
                    " --enable-row-security and -N zava then, or the role needs BYPASSRLS"
                )
            if role.switches_row_security_off:
                yield (
                    f"{role.name} has the setting row_security = off: it gets an error on each"
                    f" adopted table; ALTER ROLE {quoted(role.name)} RESET row_security"
                )

    def _shadowed(self) -> Iterator[str]:
        path = (*self._declared.schemas, *self._declared.support_schemas)
        for function in self._catalog.functions:
            if function.schema in path and function.name in FUNCTIONS:
                yield (
                    f"function {function.signature} of {function.schema} hides PostgreSQL's:"
                    f" statements may not call {function.name}"
                )

    def _replaced(self) -> Iterator[str]:
        facts = self._catalog.ledger.facts if self._catalog.ledger else {}
        known = facts.get("trusted_definitions", {})
        for name, definition in trusted_definitions(self._declared, self._catalog).items():
            if known.get(name, definition) != definition:
                yield f"function {name} is not the one that was trusted; read it before you apply"

    def _expected_of(self, rule: TableRule, relation: CatalogRelation) -> Iterator[str]:
        hidden = {column for columns in rule.hidden.values() for column in columns}
        secrets = [
            column for column in relation.columns if looks_secret(column) and column not in hidden
        ]
        if secrets:
            yield f"{rule.name}: {', '.join(secrets)} may be secret; list it under hide"
        if rule.shared and rule.filter is None:
            return
        column = relation.columns.get(rule.tenant or (rule.via.column if rule.via else ""))
        if column is not None:
            yield from self._key_column(rule, relation, column)
        if rule.via is not None and not self._leads_to_one_row(rule, rule.via):
            yield (
                f"{rule.name}: {rule.via.parent}.{rule.via.key} is not unique: a row belongs to"
                " every tenant that has a row with its value"
            )
        if rule.via is not None and self._declared.tables[rule.via.parent].via is not None:
            yield (
                f"{rule.name}: two joins or more: whole-table questions cost about 6 µs a row;"
                " a column for the tenant would make it none"
            )
        if relation.foreign_policies:
            yield (
                f"{rule.name} has policies of the application"
                f" ({', '.join(relation.foreign_policies)}): they hold as before, and ours stand"
                " above them for the audiences"
            )
        if relation.has_row_security and relation.foreign_policies:
            return
        if relation.foreign_policies:
            yield (
                f"{rule.name} has policies, and its row security is off: adoption switches it on,"
                " and they stay without effect; drop those that the application does not need"
            )
        writers = sorted(relation.writers - {PUBLIC})
        if writers:
            yield (
                f"{', '.join(writers)} may write {rule.name}: COPY FROM is refused to them on a"
                " table with row security; INSERT works"
            )

    def _leads_to_one_row(self, rule: TableRule, via: Via) -> bool:
        """Return whether a way ends at one row, or follows a foreign key of the other table."""
        downwards = (via.parent, (via.key,), rule.name, (via.column,))
        return frozenset({via.key}) in self._catalog.relations[via.parent].unique or any(
            (key.table, key.columns, key.parent, key.references) == downwards
            for key in self._catalog.keys
        )

    def _key_column(
        self, rule: TableRule, relation: CatalogRelation, column: CatalogColumn
    ) -> Iterator[str]:
        if column.name not in relation.leading:
            yield (
                f"{rule.name}: no index begins with {column.name}: each question reads the whole"
                f" table; CREATE INDEX CONCURRENTLY ON {quoted_table(rule.name)}"
                f" ({quoted(column.name)})"
            )
        if not column.not_null and not rule.null_is_shared:
            yield f"{rule.name}: {column.name} may be null; no tenant sees such a row"
