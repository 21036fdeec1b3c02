"""A tool call as a client sees it: text for a reader, content for a program."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Told:
    """What one call told."""

    text: str
    content: dict[str, Any]
    is_error: bool


AskTool = Callable[[str, str, Mapping[str, Any]], Awaitable[Told]]
"""Calls a tool as a demo principal, by name, with arguments."""
