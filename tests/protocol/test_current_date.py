"""Today is the stores' day: in UTC it is tomorrow already for seven or eight hours."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.answers.asking import AskTool
from tests.support.servers.seeded import TODAY
from zava.model.core import Caller
from zava.retail.tools.get_current_utc_date import TOOL
from zava.service.analytics import Analytics

NOTHING: Any = None  # the date is read from no data


@pytest.mark.parametrize(
    ("utc", "expected"),
    [
        (
            datetime(2026, 11, 30, 0, 19, 49, tzinfo=UTC),
            ["2026-11-29", "16:19", "Sunday", "2026-W48", "2026-Q4"],
        ),
        (  # in summer time
            datetime(2026, 7, 1, 6, 59, tzinfo=UTC),
            ["2026-06-30", "23:59", "Tuesday", "2026-W27", "2026-Q2"],
        ),
        (  # the last evening of a year, whose week is the next one's first
            datetime(2025, 1, 1, 7, 0, tzinfo=UTC),
            ["2024-12-31", "23:00", "Tuesday", "2025-W01", "2024-Q4"],
        ),
    ],
)
async def test_stores_day_is_told_beside_utc(
    callers: dict[str, Caller], utc: datetime, expected: list[str]
) -> None:
    analytics = Analytics(NOTHING, clock=lambda: utc)
    told = await TOOL.call(analytics, callers["seattle"], TOOL.read_arguments({}))
    assert told.structured is not None
    assert told.structured["utc"] == utc.isoformat()
    fields = ("store_date", "store_time", "weekday", "iso_week", "quarter")
    assert [told.structured[field] for field in fields] == expected
    assert told.structured["time_zone"] == "America/Los_Angeles"
    assert told.text.startswith(utc.isoformat())
    assert all(word in told.text for word in expected)


async def test_day_that_was_moved_is_the_stores_day(ask_tool: AskTool) -> None:
    told = await ask_tool("seattle", "get_current_utc_date", {})
    assert told.content["store_date"] == str(TODAY)
    stock = await ask_tool("seattle", "query_metrics", {"metrics": ["stock_value"]})
    assert stock.text.startswith(f"As of {TODAY}\n")
