"""Reads the keys of one table of a declaration; each problem names the key."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Self


class SectionContent:
    """A table of the file under its place; what is wrong with it goes into `problems`."""

    def __init__(self, content: Mapping[str, Any], place: str, problems: list[str]) -> None:
        self._content = content
        self._place = place
        self._problems = problems

    def section(self, key: str) -> Self:
        """Return a table inside of this one."""
        found = self._content.get(key, {})
        if not isinstance(found, dict):
            self.refuse(key, "expected a table")
            found = {}
        return type(self)(found, f"{self._place}.{key}".strip("."), self._problems)

    def only(self, keys: Sequence[str]) -> None:
        """Refuse every key that is not one of these."""
        for key in self._content:
            if key not in keys:
                self.refuse(key, f"there is no such key{perhaps(key, keys)}")

    def text(self, key: str, *, default: str | None = None) -> str:
        """Return a text that is not empty."""
        if default is not None and key not in self._content:
            return default
        found = self._content.get(key)
        if isinstance(found, str) and found:
            return found
        self.refuse(key, "expected a text" if key in self._content else "is missing")
        return ""

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty without the key."""
        found = self._content.get(key, [])
        if isinstance(found, list) and all(isinstance(each, str) and each for each in found):
            return tuple(found)
        self.refuse(key, "expected a list of texts")
        return ()

    def flag(self, key: str) -> bool:
        """Return true or false, false without the key."""
        found = self._content.get(key, False)
        if not isinstance(found, bool):
            self.refuse(key, "expected true or false")
        return found is True

    def refuse(self, key: str, problem: str) -> None:
        """Add a problem of a key."""
        self._problems.append(f"{f'{self._place}.{key}'.strip('.')}: {problem}")


def perhaps(name: str, known: Sequence[str]) -> str:
    """Return the known name that a wrong one may stand for, as the end of a sentence."""
    nearest = get_close_matches(name, known, n=1)
    return f"; perhaps {nearest[0]}" if nearest else ""
