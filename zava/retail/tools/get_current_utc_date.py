"""The tool for today's date, from which periods such as "this month" are resolved."""

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field
from typing_extensions import TypedDict

from zava.model.core import Caller
from zava.model.metrics import PeriodUnit
from zava.model.time_labels import beginning, label
from zava.protocol.tools.tool import Arguments, Tool, ToolAnswer, product_text
from zava.retail.access_rules import SALES_READ
from zava.retail.declaration import RETAIL
from zava.service.analytics import Analytics

DESCRIPTION = product_text(
    """
    Return the current date and time: in UTC, ISO 8601, and where the stores are.

    Call it before writing SQL for "today" or "last quarter". Use the stores' date: days of all
    answers are theirs, America/Los_Angeles, and UTC is already a day ahead in their evening.
    """
)

_ZONE = ZoneInfo(RETAIL.time_zone)


class GetCurrentUtcDate(Arguments):
    """get_current_utc_date takes no arguments."""


class DateContent(TypedDict):
    """The moment of the answer, in UTC and in the stores' own time."""

    utc: Annotated[str, Field(description="ISO 8601, UTC.")]
    store_date: str
    store_time: str
    weekday: str
    time_zone: str
    iso_week: str
    quarter: str


async def call(analytics: Analytics, _caller: Caller, _arguments: GetCurrentUtcDate) -> ToolAnswer:
    """Return the service's day."""
    moment = analytics.current_utc_date()
    local = moment.astimezone(_ZONE)
    day = local.date()
    content: DateContent = {
        "utc": moment.isoformat(timespec="seconds"),
        "store_date": day.isoformat(),
        "store_time": f"{local:%H:%M}",
        "weekday": f"{day:%A}",
        "time_zone": _ZONE.key,
        "iso_week": label(beginning(day, PeriodUnit.WEEK), PeriodUnit.WEEK),
        "quarter": label(day, PeriodUnit.QUARTER),
    }
    text = (
        "{utc}\nWhere the stores are ({time_zone}): {weekday}, {store_date} {store_time};"
        " week {iso_week}, quarter {quarter}. This date is today in periods and SQL."
    ).format(**content)
    return ToolAnswer(content, text)


TOOL = Tool(
    name="get_current_utc_date",
    title="Current UTC date",
    description=DESCRIPTION,
    arguments=GetCurrentUtcDate,
    answer=DateContent,
    permission=SALES_READ,
    call=call,
)
