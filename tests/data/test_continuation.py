"""An answer that max_rows cut says by which key to go on."""

import orjson
import pytest

from zava.data.sql_query.free_query import FreeQuery
from zava.data.sql_query.keyset_hint import UNSORTED
from zava.model.core import Caller

NUMBERS = "FROM (VALUES (1, 'a''b'), (2, NULL), (3, 'c')) AS v (n, t)"


@pytest.mark.parametrize(
    ("sql", "key"),
    [
        (f"SELECT n, t {NUMBERS} ORDER BY n", "n = 1"),
        (f"SELECT v.n AS number, t {NUMBERS} ORDER BY number, t", "number = 1, t = 'a''b'"),
        (f"SELECT t, n {NUMBERS} ORDER BY 2", "n = 1"),
        (f"SELECT n, t {NUMBERS} ORDER BY v.t NULLS FIRST, n", "t = NULL, n = 2"),
        (f"SELECT n, t {NUMBERS} ORDER BY n DESC, n + 1", "n = 3"),
        (
            "SELECT email, customer_id IS NULL AS x FROM retail.customers ORDER BY email",
            "the last email",
        ),
        (
            "SELECT repeat('x', 61) || n AS long FROM generate_series(1, 3) AS n ORDER BY long",
            "the last long",
        ),
        ("SELECT 1 AS n UNION ALL SELECT 2 ORDER BY n", "n = 1"),
        (f"SELECT * {NUMBERS} ORDER BY v.n", "n = 1"),
        (f"SELECT v.* {NUMBERS} ORDER BY v.n", "n = 1"),
        (f"SELECT v.n {NUMBERS} ORDER BY v.n", "n = 1"),
        (f"SELECT -n AS n, t {NUMBERS} ORDER BY n", "n = -3"),
        ("SELECT ARRAY[n] AS a FROM generate_series(1, 3) AS n ORDER BY a", "the last a"),
    ],
)
async def test_sort_key_of_the_last_row_is_named(
    free_query: FreeQuery, callers: dict[str, Caller], sql: str, key: str
) -> None:
    answer = await free_query.run(callers["seattle"], sql, max_rows=1)
    assert answer.truncated == "rows"
    assert answer.notes == (
        (
            f"To continue, keep the ORDER BY and request rows after {key};"
            " end it with a unique key where values repeat."
        ),
    )


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("", UNSORTED),
        ("ORDER BY n + 1", "To continue, request rows after the last one's sort key."),
        ("ORDER BY v.n", "To continue, request rows after the last one's sort key."),
        ("ORDER BY (v).n", "To continue, request rows after the last one's sort key."),
    ],
)
async def test_order_that_the_answer_does_not_show_is_told_so(
    free_query: FreeQuery, callers: dict[str, Caller], order: str, said: str
) -> None:
    sql = f"SELECT t {NUMBERS} {order}"
    assert (await free_query.run(callers["seattle"], sql, max_rows=1)).notes == (said,)


TWICE = "FROM generate_series(1, 9) AS v (n) JOIN generate_series(1, 9) AS w (n) ON true"


@pytest.mark.parametrize(
    "sql",
    [
        # An output of the key's name that is another value: rows between the two would be lost.
        "SELECT round(v.n / 4.0) AS n FROM generate_series(1, 9) AS v (n) ORDER BY v.n",
        "SELECT v.n::date AS n FROM generate_series(now(), now() + '9h', '1h') AS v (n) ORDER BY v.n",
        "SELECT to_char(v.n, 'FM9') AS n FROM generate_series(1, 9) AS v (n) ORDER BY v.n DESC",
        "SELECT *, -n AS n FROM generate_series(1, 9) AS v (n) ORDER BY v.n",
        # The same name of another source.
        f"SELECT v.n {TWICE} ORDER BY w.n",
        f"SELECT v.* {TWICE} ORDER BY w.n",
        f"SELECT * {TWICE} ORDER BY w.n",
        "SELECT n FROM generate_series(1, 9) AS v (n) ORDER BY v.*",
    ],
)
async def test_another_value_of_the_name_is_no_sort_key(
    free_query: FreeQuery, callers: dict[str, Caller], sql: str
) -> None:
    answer = await free_query.run(callers["seattle"], sql, max_rows=1)
    assert answer.notes == ("To continue, request rows after the last one's sort key.",)


async def test_whole_answer_has_nothing_to_continue(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    sql = f"SELECT n {NUMBERS} ORDER BY n"
    assert (await free_query.run(callers["seattle"], sql, max_rows=3)).notes == ()


WIDE = "SELECT n, repeat('x', 1000) AS text FROM generate_series(1, 60) AS n"


async def test_answer_of_the_default_rows_is_bounded_in_bytes_and_continues_after_the_last_given(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    answer = await free_query.run(callers["seattle"], f"{WIDE} ORDER BY n", max_rows=50)
    assert answer.truncated == "bytes"
    assert 10 * 1024 < len(orjson.dumps(answer.rows)) <= 12 * 1024
    last = answer.rows[-1][0]
    assert [row[0] for row in answer.rows] == list(range(1, last + 1))
    assert f"request rows after n = {last};" in answer.notes[0]
    rest = f"SELECT * FROM ({WIDE}) AS w WHERE n > {last} ORDER BY n"
    assert (await free_query.run(callers["seattle"], rest, max_rows=50)).rows[0][0] == last + 1


async def test_who_asks_for_more_rows_gets_more_bytes(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    answer = await free_query.run(callers["seattle"], WIDE, max_rows=1000)
    assert (answer.truncated, len(answer.rows)) == (None, 60)


async def test_one_row_is_given_whole(free_query: FreeQuery, callers: dict[str, Caller]) -> None:
    sql = "SELECT repeat('x', 5000) || repeat('y', 5000) || repeat('z', 9000) AS t"
    answer = await free_query.run(callers["seattle"], sql, max_rows=50)
    assert (answer.truncated, len(answer.rows[0][0])) == (None, 19_000)
