"""Finds the columns in an expression of SQL, and writes each of them in another way."""

import re
from collections.abc import Callable

from zava.data.syntax.parser import NotParsed, nodes_of, parse

VERSION = "0.2.0.dev0"
VENDOR = "ZAVA"
DIALECT = "ANSI_SQL"
DIALECTS = (DIALECT, "OSSIE_SQL_2026")
"""The dialects whose expressions are read, the preferred one first."""

_BEFORE = b"SELECT "
_PART = rb'(?:"(?:[^"]|"")+"|\w+)'
_NAMES = re.compile(_PART + rb"(?:\s*\.\s*" + _PART + rb")*")


class NoExpression(Exception):
    """The text is no expression of SQL; the message has the reason."""


def rewritten(text: str, column: Callable[[tuple[str, ...]], str]) -> str:
    """Return an expression with each column as `column` writes it, given its names.

    Raises:
        NoExpression: PostgreSQL cannot parse the text.
    """
    whole = _BEFORE + text.encode()
    try:
        trees = parse(whole.decode())
    except NotParsed as error:
        raise NoExpression(f"no expression in SQL: {error.message}") from error
    found = [node["ColumnRef"] for node in nodes_of(trees) if "ColumnRef" in node]
    for reference in sorted(found, key=lambda each: each["location"], reverse=True):
        names = tuple(field.get("String", {}).get("sval", "*") for field in reference["fields"])
        match = _NAMES.match(whole, reference["location"])
        if match is not None:
            whole = whole[: match.start()] + column(names).encode() + whole[match.end() :]
    return whole.removeprefix(_BEFORE).decode()


def plain_column(text: str) -> tuple[str, ...] | None:
    """Return the names of a column that is all of an expression, None for another expression."""
    names: list[tuple[str, ...]] = []

    def kept(found: tuple[str, ...]) -> str:
        names.append(found)
        return "x"

    try:
        return names[0] if rewritten(text, kept).strip() == "x" and names else None
    except NoExpression:
        return None
