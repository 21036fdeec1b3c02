"""What the rule of a table is refused for."""

from collections.abc import Iterator

from zava.adoption.checks.inheritance import inheritance_refusals
from zava.adoption.declared_values import (
    AdoptionDeclaration,
    AudienceScope,
    TableRule,
    Via,
    quoted,
    quoted_table,
)
from zava.adoption.foreign_catalog import (
    FOREIGN_TABLE,
    MATERIALIZED_VIEW,
    VIEW,
    CatalogRelation,
    ForeignCatalog,
)
from zava.adoption.policies import key_type
from zava.data.syntax.parser import NotParsed, parse

_NO_POLICY = {
    VIEW: "the view runs with its owner's rights and would show every tenant;"
    " declare the tables that it reads",
    MATERIALIZED_VIEW: "a materialized view has no policies and would show every tenant;"
    " declare the tables that it reads",
    FOREIGN_TABLE: "a foreign table is read with the server's rights and would show every tenant;"
    " adopt the database that it comes from",
}
# The keys of a parse tree of `SELECT FROM x WHERE …` and of nothing more.
_CONDITION_ALONE = frozenset({"fromClause", "whereClause", "limitOption", "op"})


def rule_refusals(declaration: AdoptionDeclaration, catalog: ForeignCatalog) -> Iterator[str]:
    """Yield what each table's rule is refused for."""
    checks = _RuleChecks(declaration, catalog)
    for rule in declaration.tables.values():
        relation = catalog.relations.get(rule.name)
        if relation is None:
            yield f"tables.{rule.name}: there is no such table"
            continue
        yield from checks.kind(relation)
        yield from checks.columns(rule, relation)
        yield from checks.computed(rule, relation)
        if rule.tenant is not None:
            yield from checks.tenant_column(rule, relation)
        if rule.via is not None:
            yield from checks.way(rule, rule.via, relation)
    yield from checks.cycles()
    yield from inheritance_refusals(declaration, catalog)


def _folding(column: str) -> str:
    return (
        f"the collation of {column} treats different texts as equal, so also those of two tenants"
    )


def _is_unique_within_a_tenant(key: str, parent: CatalogRelation, rule: TableRule) -> bool:
    """Return whether each tenant may have a row of its own with one value of this key."""
    way = rule.tenant or (rule.via.column if rule.via else "")
    holding = [columns for columns in parent.unique if key in columns]
    return key != way and bool(holding) and all(way in columns for columns in holding)


