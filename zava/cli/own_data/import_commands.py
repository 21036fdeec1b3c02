"""`zava import`: loads a retailer's own files."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event
from typing import Annotated, Any

import psycopg
import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from zava.cli import progress
from zava.cli.terminal import Requester, administered, console, operator
from zava.composition.backends import embedders
from zava.retail.data.data_quality import DAYS, read_quality
from zava.retail.importing.files.suggesting import suggest
from zava.retail.importing.inbox import make_import_login, run_inbox
from zava.retail.importing.layout import ImportRefused, ImportUnderWay
from zava.retail.importing.mapping import Mapping, documented_layout, find_mapping
from zava.retail.importing.rejects import MODES, ImportReport, Mode, write_rejects
from zava.retail.importing.run import run_import
from zava.retail.importing.watching import WatchedDirectory
from zava.settings import settings

_SAMPLES = 5
WATCHING = "Watching; SIGTERM or Ctrl-C ends it."
_PASSING = (ImportUnderWay, psycopg.OperationalError, psycopg.InterfaceError)


def import_files(
    path: Annotated[Path | None, typer.Argument(help="A directory of files, or one file.")] = None,
    *,
    inbox: Annotated[
        bool, typer.Option("--inbox", help="Load what import logins have written.")
    ] = False,
    source: Annotated[
        str, typer.Option(help="The system that the inbox's keys belong to.")
    ] = "import",
    suggested: Annotated[
        bool, typer.Option("--suggest", help="Print a first mapping for the files, and end.")
    ] = False,
    mapping: Annotated[
        str | None,
        typer.Option(help="How to read files of another layout: a TOML file, or shopify, …"),
    ] = None,
    mode: Annotated[
        str, typer.Option(help="append, upsert, or replace-period: the period of the files.")
    ] = "upsert",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Load nothing when a row is rejected.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Load what comes into the directory until it is ended.")
    ] = False,
    every: Annotated[
        float, typer.Option(min=0.1, help="Seconds between two looks at a watched directory.")
    ] = 10,
    by: Requester = None,
) -> None:
    """Load a retailer's own files: stores, products, customers, inventory, orders and lines."""
    if (path is None) != inbox:
        raise ImportRefused("give either a directory or file, or --inbox")
    if path is not None and suggested:
        console.print(suggest(path), highlight=False, markup=False)
        return
    given = find_mapping(mapping) if mapping else documented_layout()
    options: dict[str, Any] = {"mode": _mode(mode), "strict": strict, "actor": by or operator()}
    if watch:
        if path is None or dry_run:
            raise ImportRefused("--watch: give a directory, without --inbox and --dry-run")
        _watch(WatchedDirectory(path, given), given, options, every)
        return
    options["dry_run"] = dry_run
    with administered() as database, database.administration() as connection:
        if path is None:
            _load(connection, run_inbox, replace(given, source=source), **options)
        else:
            _load(connection, partial(run_import, path=path), given, **options)


def _load(
    connection: psycopg.Connection,
    run: Callable[..., ImportReport],
    mapping: Mapping,
    **options: Any,
) -> None:
    """Run an import under a progress bar, print its report, and embed changed products."""
    with _progress() as shown:
        task = shown.add_task("Reading", total=1.0)
        report = run(
            connection,
            mapping=mapping,
            progress=lambda what, share: shown.update(task, description=what, completed=share),
            **options,
        )
    _print_report(report)
    known = embedders(settings())
    if report.counts["products"].written and not report.is_dry_run and known:
        progress.embed_with_progress(
            connection, known[0], activate=False, console=console, lines=True
        )


def _watch(
    watched: WatchedDirectory, mapping: Mapping, options: dict[str, Any], every: float
) -> None:
    ended = Event()  # by a signal alone, which interrupts the wait
    with suppress(KeyboardInterrupt), administered() as database:
        console.print(WATCHING, highlight=False, markup=False)
        while True:
            if waiting := watched.complete():
                try:
                    with database.administration() as connection:
                        _load_waiting(connection, watched, waiting, mapping, options)
                except (*_PASSING, OSError) as error:
                    _print_line(f"Not loaded; it is tried again: {' '.join(str(error).split())}")
            ended.wait(every)


