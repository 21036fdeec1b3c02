"""Resources: what a client may attach to a conversation before any tool is called."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from zava.model.core import Caller, Permission
from zava.protocol.apps import sales_chart
from zava.protocol.rendering.schema import schemas_text
from zava.protocol.resources import budget, performance
from zava.service.analytics import Analytics

_PLACE = re.compile(r"\\\{(\w+)\\\}")


@dataclass(frozen=True)
class Resource:
    """Text under a URI, read as the caller; a URI with `{name}` places stands for many.

    `read` is awaited with the use cases, the caller and the value of each place. `permission` is
    what the caller's token has to allow; None allows every token. The text of a live resource is
    valid for that moment alone.
    """

    uri: str
    name: str
    title: str
    description: str
    read: Callable[[Analytics, Caller, Mapping[str, str]], Awaitable[str]]
    permission: Permission | None
    mime_type: str = "text/plain"
    is_live: bool = False

    @cached_property
    def places(self) -> tuple[str, ...]:
        """Return the names of the places that the URI has."""
        return tuple(self._pattern.groupindex)

    @property
    def is_template(self) -> bool:
        """Whether the URI has places to fill."""
        return bool(self.places)

    def match(self, uri: str) -> dict[str, str] | None:
        """Return the value of each place in a URI of this resource, None for another's."""
        found = self._pattern.fullmatch(uri)
        return found.groupdict() if found else None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(_PLACE.sub(r"(?P<\1>[^/?#]{1,100})", re.escape(self.uri)))


async def _schema(analytics: Analytics, caller: Caller, _values: Mapping[str, str]) -> str:
    return schemas_text(*await analytics.data.table_schemas(caller, None))


async def _table(analytics: Analytics, caller: Caller, values: Mapping[str, str]) -> str:
    return schemas_text(*await analytics.data.table_schemas(caller, [values["table"]]))


async def _metrics(analytics: Analytics, _caller: Caller, _values: Mapping[str, str]) -> str:
    return analytics.sales.metrics.describe()


async def _sales_chart(_analytics: Analytics, _caller: Caller, _values: Mapping[str, str]) -> str:
    return sales_chart.page()


RESOURCES: dict[str, Resource] = {
    resource.uri: resource
    for resource in (
        Resource(
            uri="retail://schema",
            name="schema",
            title="Retail schema",
            description="Every retail table that you may read: columns, keys, comments and known"
            " values.",
            read=_schema,
            permission=Permission.SQL_QUERY,
        ),
        Resource(
            uri="retail://tables/{table}",
            name="table",
            title="Retail table",
            description="One table, such as retail://tables/orders: columns, keys, comments and"
            " known values.",
            read=_table,
            permission=Permission.SQL_QUERY,
        ),
        Resource(
            uri="retail://metrics",
            name="metrics",
            title="Metric catalogue",
            description="Every certified metric and dimension: unit, meaning, and over what it adds"
            " up.",
            read=_metrics,
            permission=Permission.SALES_READ,
            mime_type="text/markdown",
        ),
        Resource(
            uri=sales_chart.URI,
            name="sales_chart",
            title="Sales chart",
            description="The page in which a client with MCP Apps draws figures; it holds none.",
            read=_sales_chart,
            permission=Permission.SALES_READ,
            mime_type=sales_chart.MIME_TYPE,
        ),
        Resource(
            uri=performance.URI,
            name="performance",
            title="Query performance",
            description="Which statements of this server take the time, by shape; for the head"
            " office alone.",
            read=performance.read,
            permission=Permission.SQL_QUERY,
            is_live=True,
        ),
        Resource(
            uri=budget.URI,
            name="budget",
            title="Your budget",
            description="What you have used of your calls and database time, and what is left.",
            read=budget.read,
            permission=None,
            is_live=True,
        ),
    )
}
"""Every resource and template by URI, in the order in which they are listed."""


def find_resource(
    uri: str, resources: Mapping[str, Resource] = RESOURCES
) -> tuple[Resource, dict[str, str]] | None:
    """Return the resource that a URI names and the values of its places."""
    for resource in resources.values():
        values = resource.match(uri)
        if values is not None:
            return resource, values
    return None