class _RuleChecks:
    def __init__(self, declaration: AdoptionDeclaration, catalog: ForeignCatalog) -> None:
        self._declared = declaration
        self._catalog = catalog
        self._key = key_type(declaration, catalog)

    def kind(self, relation: CatalogRelation) -> Iterator[str]:
        place = f"tables.{relation.name}"
        if relation.is_partition:
            yield (
                f"{place}: declare the partitioned table:"
                " a partition read by its own name has no policy"
            )
        elif relation.kind in _NO_POLICY:
            yield f"{place}: {_NO_POLICY[relation.kind]}"

    def columns(self, rule: TableRule, relation: CatalogRelation) -> Iterator[str]:
        place = f"tables.{rule.name}"
        hidden = [column for columns in rule.hidden.values() for column in columns]
        for key, columns in (
            ("hide", hidden),
            ("values", rule.values),
            ("outside_text", rule.outside_text),
        ):
            for column in columns:
                if column not in relation.columns:
                    yield f"{place}.{key}: there is no column {column}"
        if rule.null_is_shared and rule.tenant in hidden:
            yield f"{place}.hide: the proof reads {rule.tenant} where null_is_shared is set"
        for audience in self._declared.audiences:
            if all(rule.hides(column, audience.name) for column in relation.columns):
                yield f"{place}.hide: {audience.name} would read no column; leave the table out"
        if rule.filter is not None:
            yield from self._filter(rule)

    def computed(self, rule: TableRule, relation: CatalogRelation) -> Iterator[str]:
        for column in relation.columns.values():
            for audience in self._declared.audiences:
                shown = [x for x in column.computed_from if rule.hides(x, audience.name)]
                if shown and not rule.hides(column.name, audience.name):
                    yield (
                        f"tables.{rule.name}.hide: {column.name} is computed from {shown[0]}, which"
                        " is hidden; hide it, too"
                    )

    def _filter(self, rule: TableRule) -> Iterator[str]:
        place = f"tables.{rule.name}.filter"
        try:
            trees = parse(f"SELECT FROM x WHERE {rule.filter}\n")
        except NotParsed as error:
            yield f"{place}: expected a condition in SQL: {error.message}"
            return
        select = trees[0].get("stmt", trees[0]).get("SelectStmt", {})
        if len(trees) != 1 or not select.keys() <= _CONDITION_ALONE:
            yield f"{place}: expected one condition in SQL, and nothing behind it"

    def tenant_column(self, rule: TableRule, relation: CatalogRelation) -> Iterator[str]:
        place = f"tables.{rule.name}.tenant"
        column = relation.columns.get(rule.tenant or "")
        if column is None:
            yield f"{place}: there is no column {rule.tenant}"
        elif column.key_type is None:
            yield (
                f"{place}: {rule.tenant} is of type {column.type};"
                " expected uuid, an integer or text"
            )
        elif self._key and column.key_type not in (self._key, "text"):
            yield (
                f"{place}: {rule.tenant} is of type {column.type}, and the tenants' key is of type"
                f" {self._key}"
            )
        elif column.folds_texts:
            yield f"{place}: {_folding(column.name)}"

    def way(self, rule: TableRule, via: Via, relation: CatalogRelation) -> Iterator[str]:
        place = f"tables.{rule.name}.via"
        if via.column not in relation.columns:
            yield f"{place}: there is no column {via.column}"
        parent_rule = self._declared.tables.get(via.parent)
        parent = self._catalog.relations.get(via.parent)
        if parent_rule is None or parent is None:
            yield f"{place}: via {via.parent}, which is not declared: its policy would be missing"
            return
        if parent_rule.shared:
            yield f"{place}: via {via.parent}, which is shared: it would lead to every tenant"
        if parent_rule.null_is_shared:
            yield (
                f"{place}: via {via.parent}, whose rows without a tenant are shared:"
                " they would lead to every tenant"
            )
        if via.key not in parent.columns:
            yield f"{place}: {via.parent} has no column {via.key}"
        elif via.key not in parent.leading:
            yield (
                f"{place}: {via.parent}.{via.key} has no index:"
                " the policy would read all of it for each row"
            )
        elif not self._refers_to(rule, via) and _is_unique_within_a_tenant(
            via.key, parent, parent_rule
        ):
            yield (
                f"{place}: {via.parent}.{via.key} is unique within a tenant alone: its rows would"
                " lead to other tenants; where it is unique in the whole table, CREATE UNIQUE INDEX"
                f" CONCURRENTLY ON {quoted_table(via.parent)} ({quoted(via.key)})"
            )
        for table, name in ((relation, via.column), (parent, via.key)):
            if name in table.columns and table.columns[name].folds_texts:
                yield f"{place}: {_folding(f'{table.name}.{name}')}"
        yield from self._hidden_way(rule, via, parent_rule)

    def _refers_to(self, rule: TableRule, via: Via) -> bool:
        """Return whether the parent's key is a foreign key to this column, as of a membership.

        Then its values are those of one table, and two tenants cannot mean different rows by one.
        """
        return any(
            (key.table, key.columns, key.parent, key.references)
            == (via.parent, (via.key,), rule.name, (via.column,))
            for key in self._catalog.keys
        )

    def _hidden_way(self, rule: TableRule, via: Via, parent: TableRule) -> Iterator[str]:
        for audience in self._declared.audiences:
            if audience.scope is AudienceScope.ALL:
                continue
            for table, column in ((parent, via.key), (rule, via.column)):
                if table.hides(column, audience.name):
                    yield (
                        f"tables.{rule.name}.via: {table.name}.{column} is hidden, and the policy"
                        " reads it"
                    )

    def cycles(self) -> Iterator[str]:
        for rule in self._declared.tables.values():
            seen, at = [rule.name], rule
            while at.via is not None and at.via.parent in self._declared.tables:
                at = self._declared.tables[at.via.parent]
                if at.name == rule.name:
                    yield f"tables.{rule.name}.via: {' via '.join([*seen, at.name])} is a cycle"
                if at.name in seen:
                    break
                seen.append(at.name)
