"""Resources: what a client may attach to a conversation before any tool is called."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from zava.model.audiences import Permission
from zava.model.core import Caller

_PLACE = re.compile(r"\\\{(\w+)\\\}")


@dataclass(frozen=True)
class Resource:
    """Text under a URI, read as the caller; a URI with `{name}` places stands for many.

    `read` is awaited with the domain's use cases, the caller and the value of each place.
    `permission` is what the caller's token has to allow; None allows every token. The text of a
    live resource is valid for that moment alone.
    """

    uri: str
    name: str
    title: str
    description: str
    read: Callable[[Any, Caller, Mapping[str, str]], Awaitable[str]]
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


def find_resource(
    uri: str, resources: Mapping[str, Resource]
) -> tuple[Resource, dict[str, str]] | None:
    """Return the resource that a URI names and the values of its places."""
    for resource in resources.values():
        values = resource.match(uri)
        if values is not None:
            return resource, values
    return None