def _load_waiting(
    connection: psycopg.Connection,
    watched: WatchedDirectory,
    waiting: list[Path],
    mapping: Mapping,
    options: dict[str, Any],
) -> None:
    while files := watched.next_run(connection, waiting):
        _print_line(f"Loading {', '.join(file.name for file in files)}")
        try:
            _load(connection, partial(run_import, path=files), mapping, **options)
        except _PASSING:
            raise
        except (ImportRefused, PermissionError, psycopg.Error) as refused:
            # The server's own message may hold a cell.
            is_its = isinstance(refused, psycopg.Error)
            why = f"the database rejected it ({type(refused).__name__})" if is_its else refused
            _print_line(f"Refused, and left alone until a file changes: {why}")
        watched.settle(files)
        waiting = [file for file in waiting if file not in files]


def _print_line(text: str) -> None:
    console.print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ} {text}", highlight=False, markup=False)


def data(
    days: Annotated[
        int, typer.Option(min=1, max=3660, help="How far back gaps and totals are looked at.")
    ] = DAYS,
) -> None:
    """Show how fresh and whole the data are: stores, days without an order, imports, rejects."""
    with administered() as database, database.administration() as connection:
        report = read_quality(connection, days=days)
    table = Table()
    table.add_column("store", no_wrap=True)
    for heading in (
        "orders",
        "first day",
        "last day",
        "days without",
        "unlike their lines",
        "last 14 days",
    ):
        table.add_column(heading, justify="right")
    for store in report.stores:
        table.add_row(
            store.store,
            f"{store.orders:,}",
            str(store.first_day or "none"),
            str(store.last_day or "none"),
            f"{store.gaps:,}",
            f"{store.differing:,}",
            " ".join(map(str, store.recent or ())),
        )
    console.print(table)
    console.print(f"Imports: {len(report.runs) or 'none'}")
    for run in report.runs:
        console.print(
            f"  {run.finished_at.astimezone(UTC):%Y-%m-%d %H:%MZ} {run.source} {run.mode}"
            f" {run.files}: {run.written or 0:,} rows written, {run.rejected or 0:,} rejected",
            highlight=False,
            markup=False,
        )
    for broken in report.broken:
        console.print(
            f"  {broken.rows:,} rows of {broken.table}, {broken.column or 'row'}: {broken.rule}",
            highlight=False,
            markup=False,
        )


def import_login(
    name: Annotated[str, typer.Argument(help="Name of the role to make.")],
) -> None:
    """Make a database login for a tool that loads data and reads nothing."""
    with administered() as database, database.administration() as connection:
        password = make_import_login(connection, name)
    console.print(
        f"{name} may insert into the tables zava_import.inbox_… and read nothing."
        " Its password, which is not shown again:"
    )
    console.print(password, highlight=False, markup=False)


def _mode(given: str) -> Mode:
    for mode in MODES:
        if mode == given:
            return mode
    raise ImportRefused(f"--mode: expected {', '.join(MODES)}")


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    return Progress(*columns, TimeElapsedColumn(), console=console, transient=True)


def _print_report(report: ImportReport) -> None:
    if report.was_resumed:
        console.print("Went on from the staged rows of an import that did not end.")
    console.print("Would change:" if report.is_dry_run else "Imported:")
    table = Table()
    table.add_column("table")
    for heading in ("rows", "added", "changed", "removed", "rejected"):
        table.add_column(heading, justify="right")
    for name, counts in report.counts.items():
        if counts.staged:
            figures = (counts.staged, counts.added, counts.changed, counts.removed)
            table.add_row(name, *(f"{figure:,}" for figure in (*figures, counts.rejected)))
    console.print(table)
    for note in report.notes:
        console.print(note, highlight=False, markup=False)
    for reject in report.rejects[:_SAMPLES]:
        console.print(f"  {reject}", highlight=False, markup=False)
    if not report.rejects:
        return
    try:
        for path in write_rejects(report.rejects):
            console.print(f"Rejected rows: {path}", highlight=False, markup=False)
    except OSError as error:
        console.print(f"The rejected rows are not written beside the files: {error.strerror}")
