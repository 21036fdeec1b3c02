"""Free SQL over the retail data."""

from typing import Annotated

from pydantic import Field

from zava.model.answer_size import MOST_ROWS
from zava.model.audiences import SQL_QUERY
from zava.model.core import Caller
from zava.protocol.rendering.table import TableContent, table_content, table_text
from zava.protocol.tools.argument_forms import LIMIT_NAMES, aliases
from zava.protocol.tools.tool import (
    LONG_RESULT_CHARACTERS,
    Arguments,
    Tool,
    ToolAnswer,
    product_text,
)
from zava.retail.service.use_cases import RetailAnalytics

MAX_ROWS, DEFAULT_ROWS = MOST_ROWS, 50

DESCRIPTION = product_text(
    """
    Run one read-only PostgreSQL SELECT over the retail data of the stores you may see.

    First fetch the tables with get_multiple_table_schemas and use the exact names, with `retail.`
    before tables. Write one SELECT, WITH … SELECT or VALUES; aggregate in SQL rather than fetching
    rows. Revenue is the sum of order_items.total_amount of orders neither cancelled nor refunded.
    Days are America/Los_Angeles. Never show ids to people.

    You see the rows of your own stores only: no filter on the store is needed. The answer states
    which stores it covers and whether it was cut; mention both when they matter.
    """
)


class ExecuteSalesQuery(Arguments):
    """Arguments of execute_sales_query."""

    ALIASES = aliases(
        postgresql_query="query sql statement sql_query postgres_query q code",
        max_rows=LIMIT_NAMES,
    )

    postgresql_query: Annotated[
        str,
        Field(
            description="One PostgreSQL SELECT, at most 16 KB.",
            examples=["SELECT count(*) FROM retail.orders"],
        ),
    ]
    max_rows: Annotated[
        int, Field(ge=1, le=MAX_ROWS, description="Most rows; more may be longer.")
    ] = DEFAULT_ROWS


async def call(
    analytics: RetailAnalytics, caller: Caller, arguments: ExecuteSalesQuery
) -> ToolAnswer:
    """Run the statement as the caller."""
    sql = arguments.postgresql_query
    table = await analytics.data.run(caller, sql, max_rows=arguments.max_rows)
    if analytics.data.needs_checks(sql, table):
        table = await analytics.sql_answers.noted(caller, sql, table)
    return ToolAnswer(table_content(table), table_text(table))


TOOL = Tool(
    name="execute_sales_query",
    title="Run a SQL query",
    description=DESCRIPTION,
    arguments=ExecuteSalesQuery,
    answer=TableContent,
    permission=SQL_QUERY,
    call=call,
    result_characters=LONG_RESULT_CHARACTERS,
)
