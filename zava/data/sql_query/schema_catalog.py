"""Describes the tables that callers read, as a role may read them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from zava.errors import InvalidInput
from zava.model.audiences import ReadingRole
from zava.model.core import ColumnSchema, ForeignKey, TableSchema


class SchemaReader:
    """Remembers each role's structure; values are handed in anew for every caller."""

    def __init__(self, schema: str) -> None:
        self._schema = schema
        # Seen by every caller in one role: structure only, which is the same for all of them.
        self._structures: dict[ReadingRole, dict[str, TableSchema]] = {}

    def knows(self, role: ReadingRole) -> bool:
        """Whether the structure for this role has been read."""
        return role in self._structures

    def columns(self, role: ReadingRole) -> dict[str, dict[str, str]]:
        """Return the readable columns of each table and their types, by the table's bare name."""
        return {
            name: {column.name: column.type for column in table.columns}
            for name, table in self._structures[role].items()
        }

    def learn(self, role: ReadingRole, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep the tables that the database returned for this role."""
        self._structures[role] = {row["table_name"]: _table(self._schema, row) for row in rows}

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
        wanted = (name.strip().lower().removeprefix(f"{self._schema}.") for name in asked)
        for bare in dict.fromkeys(wanted):
            table = structure.get(bare)
            if table is None:
                raise _unknown(self._schema, bare, structure)
            columns = tuple(
                replace(column, values=listed.get((bare, column.name), column.values))
                for column in table.columns
            )
            described.append(replace(table, columns=columns))
        return described


def _unknown(schema: str, name: str, structure: Mapping[str, TableSchema]) -> InvalidInput:
    nearest = get_close_matches(name, structure, n=3) or list(structure)
    offered = ", ".join(f"{schema}.{table}" for table in nearest)
    return InvalidInput(
        f"table_names: {schema}.{name[:63]} is not a table that you can read.",
        hint=f"Use {offered}.",
    )


def _table(schema: str, row: Mapping[str, Any]) -> TableSchema:
    return TableSchema(
        name=f"{schema}.{row['table_name']}",
        comment=row["comment"],
        columns=tuple(
            ColumnSchema(
                name=column["name"],
                type=column["type"],
                is_nullable=column["is_nullable"],
                comment=column["comment"],
                values=tuple(value.replace("''", "'") for value in column["values"] or ()),
            )
            for column in row["columns"]
        ),
        primary_key=tuple(row["primary_key"] or ()),
        foreign_keys=tuple(
            ForeignKey(tuple(key["columns"]), key["table"], tuple(key["references"]))
            for key in row["foreign_keys"] or ()
        ),
    )
