"""The structure of the retail tables."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from zava.model import Caller, Permission, TableSchema
from zava.protocol.scope import ScopeContent, scope_content, scope_text
from zava.protocol.tools.tool import Arguments, Tool, ToolAnswer, product_text
from zava.service.analytics import Analytics

MAX_TABLES = 20
TABLE_NAMES = (
    "retail.stores, retail.customers, retail.categories, retail.product_types, retail.products, "
    "retail.inventory, retail.orders, retail.order_items"
)

DESCRIPTION = product_text(
    f"""
    Describe retail tables: columns, types, keys, foreign keys, comments, and the values of
    columns that know only a few.

    Call this once, for all the tables that you need, before writing SQL for execute_sales_query.
    Tables: {TABLE_NAMES}.

    Only what you may read is listed. Values are those of your own stores: use them as they stand.
    """
)


class GetMultipleTableSchemas(Arguments):
    """Arguments of get_multiple_table_schemas."""

    table_names: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=100)]],
        Field(
            min_length=1,
            max_length=MAX_TABLES,
            description="Tables such as retail.orders; ask for all that you need at once.",
        ),
    ]


class SchemasContent(BaseModel):
    """The described tables."""

    tables: list[dict[str, Any]]
    scope: ScopeContent


async def call(
    analytics: Analytics, caller: Caller, arguments: GetMultipleTableSchemas
) -> ToolAnswer:
    """Describe the tables as the caller may read them."""
    tables, scope = await analytics.get_multiple_table_schemas(caller, arguments.table_names)
    content = {"tables": [_content(table) for table in tables], "scope": scope_content(scope)}
    return ToolAnswer(
        content, "\n\n".join([*(_text(table) for table in tables), scope_text(scope)])
    )


def _content(table: TableSchema) -> dict[str, Any]:
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


TOOL = Tool(
    name="get_multiple_table_schemas",
    title="Describe tables",
    description=DESCRIPTION,
    arguments=GetMultipleTableSchemas,
    answer=SchemasContent,
    permission=Permission.SQL_QUERY,
    call=call,
)
