"""Rewrites the cells of a source's row as the layout's columns, still as text."""

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from itertools import compress, repeat

from zava.retail.importing.files.reading import Cell
from zava.retail.importing.layout import Field, ImportRefused
from zava.retail.importing.mapping import Load, MappedColumn, Mapping

Record = tuple[str, ...]
"""The number of a row, and the cells of the layout; an empty cell is NULL."""
Rewrite = Callable[[Sequence[str], Sequence[Sequence[Cell]]], list[Record]]

_Columns = Sequence[Sequence[Cell]]
_Cells = Callable[[_Columns], Iterable[str]]

_MAX_NAMES = 12
_COMMA_NUMBER = re.compile(r"[-+]?\d{1,3}(?:[. ']\d{3})+(?:,\d+)?|[-+]?\d+(?:,\d+)?")
_POINT_NUMBER = re.compile(r"[-+]?\d{1,3}(?:[, ']\d{3})+(?:\.\d+)?")
_CURRENCY = re.compile(
    r"\s*([-+(]*)\s*(?:[$€£]|USD|EUR|GBP)?\s*([-+]?[\d.,' ]+?)\s*[$€£]?\s*(\)?)\s*"
)
_MARK = re.compile(r"[$€£]|USD|EUR|GBP")
_SAME = {"USD": "$", "EUR": "€", "GBP": "£"}
_ANOTHER = "(another currency)"
_DATE = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})(?!\d)(.*)", re.DOTALL)
_BASIC_DATE = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})(?!\d)(.*)", re.DOTALL)
_KINDS_OF_TIME = frozenset({"date", "moment"})
_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), "true"),
    **dict.fromkeys(("false", "f", "no", "n", "0"), "false"),
}


