"""Load and embed under a progress bar; elsewhere in a line for some seconds each."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from math import ceil

import psycopg
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from zava.infrastructure.embeddings.embedder import Embedder
from zava.retail.data.index_job import EmbedReport, embed_catalogue
from zava.retail.demo.dataset import SeedReport, seed
from zava.retail.demo.renewal import renew

# A sign of life where there is no bar.
_LINE_SECONDS = 5.0
_FAST_SCALE = 0.5
_FIXED_MB, _MB_AT_SCALE_ONE = 90, 450


def seed_with_progress(
    connection: psycopg.Connection, *, scale: float, today: date, replace: bool, console: Console
) -> SeedReport:
    """Load the demo data under a progress bar; elsewhere in a line for some seconds each.

    Demo data of an earlier day get the days that they lack.

    Raises:
        SeedRefused: the database holds other data and `replace` was not given.
    """
    with progress_bar(console) as progress:

        def show(what: str, done: float) -> None:
            if done == 0:
                console.print(_outlook(scale), highlight=False)
            progress(what, done)

        report = seed(connection, scale=scale, today=today, replace=replace, progress=show)
        report = renew(connection, report, today, progress)
    console.print(str(report))
    return report


def embed_with_progress(
    connection: psycopg.Connection,
    embedder: Embedder,
    *,
    activate: bool,
    console: Console,
    lines: bool = False,
) -> EmbedReport:
    """Embed what changed under a progress bar; elsewhere, with `lines`, in a line for each batch.

    The embedder is closed afterwards.
    """
    with progress_bar(console) as progress:

        def show(done: int, pending: int) -> None:
            progress(f"Embedding with {embedder.model.name}", done / max(done, pending))
            if lines and not console.is_terminal:
                console.print(f"{done:,} of {pending:,} embedded")

        return embed_catalogue(connection, embedder, activate=activate, progress=show)


@contextmanager
def progress_bar(console: Console) -> Iterator[Callable[[str, float], None]]:
    """Lend the function that updates a progress bar, which is shown on a terminal."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    task = bar.add_task("", total=1.0)
    with ExitStack() as shown:
        last_line = time.monotonic()

        def progress(what: str, done: float) -> None:
            nonlocal last_line
            # At the first word: where there is nothing to do, there is no bar.
            if console.is_terminal and not bar.live.is_started:
                shown.enter_context(bar)
            bar.update(task, description=what, completed=done)
            if not console.is_terminal and time.monotonic() > last_line + _LINE_SECONDS:
                last_line = time.monotonic()
                console.print(f"  {what} ({done:.0%})", highlight=False)

        yield progress


def _outlook(scale: float) -> str:
    """Return how much is loaded and how long that takes, as measured on two cores."""
    minutes = "a minute" if scale <= _FAST_SCALE else f"about {ceil(2 * scale)} minutes"
    return (
        f"Loading about {round(200_000 * scale, -2):,.0f} orders (SCALE={scale:g}): {minutes} and"
        f" {ceil(_FIXED_MB + _MB_AT_SCALE_ONE * scale)} MB; a smaller SCALE is faster"
    )
