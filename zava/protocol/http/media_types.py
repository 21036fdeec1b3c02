"""Which forms of an answer a client takes, by its Accept header."""

from collections.abc import Sequence
from functools import lru_cache

from zava.protocol.http_responses import JSON_TYPE

_TAKES_JSON = frozenset({JSON_TYPE, "application/*", "*/*"})
_TAKES_EVENTS = frozenset({"text/event-stream", "text/*", "*/*"})
_ANYTHING = frozenset({"*/*"})
_MAX_CHARACTERS = 260  # hardly a list of media types is longer


def accepted_forms(fields: Sequence[tuple[str, str]]) -> tuple[bool, bool]:
    """Return whether the client takes JSON, and whether it takes an event stream."""
    lines = ",".join([value for name, value in fields if name == "accept"])
    split = _split_remembered if len(lines) <= _MAX_CHARACTERS else _split
    accepted = split(lines) or _ANYTHING  # an absent header accepts all (RFC 9110)
    return not accepted.isdisjoint(_TAKES_JSON), not accepted.isdisjoint(_TAKES_EVENTS)


def _split(lines: str) -> frozenset[str]:
    parts = (part.partition(";")[0].strip() for part in lines.lower().split(","))
    return frozenset(filter(None, parts))


_split_remembered = lru_cache(256)(_split)  # a client sends the same header in each request
