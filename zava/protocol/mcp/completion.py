"""Values offered while a person fills in a prompt or a resource's URI."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from zava.model.audiences import SQL_QUERY, Permission
from zava.model.core import Caller
from zava.service.analytics import Analytics

MAX_VALUES = 100  # the protocol's own bound
RECORDED_AS = "completion/complete"


@dataclass(frozen=True, slots=True)
class OfferedValues:
    """The possible values of an argument; the caller's token has to allow `permission`."""

    name: str
    permission: Permission | None
    values: Callable[[Analytics, Caller], Awaitable[Sequence[str]]]


async def _tables(analytics: Analytics, caller: Caller) -> Sequence[str]:
    return await analytics.data.readable_tables(caller)


COMPLETIONS: dict[str, OfferedValues] = {
    # The names of tables are their structure, which the resource of a table shows, too.
    "table": OfferedValues("completion of table", SQL_QUERY, _tables),
}
"""What may stand in a place, by its name; one meaning wherever the name is used."""


async def complete(
    analytics: Analytics, caller: Caller, offered: OfferedValues, beginning: str
) -> Sequence[str]:
    """Return the values that begin so, those that only hold it after them.

    Raises:
        ZavaError: the values could not be read now, or the caller has no access.
    """
    typed = beginning.strip().lower().removeprefix(f"{analytics.data.domain.schema}.")
    values = await offered.values(analytics, caller)
    first = [value for value in values if value.lower().startswith(typed)]
    return first + [value for value in values if typed in value.lower() and value not in first]
