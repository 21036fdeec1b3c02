"""Copies the rows of files into the staging tables, in one transaction."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from zava.retail.importing.files.packing import COPY_OPTIONS, batches, pack
from zava.retail.importing.files.reading import (
    Cell,
    Fingerprint,
    fingerprint,
    open_rows,
    refuse_changed,
)
from zava.retail.importing.files.rewriting import Record, rewriting
from zava.retail.importing.layout import LAYOUTS, ImportRefused
from zava.retail.importing.mapping import FORMATS, Load, Mapping
from zava.retail.importing.statements import keep_first

REJECTS_END = ".rejects.csv"

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of a run, their content's fingerprints, and which load reads which of them."""

    files: tuple[Path, ...]
    fingerprints: tuple[Fingerprint, ...]
    loads: tuple[tuple[Load, int], ...]


def list_files(directory: Path, mapping: Mapping) -> list[Path]:
    """Return the files of a directory that a mapping reads, by name."""
    return _read_ones(sorted(directory.iterdir()), mapping)


def find_sources(path: Path | Sequence[Path], mapping: Mapping) -> Sources:
    """Return the files that a mapping reads: of a directory, the one file, or those given.

    Raises:
        ImportRefused: no file has a name of the mapping, or a file is empty.
    """
    given = [path] if isinstance(path, Path) else list(path)
    for one in given:
        if not one.exists():
            raise ImportRefused(f"{one}: there is no such file or directory")
    if isinstance(path, Path) and path.is_dir():
        given = sorted(path.iterdir())
    files = _read_ones(given, mapping)
    if not files:
        wanted = ", ".join(dict.fromkeys(name for load in mapping.loads for name in load.files))
        raise ImportRefused(f"{path}: no file here has one of the names {wanted}")
    order = {layout.name: place for place, layout in enumerate(LAYOUTS)}
    loads = sorted(mapping.loads, key=lambda load: order[load.layout.name])
    return Sources(
        tuple(files),
        tuple(fingerprint(file) for file in files),
        tuple(
            (load, number)
            for load in loads
            for number, file in enumerate(files)
            if load.reads(file.name)
        ),
    )


def _read_ones(files: Iterable[Path], mapping: Mapping) -> list[Path]:
    return [
        file
        for file in files
        if file.is_file()
        and file.name.lower().endswith(FORMATS)
        and not file.name.endswith(REJECTS_END)
        and any(load.reads(file.name) for load in mapping.loads)
    ]


def stage(
    connection: psycopg.Connection,
    sources: Sources,
    mapping: Mapping,
    run_id: UUID,
    progress: Progress,
) -> dict[str, int]:
    """Put the rows of all files in place of what was staged; return how many for each table.

    Raises:
        ImportRefused: a file cannot be read as the mapping describes it, or changed meanwhile.
    """
    empty(connection)
    counts = dict.fromkeys((layout.name for layout in LAYOUTS), 0)
    total = sum(sources.fingerprints[number].size for _, number in sources.loads)
    done = 0
    for load, number in sources.loads:
        name = f"{sources.files[number].name} into {load.layout.name}"
        progress(name, done / total)
        counts[load.layout.name] += _copy(
            connection, sources.files[number], number, load, mapping, run_id
        )
        done += sources.fingerprints[number].size
    for file, known in zip(sources.files, sources.fingerprints, strict=True):
        refuse_changed(file, known)
    for layout in {
        load.layout.name: load.layout for load, _ in sources.loads if load.keeps_first
    }.values():
        counts[layout.name] -= connection.execute(keep_first(layout)).rowcount
    return counts


def empty(connection: psycopg.Connection) -> None:
    """Remove what is staged and what was computed of it."""
    tables = [layout.name for layout in LAYOUTS] + ["resolved_orders", "resolved_lines"]
    connection.execute(
        sql.SQL("TRUNCATE {}").format(
            sql.SQL(", ").join(sql.Identifier("zava_import", table) for table in tables)
        )
    )


def _copy(
    connection: psycopg.Connection,
    path: Path,
    number: int,
    load: Load,
    mapping: Mapping,
    run_id: UUID,
) -> int:
    ragged: list[tuple[int, int]] = []
    is_read, count = False, 0
    with open_rows(path, mapping, load.each) as (header, rows):
        rewrite = rewriting(load, mapping, header, path.name)
        keep = _keeping_first(load) if load.keeps_first else None
        width = len(header)
        command = sql.SQL("COPY {} (file, row, {}) FROM STDIN ({})").format(
            sql.Identifier("zava_import", load.layout.name),
            sql.SQL(", ").join(map(sql.Identifier, load.layout.columns)),
            sql.SQL(COPY_OPTIONS),
        )
        with connection.cursor() as cursor, cursor.copy(command) as copy:
            for numbers, batch in batches(rows):
                is_read = True
                whole = _as_wide(numbers, batch, width, ragged)
                records = rewrite(list(map(str, numbers)), whole)
                if keep is not None:
                    records = keep(records)
                if records:
                    copy.write(pack(records, number, path.name))
                    count += len(records)
    _reject_ragged(connection, load.layout.name, number, width, ragged, run_id)
    if not is_read:
        raise ImportRefused(f"{path.name}: there is no row below the names of the columns")
    return count


def _as_wide(
    numbers: Sequence[int],
    rows: Sequence[Sequence[Cell]],
    width: int,
    ragged: list[tuple[int, int]],
) -> Sequence[Sequence[Cell]]:
    """Return rows of as many cells as the header has; those of another number become `ragged`."""
    widths = list(map(len, rows))
    if set(widths) == {width}:
        return rows
    ragged += [
        (number, cells) for number, cells in zip(numbers, widths, strict=True) if cells != width
    ]
    return [(*row, *[None] * (width - len(row)))[:width] for row in rows]


def _keeping_first(load: Load) -> Callable[[list[Record]], list[Record]]:
    """Return what leaves out rows whose key is that of the row before."""
    # The row's number comes before the columns.
    key = [load.layout.columns.index(name) + 1 for name in load.layout.key]
    before: list[str] = []

    def keep(records: list[Record]) -> list[Record]:
        nonlocal before
        kept = []
        for record in records:
            if (given := [record[place] for place in key]) != before:
                kept.append(record)
            before = given
        return kept

    return keep


def _reject_ragged(
    connection: psycopg.Connection,
    table: str,
    number: int,
    width: int,
    ragged: Sequence[tuple[int, int]],
    run_id: UUID,
) -> None:
    if not ragged:
        return
    connection.execute(
        sql.SQL(
            """
            INSERT INTO zava_import.rejects (run_id, table_name, file, row, rule, value, record)
            SELECT %s, %s, s.file, s.row, %s, g.cells, to_jsonb(s)
            FROM {} AS s
            JOIN jsonb_to_recordset(%s) AS g (row bigint, cells text) ON g.row = s.row
            WHERE s.file = %s
            """
        ).format(sql.Identifier("zava_import", table)),
        [
            run_id,
            table,
            f"the row has another number of cells than the {width} of row 1",
            Jsonb([{"row": row, "cells": str(cells)} for row, cells in ragged]),
            number,
        ],
    )
