"""The tools over an adopted database: free SQL, the structure of its tables, today's date."""

from collections.abc import Mapping
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field
from typing_extensions import TypedDict

from zava.model.audiences import SQL_QUERY
from zava.model.core import Caller
from zava.model.domain import Domain
from zava.protocol.rendering.schema import schema_content, schemas_text
from zava.protocol.rendering.scope import TenantScopeContent, tenant_scope_content
from zava.protocol.rendering.table import ColumnContent, table_content, table_text
from zava.protocol.tools.argument_forms import LIMIT_NAMES, aliases
from zava.protocol.tools.tool import LONG_RESULT_CHARACTERS, Arguments, Tool, ToolAnswer
from zava.service.analytics import Analytics

MAX_ROWS, DEFAULT_ROWS = 1000, 50
MAX_TABLES = 20
_MOST_NAMED_TABLES = 40

_QUERY = """\
Run one read-only PostgreSQL SELECT over {title}.

First fetch the tables with get_multiple_table_schemas and use the exact names. Write one SELECT, \
WITH … SELECT or VALUES; aggregate in SQL rather than fetching rows. Moments are shown in \
{zone}. Never show ids to people.

You see the rows of your own {words} only: no filter on them is needed. The answer states which \
{words} it covers and whether it was cut; mention both when they matter."""

_SCHEMAS = """\
Describe tables of {title}: columns, types, keys, foreign keys, comments, and the values of \
columns with only a few.

Call this once, for all the tables that you need, before writing SQL for query_database.
Tables: {tables}.

Only what you may read is listed. Values are those of your own {words}: use them unchanged."""

_DATE = """\
Return the current date and time: in UTC, ISO 8601, and in {zone}.

Call it before writing SQL for "today" or "last quarter". The date in {zone} is today in SQL."""


class QueryDatabase(Arguments):
    """Arguments of query_database."""

    ALIASES = aliases(
        postgresql_query="query sql statement sql_query postgres_query q code",
        max_rows=LIMIT_NAMES,
    )

    postgresql_query: Annotated[
        str,
        Field(
            description="One PostgreSQL SELECT, at most 16 KB.",
            examples=["SELECT current_date"],
        ),
    ]
    max_rows: Annotated[
        int, Field(ge=1, le=MAX_ROWS, description="Most rows; more may be longer.")
    ] = DEFAULT_ROWS


class DescribedTables(Arguments):
    """Arguments of get_multiple_table_schemas."""

    ALIASES = aliases(table_names="tables names")
    SEPARATED = frozenset({"table_names"})

    table_names: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]],
        Field(min_length=1, max_length=MAX_TABLES, description="Tables, each as schema.table."),
    ]


class NoArguments(Arguments):
    """get_current_utc_date takes no arguments."""


class RowsContent(TypedDict):
    """The rows, as arrays in column order."""

    columns: list[ColumnContent]
    rows: Annotated[
        list[list[Any]],
        Field(
            description="A column of numbers is all strings where a double cannot hold one exactly."
        ),
    ]
    row_count: int
    truncated: Annotated[str | None, Field(description="'rows' or 'bytes' when cut.")]
    notes: Annotated[list[str], Field(description="Why it is empty; how to continue.")]
    scope: TenantScopeContent
    as_of: str


class TablesContent(TypedDict):
    """The described tables."""

    tables: Annotated[
        list[dict[str, Any]],
        Field(description="Not null unless nullable; keys without references: the same names."),
    ]
    scope: TenantScopeContent


class MomentContent(TypedDict):
    """The moment of the answer, in UTC and in the database's time zone."""

    utc: Annotated[str, Field(description="ISO 8601, UTC.")]
    date: str
    time: str
    weekday: str
    time_zone: str


async def query(analytics: Analytics, caller: Caller, arguments: QueryDatabase) -> ToolAnswer:
    """Run the statement as the caller."""
    table = await analytics.data.run(
        caller, arguments.postgresql_query, max_rows=arguments.max_rows
    )
    content = {**table_content(table), "scope": tenant_scope_content(table.scope)}
    return ToolAnswer(content, table_text(table))


async def describe(analytics: Analytics, caller: Caller, arguments: DescribedTables) -> ToolAnswer:
    """Describe the tables as the caller may read them."""
    tables, scope = await analytics.data.table_schemas(caller, arguments.table_names)
    content: TablesContent = {
        "tables": [schema_content(table) for table in tables],
        "scope": tenant_scope_content(scope),
    }
    return ToolAnswer(content, schemas_text(tables, scope))


async def today(analytics: Analytics, _caller: Caller, _arguments: NoArguments) -> ToolAnswer:
    """Return the moment, in UTC and in the zone of the declaration."""
    moment = analytics.current_utc_date()
    zone = analytics.data.domain.time_zone
    local = moment.astimezone(ZoneInfo(zone))
    content: MomentContent = {
        "utc": moment.isoformat(timespec="seconds"),
        "date": local.date().isoformat(),
        "time": f"{local:%H:%M}",
        "weekday": f"{local:%A}",
        "time_zone": zone,
    }
    text = "{utc}\nIn {time_zone}: {weekday}, {date} {time}. This date is today in SQL."
    return ToolAnswer(content, text.format(**content))


def served_tools(domain: Domain) -> Mapping[str, Tool]:
    """Return the tools by name, their texts in the words of the declaration."""
    spelled = [domain.spelled(name) for name in domain.table_names]
    named = ", ".join(spelled[:_MOST_NAMED_TABLES])
    more = len(spelled) - _MOST_NAMED_TABLES
    words = {
        "title": domain.name,
        "words": domain.words.many if domain.words else "",
        "zone": domain.time_zone,
        "tables": f"{named} and {more} more" if more > 0 else named,
    }
    tools = (
        Tool(
            name="get_multiple_table_schemas",
            title="Describe tables",
            description=_SCHEMAS.format(**words),
            arguments=DescribedTables,
            answer=TablesContent,
            permission=SQL_QUERY,
            call=describe,
        ),
        Tool(
            name="query_database",
            title="Run a SQL query",
            description=_QUERY.format(**words),
            arguments=QueryDatabase,
            answer=RowsContent,
            permission=SQL_QUERY,
            call=query,
            result_characters=LONG_RESULT_CHARACTERS,
        ),
        Tool(
            name="get_current_utc_date",
            title="Current UTC date",
            description=_DATE.format(**words),
            arguments=NoArguments,
            answer=MomentContent,
            permission=SQL_QUERY,
            call=today,
        ),
    )
    return {tool.name: tool for tool in tools}
