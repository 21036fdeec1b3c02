"""Drafts a declaration from the foreign keys of a database."""

import json
import re
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from zava.adoption.checks.expectations import looks_secret
from zava.adoption.declaration_file import DeclarationRefused
from zava.adoption.declared_values import MAX_NAME, printable
from zava.adoption.foreign_catalog import CatalogRelation, ForeignCatalog

_LABELS = ("name", "title", "displayname", "slug", "companyname", "label", "code")
"""Names of a column with a tenant's name, as they are without underscores and capitals."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The text of a declaration, and what its author has to decide."""

    text: str
    undecided: tuple[str, ...]


def draft(catalog: ForeignCatalog, tenant: str, *, column: str | None = None) -> Draft:
    """Return a declaration whose rules follow the foreign keys to the table of the tenants.

    A table gets the rule of its own column, else of the shortest way over keys that may not be
    null. `column` is the tenants' column where no foreign key marks it. Columns whose names suggest
    a secret are hidden. No table is declared as shared: that is for a person to decide.

    Raises:
        DeclarationRefused: there is no such table, or it has no primary column to refer to.
    """
    relation = catalog.relations.get(tenant)
    if relation is None or not relation.is_table:
        near = sorted(name for name, each in catalog.relations.items() if each.is_table)[:5]
        raise DeclarationRefused(
            [f"--tenant: there is no table {tenant}; expected schema.table, such as {near}"]
        )
    return _Drafting(catalog, relation, column).draft()


