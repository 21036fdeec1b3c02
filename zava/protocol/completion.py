"""Values offered while a person fills in a prompt or a resource's URI."""

from collections.abc import Awaitable, Callable, Sequence

from zava.model import Caller
from zava.service.analytics import Analytics

MAX_VALUES = 100  # the protocol's own bound


async def _tables(analytics: Analytics, caller: Caller) -> Sequence[str]:
    return await analytics.readable_tables(caller)


COMPLETIONS: dict[str, Callable[[Analytics, Caller], Awaitable[Sequence[str]]]] = {
    "table": _tables,
}
"""What may stand in a place, by its name; one meaning wherever the name is used."""


async def complete(
    analytics: Analytics, caller: Caller, argument: str, beginning: str
) -> Sequence[str]:
    """Return the values that begin so, those that only hold it after them."""
    offered = COMPLETIONS.get(argument)
    if offered is None:
        return ()
    typed = beginning.strip().lower().removeprefix("retail.")
    values = await offered(analytics, caller)
    first = [value for value in values if value.lower().startswith(typed)]
    return first + [value for value in values if typed in value.lower() and value not in first]
