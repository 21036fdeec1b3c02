"""Write the note on how to continue a cut answer: by the key that the statement sorts by."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from zava.data.guard.field_notation import implied_name
from zava.data.syntax.parser import parse
from zava.model.core import Table

Node = Mapping[str, Any]

UNSORTED = "Without ORDER BY the rows come in any order: sort by a unique key to continue after it."
_MAX_VALUE_CHARACTERS = 60


def sort_keys(statement: str) -> list[str | int | None]:
    """Return what the statement sorts by: an output's name or position, None for an expression.

    Call it on the parsing thread.
    """
    return list(_keys(parse(statement)[0]["stmt"]["SelectStmt"]))


def how_to_continue(keys: list[str | int | None], table: Table) -> str:
    """Return a sentence for a table whose last row is not the statement's last."""
    names = [column.name for column in table.columns]
    bounds = []
    for key in keys:
        place = key - 1 if isinstance(key, int) else -1
        if isinstance(key, str) and names.count(key) == 1:
            place = names.index(key)
        if not 0 <= place < len(names):
            break  # the row does not hold the rest of the order
        value, column = table.rows[-1][place], table.columns[place]
        if (
            column.is_outside_text
            or len(str(value)) > _MAX_VALUE_CHARACTERS
            or not _is_literal(value)
        ):
            bounds.append(f"the last {names[place]}")  # an outsider wrote it
        else:
            bounds.append(f"{names[place]} = {_literal(value)}")
    if not bounds:
        return UNSORTED if not keys else "To continue, request rows after the last one's sort key."
    return (
        f"To continue, keep the ORDER BY and request rows after {', '.join(bounds)};"
        " end it with a unique key where values repeat."
    )


def _keys(select: Node) -> Iterator[str | int | None]:
    for sort in select.get("sortClause", ()):
        node = sort["SortBy"]["node"]
        position = node.get("A_Const", {}).get("ival")
        fields = node.get("ColumnRef", {}).get("fields", ())
        if position is not None:
            yield position.get("ival", 0)
        elif len(fields) == 1 and "String" in fields[0]:
            yield fields[0]["String"]["sval"]
        elif fields and "String" in fields[-1] and _is_shown(fields, select.get("targetList", ())):
            yield fields[-1]["String"]["sval"]
        else:
            yield None


def _is_shown(key: Sequence[Node], targets: Sequence[Node]) -> bool:
    """Whether an output of the name of a qualified key is that column itself.

    `round(o.total) AS total` is another value: rows between the two would be lost.
    """
    *qualifier, name = key
    is_shown = False
    for target in targets:
        result = target["ResTarget"]
        fields = result["val"].get("ColumnRef", {}).get("fields", [{}])
        if "A_Star" in fields[-1]:
            is_shown |= fields[:-1] in ([], qualifier)
        elif result.get("name", implied_name(result["val"])) == name["String"]["sval"]:
            if fields not in ([name], list(key)):
                return False
            is_shown = True
    return is_shown


def _is_literal(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value)
