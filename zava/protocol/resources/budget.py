"""The resource `zava://budget`: what the caller has used of the budgets, and what is left."""

from collections.abc import Mapping

from zava.model.core import BudgetUse, Caller
from zava.service.analytics import Analytics

URI = "zava://budget"
_UNLIMITED = "no limit is set"


async def read(analytics: Analytics, caller: Caller, _values: Mapping[str, str]) -> str:
    """Return the caller's own use as text.

    Raises:
        AccessDenied: the caller has no grant.
    """
    return budget_text(await analytics.data.budget(caller))


def budget_text(use: BudgetUse) -> str:
    """Return one line for each budget: what it counts, a colon, what is used and what is left."""
    calls = _used(use.calls, use.calls_per_minute, use.minute_seconds_left)
    seconds = _used(use.database_seconds, use.database_seconds_per_hour, use.hour_seconds_left)
    at_once = f"at most {use.calls_at_once}" if use.calls_at_once else _UNLIMITED
    return (
        f"Calls this minute: {calls}\n"
        f"Database seconds this hour: {seconds}\n"
        f"Statements at once: {at_once}"
    )


def _used(used: float, limit: int, seconds_left: int) -> str:
    if not limit:
        return f"{_shown(used)} used; {_UNLIMITED}"
    left = _shown(max(0, limit - used))
    return f"{_shown(used)} of {limit:,} used, {left} left; counted anew in {seconds_left:,} s"


def _shown(count: float) -> str:
    return f"{round(count, 1):,}"
