"""The tool for today's date, from which periods such as "this month" are resolved."""

from typing import Annotated

from pydantic import BaseModel, Field

from zava.model.core import Caller, Permission
from zava.protocol.tools.tool import Arguments, Tool, ToolAnswer, product_text
from zava.service.analytics import Analytics

DESCRIPTION = product_text(
    """
    Return the current date and time in UTC, ISO 8601.

    Call it before writing SQL for "today" or "last quarter". The stores' days are
    America/Los_Angeles.
    """
)


class GetCurrentUtcDate(Arguments):
    """get_current_utc_date takes no arguments."""


class DateContent(BaseModel):
    """The moment of the answer."""

    utc: Annotated[str, Field(description="ISO 8601, UTC.")]


async def call(analytics: Analytics, _caller: Caller, _arguments: GetCurrentUtcDate) -> ToolAnswer:
    """Return the service's day."""
    moment = analytics.current_utc_date().isoformat(timespec="seconds")
    return ToolAnswer({"utc": moment}, moment)


TOOL = Tool(
    name="get_current_utc_date",
    title="Current UTC date",
    description=DESCRIPTION,
    arguments=GetCurrentUtcDate,
    answer=DateContent,
    permission=Permission.SALES_READ,
    call=call,
)