class _Drafting:
    def __init__(
        self, catalog: ForeignCatalog, tenant: CatalogRelation, column: str | None
    ) -> None:
        self._catalog = catalog
        self._tenant = tenant
        self._column = column
        self._keys = [key for key in catalog.keys if len(key.columns) == 1]
        self._key = self._tenant_key()
        self._tables = {
            name: relation
            for name, relation in catalog.relations.items()
            if relation.is_table and not relation.is_of_extension
        }

    def draft(self) -> Draft:
        direct = self._direct()
        vias = self._vias(direct)
        found = direct.keys() | vias.keys()
        schemas = sorted({_schema(name) for name in found}, key=self._order)
        undecided = {
            name: self._reason(name)
            for name in self._tables
            if name not in found and _schema(name) in schemas
        }
        lines = [*self._head(schemas), ""]
        for name, relation in self._tables.items():
            if name in found:
                used = {key for _, parent, key in vias.values() if parent == name}
                lines += self._rule(relation, direct.get(name), vias.get(name), used)
        if undecided:
            lines.append("# Undecided: declare each of these, or leave it unreadable.")
            for name, reason in undecided.items():
                lines += [f"# [tables.{_quoted(name)}]  # {printable(reason)}", "# shared = true"]
                lines += [f"# {each}" for each in _hiding(self._tables[name], set())]
            lines.append("")
        return Draft("\n".join(lines), tuple(f"{name}: {why}" for name, why in undecided.items()))

    def _tenant_key(self) -> str:
        """Return the column that most keys refer to, else the first that may not be null."""
        used = Counter(key.references[0] for key in self._keys if key.parent == self._tenant.name)
        if used:
            return used.most_common(1)[0][0]
        for column in self._tenant.columns.values():
            if column.not_null and column.key_type and column.name in self._tenant.leading:
                return column.name
        raise DeclarationRefused([f"--tenant: {self._tenant.name} has no key of a known type"])

    def _direct(self) -> dict[str, str]:
        """Return the tenant's column of each table that has one."""
        candidates = defaultdict(list)
        for each in self._catalog.keys:
            if each.parent == self._tenant.name and each.table in self._tables:
                for name, reference in zip(each.columns, each.references, strict=True):
                    if reference == self._key and each.table != self._tenant.name:
                        candidates[each.table].append(name)
        common = Counter(name for names in candidates.values() for name in set(names))
        column = self._column or next((name for name, _ in common.most_common(1)), "")
        # Of several keys to a tenant, the one that most tables have marks the owner of the row.
        found = {
            table: column if column in names else names[0] for table, names in candidates.items()
        }
        key = self._tenant.columns[self._key]
        for table, relation in self._tables.items():
            own = relation.columns.get(column)
            if own is not None and own.key_type == key.key_type:
                found.setdefault(table, own.name)
        return found | {self._tenant.name: self._key}

    def _vias(self, direct: dict[str, str]) -> dict[str, tuple[str, str, str]]:
        """Return the way of each table that leads to one with a tenant, the shortest first."""
        found: dict[str, tuple[str, str, str]] = {}
        reached = deque(direct)
        while reached:
            parent = reached.popleft()
            for key in self._keys:
                child = self._tables.get(key.table)
                if key.parent != parent or child is None or key.table in direct | found:
                    continue
                if child.columns[key.columns[0]].not_null:
                    found[key.table] = (key.columns[0], parent, key.references[0])
                    reached.append(key.table)
        return found

    def _reason(self, name: str) -> str:
        """Return why no rule was found, with what may be one."""
        for key in self._keys:
            if key.table == name and key.parent in self._tables and key.parent != name:
                return f"{key.columns[0]} may be null, or {key.parent} is undecided"
        for key in self._keys:
            if key.parent == name and key.table in self._tables and key.table != name:
                return f'perhaps via = ["{key.references[0]}", "{key.table}", "{key.columns[0]}"]'
        return "no key leads to a tenant"

    def _order(self, schema: str) -> tuple[bool, str]:
        """Sort the tenants' own schema before all others: names are looked up in this order."""
        return schema != _schema(self._tenant.name), schema

    def _head(self, schemas: Sequence[str]) -> list[str]:
        name = _name(self._catalog.database)
        word = self._tenant.name.partition(".")[2]
        singular = word[:-3] + "y" if word.endswith("ies") else word.removesuffix("s")
        texts = {
            each.name.lower().replace("_", ""): each.name
            for each in self._tenant.columns.values()
            if each.is_text
        }
        label = next((texts[each] for each in _LABELS if each in texts), self._key)
        return [
            "version = 1",
            "",
            "[database]",
            f"name = {_quoted(name)}  # part of the names of the roles",
            f"title = {_quoted(self._catalog.database)}",
            f"schemas = [{', '.join(map(_quoted, schemas))}]",
            'time_zone = "UTC"',
            "",
            "[tenant]",
            f"word = {_quoted(singular)}",
            f"words = {_quoted(singular + 's' if singular == word else word)}",
            f"table = {_quoted(self._tenant.name)}",
            f"key = {_quoted(self._key)}",
            f"label = {_quoted(label)}",
            "",
            "[audiences.member]",
            'scope = "many"  # one, many or all',
        ]

    def _rule(
        self,
        relation: CatalogRelation,
        tenant: str | None,
        via: tuple[str, str, str] | None,
        keys: set[str],
    ) -> list[str]:
        """Return the lines of a rule; what a policy reads, such as `keys`, is not hidden."""
        lines = [f"[tables.{_quoted(relation.name)}]"]
        if tenant is not None:
            lines.append(f"tenant = {_quoted(tenant)}")
        elif via is not None:
            lines.append(f"via = [{', '.join(map(_quoted, via))}]")
        used = {tenant, *(via or ()), *keys}
        return [*lines, *_hiding(relation, used), ""]


def _hiding(relation: CatalogRelation, used: Collection[str | None]) -> list[str]:
    """Return the line that hides what looks secret, apart from the columns that are used."""
    secret = [each for each in relation.columns if looks_secret(each) and each not in used]
    return [f"hide = [{', '.join(map(_quoted, secret))}]"] if secret else []


def _schema(table: str) -> str:
    return table.partition(".")[0]


def _name(database: str) -> str:
    name = re.sub(r"[^a-z0-9_]+", "_", database.lower()).strip("_")[:MAX_NAME]
    return name if name[:1].isalpha() else f"db_{name}"[:MAX_NAME].rstrip("_")


def _quoted(text: str) -> str:
    """Return a text as a basic string of TOML, which JSON's strings are."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
