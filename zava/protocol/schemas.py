"""The structure of tables, for programs and for readers."""

from collections.abc import Sequence
from typing import Any

from zava.model import Scope, TableSchema
from zava.protocol.scope import scope_text


def schemas_text(tables: Sequence[TableSchema], scope: Scope) -> str:
    """Return the structure of tables as text that a model writes SQL from."""
    return "\n\n".join([*(_text(table) for table in tables), scope_text(scope)])


def schema_content(table: TableSchema) -> dict[str, Any]:
    """Return a table's structure as structured content."""
    columns = []
    for column in table.columns:
        described: dict[str, Any] = {
            "name": column.name,
            "type": column.type,
            "nullable": column.is_nullable,
        }
        if column.comment:
            described["comment"] = column.comment
        if column.values:
            described["values"] = list(column.values)
        columns.append(described)
    return {
        "name": table.name,
        "comment": table.comment,
        "columns": columns,
        "primary_key": list(table.primary_key),
        "foreign_keys": [
            {
                "columns": list(key.columns),
                "table": key.table,
                "references": list(key.references),
            }
            for key in table.foreign_keys
        ],
    }


def _text(table: TableSchema) -> str:
    lines = [f"{table.name}: {table.comment or ''}".rstrip(": ")]
    for column in table.columns:
        line = f"  {column.name} {column.type}{'' if column.is_nullable else ' not null'}"
        if column.comment:
            line += f" -- {column.comment}"
        if column.values:
            line += f" -- one of: {', '.join(column.values)}"
        lines.append(line)
    lines.append(f"  primary key ({', '.join(table.primary_key)})")
    lines += [
        f"  ({', '.join(key.columns)}) references {key.table} ({', '.join(key.references)})"
        for key in table.foreign_keys
    ]
    return "\n".join(lines)
