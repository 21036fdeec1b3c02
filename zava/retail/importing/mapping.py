"""Reads how the columns of a source's files become those of the layout."""

import fnmatch
import tomllib
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from zava.retail.importing.layout import BY_NAME, LAYOUTS, ImportRefused, Layout

DateOrder = Literal["YMD", "DMY", "MDY"]

FORMATS = (".csv", ".csv.gz", ".tsv", ".txt", ".jsonl", ".jsonl.gz", ".parquet", ".xlsx")
"""Ends of the names of files that an import reads."""

_READY = Path(__file__).with_name("mappings")


@dataclass(frozen=True, slots=True)
class MappedColumn:
    """Where a column's value comes from, and how it is rewritten.

    Several `sources` are joined by a blank; `fallback` counts where they are empty.
    """

    sources: tuple[str, ...] = ()
    fallback: str | None = None
    value: str | None = None
    values: MappingOf[str, str] = field(default_factory=dict)
    otherwise: str | None = None
    before: str | None = None
    negate: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """One table to load: from which files, which of their rows, and by which columns.

    With `keeps_first` several rows may have one key, of which the first is loaded. `fill` names a
    column, and others whose empty cells repeat the cell above while that column stays the same.
    `each` names a list in a JSON object, of which each element makes a row.
    """

    layout: Layout
    files: tuple[str, ...]
    columns: MappingOf[str, MappedColumn]
    keeps_first: bool = False
    only: MappingOf[str, tuple[str, ...]] = field(default_factory=dict)
    skip: MappingOf[str, tuple[str, ...]] = field(default_factory=dict)
    fill: tuple[str, tuple[str, ...]] | None = None
    each: str | None = None

    def reads(self, name: str) -> bool:
        """Whether a file of this name is one of those to read."""
        return any(fnmatch.fnmatchcase(name.lower(), pattern.lower()) for pattern in self.files)


@dataclass(frozen=True, slots=True)
class Mapping:
    """How to read a source; `text` is what the mapping was read from.

    Without `decimal` a number has digits, one point and a sign, and nothing else. Without
    `time_zone` a moment that names no zone is in that of its store.
    """

    source: str
    loads: tuple[Load, ...]
    encoding: str = "utf-8"
    delimiter: str | None = None
    decimal: str = ""
    dates: DateOrder = "YMD"
    time_zone: str | None = None
    text: str = ""


def documented_layout() -> Mapping:
    """Return the mapping of files that follow the documented layout."""
    return Mapping(
        "import",
        tuple(
            Load(
                layout,
                tuple(f"{layout.name}{end}" for end in FORMATS),
                {name: MappedColumn(sources=(name,)) for name in layout.columns},
            )
            for layout in LAYOUTS
        ),
    )


def find_mapping(name: str) -> Mapping:
    """Return a ready mapping by its name, or the one in a file.

    Raises:
        ImportRefused: neither exists, or the file is no mapping.
    """
    ready = {path.stem: path for path in _READY.glob("*.toml")}
    path = ready.get(name, Path(name))
    if not path.is_file():
        raise ImportRefused(
            f"--mapping: {name} is no file; ready ones are {', '.join(sorted(ready))}"
        )
    return read_mapping(path)


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises:
        ImportRefused: it is no TOML, or names what does not exist; the message names the entry.
    """
    text = path.read_text(encoding="utf-8")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ImportRefused(f"{path.name}: {error}") from error
    return _mapping(document, text, path.name)


def _mapping(document: dict[str, Any], text: str, name: str) -> Mapping:
    known = {"source", "encoding", "delimiter", "decimal", "dates", "time_zone", "load"}
    _refuse_unknown(document, known, name)
    if not isinstance(document.get("source"), str) or not document["source"]:
        raise ImportRefused(f"{name}: `source` is missing; name the system that the data come from")
    if document.get("dates", "YMD") not in get_args(DateOrder):
        raise ImportRefused(f"{name}: dates: expected {', '.join(get_args(DateOrder))}")
    if document.get("decimal", ".") not in {".", ","}:
        raise ImportRefused(f"{name}: decimal: expected . or ,")
    loads = document.get("load")
    if not isinstance(loads, list) or not loads:
        raise ImportRefused(f"{name}: there is no [[load]]; each one loads a table")
    options = {key: document[key] for key in known - {"source", "load"} if key in document}
    return Mapping(
        document["source"],
        tuple(_load(load, f"{name}: load {number}") for number, load in enumerate(loads, 1)),
        text=text,
        **options,
    )


def _load(given: dict[str, Any], where: str) -> Load:
    _refuse_unknown(
        given, {"table", "files", "columns", "keep", "only", "skip", "fill", "each"}, where
    )
    layout = BY_NAME.get(given.get("table", ""))
    if layout is None:
        raise ImportRefused(f"{where}: table: expected one of {', '.join(BY_NAME)}")
    where = f"{where} ({layout.name})"
    if given.get("keep", "first") != "first":
        raise ImportRefused(f"{where}: keep: expected first")
    _refuse_unknown(given.get("columns", {}), set(layout.columns), f"{where}: columns")
    columns = {key: _column(value, where, key) for key, value in given.get("columns", {}).items()}
    for wanted in layout.fields:
        if wanted.is_required and wanted.name not in columns:
            raise ImportRefused(f"{where}: column {wanted.name} is required and has no source")
    files = given.get("files", [f"{layout.name}.*"])
    return Load(
        layout,
        tuple(files),
        columns,
        keeps_first="keep" in given,
        only={key: tuple(values) for key, values in given.get("only", {}).items()},
        skip={key: tuple(values) for key, values in given.get("skip", {}).items()},
        fill=_fill(given["fill"], where) if "fill" in given else None,
        each=given.get("each"),
    )


def _fill(given: Any, where: str) -> tuple[str, tuple[str, ...]]:
    if not isinstance(given, dict) or set(given) != {"by", "columns"}:
        raise ImportRefused(f"{where}: fill: expected `by` and `columns`")
    return given["by"], tuple(given["columns"])


def _column(given: Any, where: str, name: str) -> MappedColumn:
    if isinstance(given, str):
        return MappedColumn(sources=(given,))
    if not isinstance(given, dict):
        raise ImportRefused(f"{where}: {name}: expected a column's name or a table")
    _refuse_unknown(
        given,
        {"column", "or", "value", "values", "otherwise", "before", "negate"},
        f"{where}: {name}",
    )
    if ("column" in given) == ("value" in given):
        raise ImportRefused(f"{where}: {name}: give either `column` or `value`")
    named = given.get("column", [])
    return MappedColumn(
        sources=(named,) if isinstance(named, str) else tuple(named),
        fallback=given.get("or"),
        value=None if "value" not in given else str(given["value"]),
        values={str(key): str(value) for key, value in given.get("values", {}).items()},
        otherwise=None if "otherwise" not in given else str(given["otherwise"]),
        before=given.get("before"),
        negate=bool(given.get("negate", False)),
    )


def _refuse_unknown(given: MappingOf[str, Any], known: set[str], where: str) -> None:
    for key in given:
        if key not in known:
            raise ImportRefused(f"{where}: {key} is unknown; expected {', '.join(sorted(known))}")
