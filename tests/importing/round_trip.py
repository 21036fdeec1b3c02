"""The demo as files of each format, and every answer of the scenarios over what they make."""

import csv
import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psycopg

from tests.scenarios.expected import FIFTY_ROWS, questions
from tests.support.embedding.vectors import KnownVectors
from tests.support.servers.breakable import application_over
from tests.support.servers.database import Database
from tests.support.servers.seeded import TODAY
from zava.app import Application
from zava.cli.client import call_tool
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.postgres.access_grants import grant
from zava.retail.data.index_job import embed_catalogue
from zava.retail.declaration import RETAIL
from zava.retail.demo.dataset import note_loaded
from zava.retail.demo.principals import PRINCIPALS
from zava.retail.importing.mapping import documented_layout
from zava.retail.importing.run import run_import

ASKING = ("seattle", "eastside", "head-office")

Answers = Mapping[tuple[str, str, str], Any]


def _compressed(source: Path, target: Path) -> None:
    target.write_bytes(gzip.compress(source.read_bytes(), compresslevel=1))


def _json_lines(source: Path, target: Path) -> None:
    with source.open(newline="") as file:
        target.write_text("".join(f"{json.dumps(row)}\n" for row in csv.DictReader(file)))


def _parquet(source: Path, target: Path) -> None:
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet

    parquet.write_table(arrow_csv.read_csv(source), target)


def _workbook(source: Path, target: Path) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    with source.open(newline="") as file:
        for row in csv.reader(file):
            sheet.append([_typed(cell) for cell in row])
    book.save(target)


def _typed(cell: str) -> str | float | None:
    """Return a cell as a person has it in a workbook: figures are numbers."""
    return float(cell) if cell.replace(".", "", 1).isdecimal() else cell or None


WRITERS: dict[str, Callable[[Path, Path], None]] = {
    "csv.gz": _compressed,
    "jsonl": _json_lines,
    "parquet": _parquet,
    "xlsx": _workbook,
}
"""What writes a CSV file in another format, by the end of the file's name."""


def rewrite(directory: Path, target: Path, form: str) -> Path:
    """Write the CSV files of a directory in another format; return where they are."""
    target.mkdir()
    for source in directory.glob("*.csv"):
        WRITERS[form](source, target / f"{source.stem}.{form}")
    return target


def import_twice(empty: Database, directory: Path, vectors: Path) -> None:
    """Import files into an empty database and embed its products; a second time changes nothing."""
    with psycopg.connect(empty.admin, autocommit=True) as admin:
        report = run_import(admin, directory, documented_layout())
        assert [str(reject) for reject in report.rejects[:3]] == []
        assert report.notes == []
        again = run_import(admin, directory, documented_layout())
        assert all(counts.written == 0 for counts in again.counts.values())
        # A file does not show that it is whole: whoever loads it states that.
        admin.execute("SET ROLE zava_loader")
        note_loaded(admin, TODAY)
        admin.execute("RESET ROLE")
        for principal in PRINCIPALS:  # an imported store has an id of its own
            grant(
                admin,
                RETAIL,
                caller=principal.caller,
                display_name=principal.name,
                audience=principal.audience.name,
                stores=principal.stores,
                reads_personal=True,
            )
        embed_catalogue(admin, KnownVectors(vectors))


async def on_the_day_of_the_demo(
    conninfo: str, home: StateDirectory, context_keys: list[str], tokens: Mapping[str, str]
) -> Answers:
    """Return every answer over a database, on the day to which the data run."""
    async with application_over(
        conninfo, home, context_keys, ZAVA_TODAY=TODAY.isoformat()
    ) as application:
        # The app loads its model at the first question, with a bound; the test loads it before.
        (embedder,) = application.vectors._embedders.values()
        await embedder.embed(["hammer"], within_seconds=60)
        return await _every_answer(application, tokens)


async def _every_answer(application: Application, tokens: Mapping[str, str]) -> Answers:
    """Return what each person is answered to each question: the text and the whole content."""
    asked = [
        (f"{question.number}", question.tool, question.call_arguments)
        for question in questions()
        if question.arguments or question.prompt
    ]
    asked.append(("fifty rows", "execute_sales_query", FIFTY_ROWS))
    answers = {}
    for principal in ASKING:
        for name, tool, arguments in asked:
            status, body = await call_tool(application.endpoint, tokens[principal], tool, arguments)
            assert status == 200, body
            result = body["result"]
            assert not result["isError"], result
            content = dict(result["structuredContent"])
            content.pop("as_of", None)
            answers[principal, name, tool] = (result["content"][0]["text"], content)
    return answers