def rewriting(load: Load, mapping: Mapping, header: Sequence[str], file: str) -> Rewrite:
    """Return what makes the layout's rows of a source's; it leaves out those not to be loaded.

    It takes the numbers of some rows and the rows, which have as many cells as the header. A
    column of many rows is rewritten at once, because a call for each cell costs more than reading.

    Raises:
        ImportRefused: the file lacks a column that the mapping names.
    """
    places = {name: place for place, name in enumerate(header)}

    def place_of(name: str) -> int:
        if name not in places:
            near = get_close_matches(name, list(places), n=1)
            hint = f"; is it {near[0]} now?" if near else ""
            shown = ", ".join(list(places)[:_MAX_NAMES])
            raise ImportRefused(
                f"{file}: row 1: the column {name} is missing{hint}; the file has {shown}"
            )
        return places[name]

    cells = [
        _cells(load.columns.get(field.name), field, mapping, place_of, places)
        for field in load.layout.fields
    ]
    fill = None
    if load.fill is not None:
        by, filled = load.fill
        fill = _filling(place_of(by), [place_of(name) for name in filled])
    wanted = [(place_of(name), frozenset(values), True) for name, values in load.only.items()]
    wanted += [(place_of(name), frozenset(values), False) for name, values in load.skip.items()]

    def rewrite(numbers: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[Record]:
        if fill is not None:
            rows = [fill(row) for row in rows]
        for place, values, is_kept in wanted:
            kept = [((row[place] or "").strip() in values) is is_kept for row in rows]
            numbers, rows = list(compress(numbers, kept)), list(compress(rows, kept))
        columns = list(zip(*rows, strict=True))
        # A constant has no end.
        return (
            list(zip(numbers, *(cell(columns) for cell in cells), strict=False)) if columns else []
        )

    return rewrite


def _cells(
    column: MappedColumn | None,
    field: Field,
    mapping: Mapping,
    place_of: Callable[[str], int],
    places: dict[str, int],
) -> _Cells:
    # A column of the documented layout that is not required may be left out of a file.
    is_left_out = not (mapping.text or field.is_required) and field.name not in places
    if column is None or is_left_out:
        return lambda _columns: repeat("")
    if not column.sources:
        value = column.value or ""
        return lambda _columns: repeat(value)
    joined = [place_of(name) for name in column.sources]
    fallback = None if column.fallback is None else place_of(column.fallback)
    steps = _steps(column, field.kind, mapping)

    def rewritten(columns: _Columns) -> Iterable[str]:
        texts = _stripped(columns[joined[0]])
        if len(joined) > 1:
            parts = zip(*(_stripped(columns[place]) for place in joined), strict=True)
            texts = [" ".join(part).strip() for part in parts]
        if fallback is not None:
            others = _stripped(columns[fallback])
            texts = [text or other for text, other in zip(texts, others, strict=True)]
        for step in steps:
            texts = list(map(step, texts))
        return texts

    return rewritten


def _stripped(cells: Sequence[Cell]) -> list[str]:
    return [cell.strip() if cell else "" for cell in cells]


def _filling(by: int, filled: Sequence[int]) -> Callable[[Sequence[Cell]], Sequence[Cell]]:
    before: list[Cell] = []

    def fill(row: Sequence[Cell]) -> Sequence[Cell]:
        nonlocal before
        cells = list(row)
        if before and before[by] == cells[by]:
            for place in filled:
                cells[place] = cells[place] or before[place]
        before = cells
        return cells

    return fill


def _steps(column: MappedColumn, kind: str, mapping: Mapping) -> list[Callable[[str], str]]:
    steps: list[Callable[[str], str]] = []
    if column.before is not None:
        separator = column.before
        steps.append(lambda text: text.split(separator, 1)[0].strip())
    if column.values or column.otherwise is not None:
        values, otherwise = dict(column.values), column.otherwise
        steps.append(lambda text: values.get(text, otherwise if otherwise is not None else text))
    if kind in {"number", "integer", "rate"}:
        if mapping.decimal:
            steps.append(_of_one_currency())
            steps.append(_comma_number if mapping.decimal == "," else _point_number)
        if column.negate:
            steps.append(_negated)
    elif kind in _KINDS_OF_TIME:
        if mapping.dates != "YMD":
            steps.append(_day_first if mapping.dates == "DMY" else _month_first)
        steps.append(_hyphens)
    elif kind == "boolean":
        steps.append(lambda text: _BOOLEANS.get(text.lower(), text))
    return steps


def _of_one_currency() -> Callable[[str], str]:
    """Return what leaves amounts as they are, and marks those in another currency than the first.

    What it marks is no number, so that its row is rejected.
    """
    first: set[str] = set()

    def kept(text: str) -> str:
        # Most cells are digits and a point.
        if text.isascii() and not text.isupper() and "$" not in text:
            return text
        for mark in _MARK.findall(text):
            currency = _SAME.get(mark, mark)
            if not first:
                first.add(currency)
            if currency not in first:
                return f"{text} {_ANOTHER}"
        return text

    return kept


def _bare(text: str) -> str:
    """Return a number without the sign of a currency; brackets mean below zero."""
    found = _CURRENCY.fullmatch(text)
    if found is None:
        return text
    sign = "-" if "(" in found[1] and found[3] else found[1].replace("(", "").replace("+", "")
    return sign + found[2].strip()


def _comma_number(text: str) -> str:
    bare = _bare(text)
    if not _COMMA_NUMBER.fullmatch(bare):
        return text
    for mark in ". '":
        bare = bare.replace(mark, "")
    return bare.replace(",", ".").removeprefix("+")


def _point_number(text: str) -> str:
    if text.replace(".", "", 1).isdecimal():
        return text
    bare = _bare(text)
    if _POINT_NUMBER.fullmatch(bare):
        for mark in ", '":
            bare = bare.replace(mark, "")
    return bare.removeprefix("+")


def _negated(text: str) -> str:
    return text.removeprefix("-") if text.startswith("-") else f"-{text}" if text else text


def _day_first(text: str) -> str:
    found = _DATE.fullmatch(text)
    return f"{found[3]}-{found[2]:0>2}-{found[1]:0>2}{found[4]}" if found else text


def _month_first(text: str) -> str:
    found = _DATE.fullmatch(text)
    return f"{found[3]}-{found[1]:0>2}-{found[2]:0>2}{found[4]}" if found else text


def _hyphens(text: str) -> str:
    if "/" not in text:
        return text
    found = _BASIC_DATE.fullmatch(text)
    return f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}{found[4]}" if found else text
