"""What the grammar allows passes and runs; with one forbidden part anywhere in it, it is refused."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings

from tests.security.grammar import marked_statements, mutations, plain
from tests.security.guarded import COLUMNS_OF_TABLES, TABLES
from tests.support.suite.patience import patient
from zava.data.guard.guard import Guard
from zava.data.sql_query.free_query import FreeQuery
from zava.data.syntax.outside_text import OutsideText
from zava.errors import QueryRefused
from zava.model.core import Caller

pytestmark = pytest.mark.slow  # two thousand made statements

CALLING = frozenset({"pg_sleep", "regrole", "regclass"})
FUZZED, FUZZ_SECONDS = 20_000, 120

guard = Guard("retail", TABLES, COLUMNS_OF_TABLES, CALLING, OutsideText({}))
QUIET = settings(derandomize=True, suppress_health_check=list(HealthCheck))


@given(marked=marked_statements())
@settings(QUIET, max_examples=400)
async def test_statement_of_the_allowed_grammar_passes_and_runs(
    marked: str, free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    answer = await free_query.run(callers["seattle"], plain(marked), max_rows=10)
    assert {len(row) for row in answer.rows} <= {len(answer.columns)}
    orjson.dumps(answer.rows)


@given(sql=mutations())
@settings(QUIET, max_examples=1500)
def test_one_forbidden_part_anywhere_is_refused(sql: str) -> None:
    assert guard.judge(sql).error is QueryRefused


def test_no_text_ends_or_holds_up_the_process() -> None:
    """In a process of its own, so that a crash of the parser is seen."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.security.fuzzing", str(FUZZED)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=patient(FUZZ_SECONDS),
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert int(ran.stdout.split()[0]) >= FUZZED
