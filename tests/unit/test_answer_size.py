"""How many rows an answer has room for."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from tests.support.answers.model_tokens import most_tokens
from zava.model.answer_size import rows_that_fit

ROWS = st.lists(st.lists(st.text(max_size=2000), min_size=1, max_size=3), max_size=60)


@given(rows=ROWS, most_rows=st.integers(1, 100))
def test_rows_that_fit_are_the_most_that_do(rows: list[list[Any]], most_rows: int) -> None:
    count = rows_that_fit(rows, most_rows)
    room = 12 * 1024 * max(50, most_rows) // 50
    assert min(1, len(rows)) <= count <= len(rows)
    assert count <= 1 or len(orjson.dumps(rows[:count])) <= room + 1
    assert count == len(rows) or len(orjson.dumps(rows[: count + 1])) > room


def test_answer_of_the_default_rows_costs_a_model_about_8000_tokens() -> None:
    ids = ["0194a9c2-7a51-7cc1-b6a1-5d1c4c1fe0ab", "0807edfb-c4de-7f31-8a37-90aa6e2c4f11"]
    orders = [[*ids, ids[0], "2026-06-30T12:34:56.789012-07:00", "completed", 1234.56]] * 90
    fitting = orders[: rows_that_fit(orders, 50)]
    assert 6000 < most_tokens(orjson.dumps(fitting).decode()) < 8500
