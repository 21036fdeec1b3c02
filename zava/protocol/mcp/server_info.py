"""The server's introduction, the same in both paths and in both eras."""

from typing import Literal, NamedTuple

from zava.model.domain import Domain

CAPABILITIES: dict[str, dict[str, bool]] = {
    "completions": {},
    "prompts": {"listChanged": False},
    "resources": {"listChanged": False, "subscribe": False},
    "tools": {"listChanged": False},
}
"""What the server can, as a client reads it; nothing that it offers changes while it runs."""


class Freshness(NamedTuple):
    """How long an answer may be kept, and whether others than the caller may be shown it."""

    seconds: int
    scope: Literal["public", "private"]


FRESHNESS: dict[str, Freshness] = {
    "server/discover": Freshness(3600, "public"),
    "prompts/list": Freshness(3600, "public"),
    # What may be called and read depends on who asks.
    "tools/list": Freshness(300, "private"),
    "resources/list": Freshness(300, "private"),
    "resources/templates/list": Freshness(300, "private"),
    "resources/read": Freshness(60, "private"),
}
"""For each method whose answer may be kept; `public` only where it is the same for everybody."""


def introduced_server(domain: Domain, *, version: str, website: str | None) -> dict[str, str]:
    """Return who serves, as a client reads it."""
    introduced = {
        "name": domain.name,
        "title": domain.name,
        "version": version,
        "description": domain.description,
    }
    return introduced | ({"websiteUrl": website} if website else {})
