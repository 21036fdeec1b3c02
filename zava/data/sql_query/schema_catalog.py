"""Describes the tables that callers read, as a role may read them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from zava.errors import InvalidInput
from zava.model.audiences import ReadingRole
from zava.model.core import ColumnSchema, ForeignKey, TableSchema
from zava.model.domain import Domain

_MOST_OFFERED = 20


class SchemaReader:
    """Remembers each role's structure; values are handed in anew for every caller."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        # Seen by every caller in one role: structure only, which is the same for all of them.
        self._structures: dict[ReadingRole, dict[str, TableSchema]] = {}

    def knows(self, role: ReadingRole) -> bool:
        """Whether the structure for this role has been read."""
        return role in self._structures

    def columns(self, role: ReadingRole) -> dict[str, dict[str, str]]:
        """Return the readable columns of each table and their types, by the table's bare name.

        The type is that of the values: text for an enumeration, a domain's own base.
        """
        return {
            name: {column.name: column.base or column.type for column in table.columns}
            for name, table in self._structures[role].items()
        }

    def learn(self, role: ReadingRole, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep the tables that the database returned for this role."""
        self._structures[role] = {row["table_name"]: _table(self._domain, row) for row in rows}

    def describe(
        self, role: ReadingRole, names: Sequence[str] | None, values: Sequence[Mapping[str, Any]]
    ) -> list[TableSchema]:
        """Return the named tables, `values` filled in where a column has a short list of them.

        None names every table that the role can read.

        Raises:
            InvalidInput: a name is unknown; the nearest ones are offered.
        """
        structure = self._structures[role]
        asked = structure if names is None else names
        # Before the first import there is no value.
        listed = {
            (row["table_name"], row["column_name"]): tuple(row["values"] or ()) for row in values
        }
        described = []
        wanted = (self._kept_name(name, structure) for name in asked)
        for bare in dict.fromkeys(wanted):
            table = structure.get(bare)
            if table is None:
                raise _unknown(self._domain, bare, structure)
            columns = tuple(
                replace(column, values=listed.get((bare, column.name), column.values))
                for column in table.columns
            )
            described.append(replace(table, columns=columns))
        return described

    def _kept_name(self, name: str, structure: Mapping[str, TableSchema]) -> str:
        """Return the name under which a table is kept, from one of its spellings."""
        asked = name.strip().lower()
        bare = asked.removeprefix(f"{self._domain.schema}.")
        if bare in structure or not self._domain.table_names:
            return bare
        plain = asked.replace('"', "")
        for kept, spelled in self._domain.table_names.items():
            if plain in (kept.lower(), spelled.lower().replace('"', "")):
                return kept
        return bare


def _unknown(domain: Domain, name: str, structure: Mapping[str, TableSchema]) -> InvalidInput:
    nearest = get_close_matches(name, structure, n=3) or list(structure)[:_MOST_OFFERED]
    offered = ", ".join(map(domain.spelled, nearest))
    return InvalidInput(
        f"table_names: {domain.schema}.{name[:63]} is not a table that you can read.",
        hint=f"Use {offered}.",
    )


def _table(domain: Domain, row: Mapping[str, Any]) -> TableSchema:
    return TableSchema(
        name=domain.spelled(row["table_name"]),
        comment=row["comment"],
        columns=tuple(
            ColumnSchema(
                name=column["name"],
                type=column["type"],
                is_nullable=column["is_nullable"],
                comment=column["comment"],
                values=tuple(value.replace("''", "'") for value in column["values"] or ()),
                base=column.get("base"),
            )
            for column in row["columns"]
        ),
        primary_key=tuple(row["primary_key"] or ()),
        foreign_keys=tuple(
            ForeignKey(tuple(key["columns"]), key["table"], tuple(key["references"]))
            for key in row["foreign_keys"] or ()
        ),
    )
