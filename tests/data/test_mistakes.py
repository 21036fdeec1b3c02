"""Mistakes of models are answered with what to write instead."""

import pytest

from tests.data.mistakes import GENERAL, MISTAKES
from tests.data.mistakes_of_kinds import FURTHER
from zava.data.sql_query.free_query import FreeQuery
from zava.errors import ZavaError
from zava.model.core import Caller

GENERAL_HINTS = (
    "Correct the syntax near the stated position",
    "Use PostgreSQL's aggregate, window",
    "No function matches",
    "No operator matches",
    "Fetch the exact",
    "Check the function's name",
    "PostgreSQL does not support this form",
    "Correct the statement.",
    "does not fit here",
    "Check the number, the order and the types",
)


async def answered(free_query: FreeQuery, caller: Caller, statement: str) -> str:
    """Return message and hint, nothing for a statement that is run."""
    try:
        await free_query.run(caller, statement, max_rows=1)
    except ZavaError as error:
        return f"{error.message} {error.hint}"
    return ""


@pytest.mark.parametrize(
    ("mistakes", "least", "most_general"), [(MISTAKES, 240, 15), (FURTHER, 100, 5)]
)
async def test_mistakes_of_models_are_corrected_in_one_step(
    free_query: FreeQuery,
    callers: dict[str, Caller],
    mistakes: tuple[tuple[str, str], ...],
    least: int,
    most_general: int,
) -> None:
    wrong = []
    general = 0
    for statement, part in mistakes:
        told = await answered(free_query, callers["seattle"], statement)
        is_general = any(hint in told for hint in GENERAL_HINTS)
        general += is_general
        if (
            is_general != (part == GENERAL)
            or (part != GENERAL and part not in told)
            or (not part and told)
        ):
            wrong.append((statement, part, told))
    assert not wrong, "\n".join(map(str, wrong))
    assert len(mistakes) >= least
    assert general <= most_general


@pytest.mark.parametrize(
    "statement", ["SELECT 1 FROM retail.stores WHERE store_name::uuid IS NULL"]
)
async def test_text_of_a_row_is_never_repeated(
    free_query: FreeQuery, callers: dict[str, Caller], statement: str
) -> None:
    told = await answered(
        free_query, callers["seattle"], f"{statement} AND 'Zava Retail Seattle' <> ''"
    )
    assert "Seattle" not in told


async def test_literal_of_the_statement_is_shown(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    sql = "SELECT 1 FROM retail.orders WHERE store_id = 'seattle'"
    assert "type uuid: 'seattle' (at" in await answered(free_query, callers["seattle"], sql)
