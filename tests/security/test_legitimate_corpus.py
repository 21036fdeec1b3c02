"""What an analyst's model writes runs, as every audience: a false refusal is a defect."""

from collections import Counter

import orjson
import pytest

from tests.security.legitimate import (
    COST,
    NO_ROWS,
    QUESTION,
    Legitimate,
    read_legitimate,
)
from zava.data.sql_query.free_query import FreeQuery
from zava.errors import QueryRefused
from zava.model.core import Caller

ROWS = 50
AUDIENCES = ("seattle", "eastside", "head-office")
TOLD_NO_COST = "seattle"

corpus = read_legitimate()


@pytest.mark.parametrize("legitimate", corpus, ids=lambda legitimate: legitimate.label)
@pytest.mark.requirement("S04")
async def test_legitimate_statement_runs_as_each_audience(
    legitimate: Legitimate, free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    for name in AUDIENCES:
        if COST in legitimate.marks and name == TOLD_NO_COST:
            continue
        answer = await free_query.run(callers[name], legitimate.sql, max_rows=ROWS)
        assert bool(answer.rows) is (NO_ROWS not in legitimate.marks), name
        assert {len(row) for row in answer.rows} <= {len(answer.columns)}, name
        orjson.dumps(answer.rows)


@pytest.mark.parametrize(
    "legitimate",
    [legitimate for legitimate in corpus if COST in legitimate.marks],
    ids=lambda legitimate: legitimate.label,
)
async def test_statement_marked_cost_is_not_for_a_store_manager(
    legitimate: Legitimate, free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    with pytest.raises(QueryRefused, match="Permission denied"):
        await free_query.run(callers[TOLD_NO_COST], legitimate.sql, max_rows=ROWS)


def test_corpus_is_large_and_each_statement_is_its_own() -> None:
    assert len(corpus) >= 180
    assert len({" ".join(legitimate.sql.lower().split()) for legitimate in corpus}) == len(corpus)
    assert len({(legitimate.kind, legitimate.title) for legitimate in corpus}) == len(corpus)
    assert min(Counter(legitimate.kind for legitimate in corpus).values()) >= 3


def test_corpus_answers_each_question_that_users_ask() -> None:
    marks = {mark for legitimate in corpus for mark in legitimate.marks}
    questions = {f"{QUESTION}{number}" for number in range(1, 38)}
    assert marks == questions | {COST, NO_ROWS}
