"""The structure of tables, for programs and for readers.

A model reads every word of it before it writes SQL, so general rules are stated once. A column is
not null unless it is marked. A foreign key whose columns have the names of the columns that they
refer to names them once.
"""

from collections.abc import Sequence
from typing import Any

from zava.model.core import ForeignKey, Scope, TableSchema
from zava.model.domain import sql_name
from zava.protocol.rendering.scope import scope_text

_LEGEND = (
    "Not null unless marked null; references that name no column are to those of the same names."
)


def schemas_text(tables: Sequence[TableSchema], scope: Scope) -> str:
    """Return the structure of tables as text that a model writes SQL from."""
    closing = f"{_LEGEND}\n{scope_text(scope)}"
    return "\n\n".join([*map(_text, tables), closing])


def schema_content(table: TableSchema) -> dict[str, Any]:
    """Return a table's structure as structured content: parts that it has none of are left out."""
    parts = {
        "nullable": [sql_name(column.name) for column in table.columns if column.is_nullable],
        "comments": {
            sql_name(column.name): column.comment for column in table.columns if column.comment
        },
        "values": {
            sql_name(column.name): list(column.values) for column in table.columns if column.values
        },
        "foreign_keys": [_key_content(key) for key in table.foreign_keys],
    }
    return {
        "name": table.name,
        "comment": table.comment,
        "columns": {sql_name(column.name): column.type for column in table.columns},
        "primary_key": list(map(sql_name, table.primary_key)),
        **{name: part for name, part in parts.items() if part},
    }


def _key_content(key: ForeignKey) -> dict[str, Any]:
    named = {"references": list(map(sql_name, key.references))}
    if key.references == key.columns:
        named = {}
    return {"columns": list(map(sql_name, key.columns)), "table": key.table, **named}


def _text(table: TableSchema) -> str:
    lines = [f"{table.name}: {table.comment or ''}".rstrip(": ")]
    for column in table.columns:
        line = f"  {sql_name(column.name)} {column.type}{' null' if column.is_nullable else ''}"
        if column.comment:
            line += f" -- {column.comment}"
        if column.values:
            line += f" -- one of: {', '.join(column.values)}"
        lines.append(line)
    lines.append(f"  primary key ({_listed(table.primary_key)})")
    lines += [f"  ({_listed(key.columns)}) references {_target(key)}" for key in table.foreign_keys]
    return "\n".join(lines)


def _target(key: ForeignKey) -> str:
    if key.references == key.columns:
        return key.table
    return f"{key.table} ({_listed(key.references)})"


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(map(sql_name, columns))
