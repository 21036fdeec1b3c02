"""What the host makes of log lines: which arrive, under which category and level.

A line of a call that runs is the function's. A line of no running call is dropped. Each line of
the worker's standard output and error is the console's; its words decide its level. A line with
the worker's own prefix is the platform's.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import IO

import orjson

CONSOLE = "Host.Function.Console"
PREFIX = "LanguageWorkerConsoleLog"
_ORDER = ("Trace", "Debug", "Information", "Warning", "Error", "Critical", "None")
_ERROR_WORDS = ("error", "fail", "severe")


def level_of(levels: Mapping[str, str], category: str) -> str:
    """Return the least level that a category logs: the longest pattern that fits decides."""
    fitting = [pattern for pattern in levels if pattern != "default" and _fits(pattern, category)]
    return levels[max(fitting, key=len)] if fitting else levels.get("default", "Information")


def is_logged(levels: Mapping[str, str], category: str, level: str) -> bool:
    """Whether a line of this category and level arrives."""
    return _ORDER.index(level) >= _ORDER.index(level_of(levels, category))


def console_level(line: str) -> str:
    """Return the level that the host reads from a line of the console."""
    words = line.lower()
    if "warn" in words:
        return "Warning"
    return "Error" if any(word in words for word in _ERROR_WORDS) else "Information"


class HostLog:
    """Writes what arrives, a line of JSON each; `dropped` counts lines of no running call."""

    def __init__(self, levels: Mapping[str, str], path: Path | None) -> None:
        self._levels = levels
        self._file: IO[bytes] | None = path.open("ab", buffering=0) if path else None
        self.dropped = 0

    def write(self, category: str, level: str, message: str) -> None:
        """Take one line."""
        if self._file is not None and is_logged(self._levels, category, level):
            line = {"category": category, "level": level, "message": message}
            self._file.write(orjson.dumps(line) + b"\n")

    def user_line(self, function: str | None, level: str, message: str) -> None:
        """Take a line that the worker sent for a call; None when no such call runs."""
        if function is None:
            self.dropped += 1
        else:
            self.write(f"Function.{function}.User", level, message)

    def console_line(self, line: str) -> None:
        """Take a line of the worker's standard output or error."""
        if line and not line.startswith(PREFIX):
            self.write(CONSOLE, console_level(line), line)

    def began(self, function: str) -> None:
        """Note that a call begins."""
        self.write(f"Function.{function}", "Information", f"Executing 'Functions.{function}'")

    def ended(self, function: str, *, failure: str | None) -> None:
        """Note that a call ended; of a failure, words and stack arrive twice."""
        result = "Succeeded" if failure is None else "Failed"
        level = "Information" if failure is None else "Error"
        self.write(f"Function.{function}", level, f"Executed 'Functions.{function}' ({result})")
        if failure is not None:
            self.write(f"Function.{function}", "Error", failure)
            self.write("Host.Results", "Error", failure)


def _fits(pattern: str, category: str) -> bool:
    start, has_wildcard, end = pattern.partition("*")
    category = category.lower()
    if not has_wildcard:
        return category.startswith(pattern.lower())
    return category.startswith(start.lower()) and category.endswith(end.lower())
