"""The chart of a metric tool's answer: one HTML file that connects to its host alone."""

import re
from functools import cache
from pathlib import Path

URI = "ui://zava/sales-chart.html"
MIME_TYPE = "text/html;profile=mcp-app"

_HERE = Path(__file__).parent
_PLACE = re.compile(r"^\{(.+)\}$", re.MULTILINE)
_SPACE = re.compile(r"\s*([{};:,>])\s+")
_ONE_ARGUMENT = re.compile(r"(?<!\w)\((\w+)\) => ")  # written so nowhere but in an arrow function
_OPERATOR = re.compile(r" (=|=>|===|!==|&&|\|\||<=|>=) ")  # in no text of ours
_LINE_GOES_ON = re.compile(r"([{(,;])\n")
_COMMENT = re.compile(r"^(?://.*|/\*.*\*/)$")
_IMPORT = re.compile(r"^import .*$", re.MULTILINE)
_EXPORT = re.compile(r"^export ", re.MULTILINE)


def source(name: str) -> str:
    """Return one of the files from which pages are made."""
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def page() -> str:
    """Return the whole page, put together from its files without comments and needless space.

    The parts are modules for a browser; inlined into one script they share its scope, so that
    neither imports nor exports are left.
    """
    whole = _PLACE.sub(lambda place: _inlined(place[1]), source("app.html"))
    lines = (line.strip() for line in whole.splitlines())
    kept = "\n".join(line for line in lines if line and not _COMMENT.match(line))
    return _LINE_GOES_ON.sub(r"\1", kept) + "\n"


def _inlined(name: str) -> str:
    if name.endswith(".css"):
        return _SPACE.sub(r"\1", source(name)).replace(";}", "}")
    script = _ONE_ARGUMENT.sub(r"\1=>", _EXPORT.sub("", _IMPORT.sub("", source(name))))
    return _OPERATOR.sub(r"\1", script)
