"""The structure of the retail tables."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from zava.model.audiences import SQL_QUERY
from zava.model.core import Caller
from zava.protocol.rendering.schema import schema_content, schemas_text
from zava.protocol.rendering.scope import ScopeContent, scope_content
from zava.protocol.tools.argument_forms import aliases
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
    columns with only a few.

    Call this once, for all the tables that you need, before writing SQL for execute_sales_query.
    Tables: {TABLE_NAMES}.

    Only what you may read is listed. Values are those of your own stores: use them unchanged.
    """
)


class GetMultipleTableSchemas(Arguments):
    """Arguments of get_multiple_table_schemas."""

    ALIASES = aliases(table_names="tables names")
    SEPARATED = frozenset({"table_names"})

    table_names: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=100)]],
        Field(
            min_length=1,
            max_length=MAX_TABLES,
            description="Tables such as retail.orders.",
            examples=[["retail.orders", "retail.stores"]],
        ),
    ]


class SchemasContent(TypedDict):
    """The described tables."""

    tables: Annotated[
        list[dict[str, Any]],
        Field(description="Not null unless nullable; keys without references: the same names."),
    ]
    scope: ScopeContent


async def call(
    analytics: Analytics, caller: Caller, arguments: GetMultipleTableSchemas
) -> ToolAnswer:
    """Describe the tables as the caller may read them."""
    tables, scope = await analytics.data.table_schemas(caller, arguments.table_names)
    content: SchemasContent = {
        "tables": [schema_content(table) for table in tables],
        "scope": scope_content(scope),
    }
    return ToolAnswer(content, schemas_text(tables, scope))


TOOL = Tool(
    name="get_multiple_table_schemas",
    title="Describe tables",
    description=DESCRIPTION,
    arguments=GetMultipleTableSchemas,
    answer=SchemasContent,
    permission=SQL_QUERY,
    call=call,
)
