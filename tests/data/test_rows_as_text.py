"""Rows that come as text are those that come as JSON."""

from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from tests.data.test_cells import CASES
from tests.support.servers.database import Database
from zava.data.row_decoding.text_rows import read_text_rows
from zava.data.session.tenant_database import TenantDatabase
from zava.data.syntax.output_width import output_columns
from zava.data.syntax.parser import parse
from zava.errors import DatabaseFault, QueryRefused, ResultTooLarge, ZavaError
from zava.model.core import Caller, Column, Table

MANY = 120
"""More rows than the least number that come as text."""

WIDTHS = [
    ("SELECT a, b AS c, count(*) FROM t GROUP BY 1, 2", 3),
    ("WITH x AS (SELECT * FROM t) SELECT a FROM x UNION SELECT * FROM x", 1),
    ("VALUES (1, 2), (3, 4)", 2),
    ("(SELECT 1, 2 LIMIT 1)", 2),
    ("SELECT (a).b, (f(x)).c FROM t", 2),
    ("SELECT FROM t", 0),
    ("SELECT * FROM t", 0),
    ("SELECT 1, t.* FROM t", 0),
    ("SELECT (f(x)).* FROM t", 0),
    ("VALUES ((f(x)).*), ((f(y)).*)", 0),
    ("VALUES (1, (SELECT count(*) FROM t))", 2),
    ("TABLE t", 0),
]

TABLES = {"t": 3, "u": 2}
STARS = [
    ("SELECT * FROM t", 3),
    ("TABLE t", 3),
    ("SELECT * FROM retail.t AS x ORDER BY 1 LIMIT 1000", 3),
    ("SELECT 1, x.*, x.a FROM t AS x", 5),
    ("SELECT u.*, t.* FROM t, u", 5),
    ("SELECT * FROM t JOIN u USING (a) LEFT JOIN t AS w ON true", 7),
    ("SELECT w.* FROM t JOIN u USING (a) JOIN t AS w USING (a)", 3),
    ("SELECT * FROM (SELECT *, 1 FROM u) AS q", 3),
    ("WITH x AS (SELECT * FROM t), y AS (SELECT *, 1 FROM x) SELECT * FROM y", 4),
    ("WITH t AS (SELECT 1) SELECT * FROM t", 1),
    ("WITH RECURSIVE x AS (SELECT * FROM u UNION SELECT * FROM x) SELECT * FROM x", 2),
    ("SELECT * FROM t UNION ALL SELECT * FROM t", 3),
    ("WITH t AS (SELECT 1) SELECT *, 5 AS c1 FROM retail.t", 4),
    ("(WITH t AS (SELECT 1) SELECT * FROM t) UNION ALL SELECT 2", 1),
    ("WITH u AS (SELECT 1) (WITH t AS (SELECT * FROM u) SELECT * FROM t) UNION ALL SELECT 2", 1),
    (
        "WITH RECURSIVE x AS (TABLE t UNION TABLE x) SEARCH DEPTH FIRST BY a SET c1 SELECT * FROM x",
        0,
    ),
    (
        "WITH RECURSIVE x AS (TABLE t UNION TABLE x) CYCLE a SET b USING c SELECT * FROM x",
        0,
    ),
    ("SELECT * FROM t NATURAL JOIN u", 0),
    ("SELECT t.* FROM u", 0),
    ("SELECT * FROM unknown", 0),
    ("SELECT * FROM t, generate_series(1, 2)", 0),
    ("SELECT * FROM t, LATERAL (SELECT t.* FROM t) AS q", 6),
    ("SELECT (t).* FROM t", 0),
    ("SELECT * FROM " + "(SELECT * FROM " * 40 + "t" + ") AS q" * 40, 0),
    ("SELECT * FROM t" + " JOIN u USING (a)" * 90, 93),
]
SCALARS = ", ".join(
    f"{expression} AS v{place}"
    for place, (expression, _) in enumerate(CASES)
    if not expression.startswith(("ARRAY", "ROW")) and "range" not in expression
)
ALIKE = [
    f"SELECT {SCALARS} FROM generate_series(1, 2)",
    "SELECT order_id, order_date, status, total_amount, is_return FROM retail.orders ORDER BY order_id LIMIT 150",
    "SELECT o.status, count(*), avg(total_amount) FROM retail.orders AS o GROUP BY 1 ORDER BY 1",
    "SELECT 1 AS x, 'b' AS x, 2.5 AS x",
    "SELECT n, n / 3.0, 9007199254740990 + n FROM generate_series(1, 5) AS n",
    "SELECT 'NaN'::numeric, 1 UNION ALL SELECT 2.5, NULL UNION ALL SELECT NULL, 2",
    "SELECT CASE WHEN n < 121 THEN 1::numeric ELSE 'NaN' END, n FROM generate_series(1, 130) AS n",
    "SELECT CASE n WHEN 2 THEN NULL ELSE n > 2 END, NULLIF(n::text, '2'), n::char(3) FROM generate_series(1, 3) AS n",
    "SELECT '{\"a\":\n 1, \"a\": 2}'::json, NULL::jsonb, 'null'::jsonb FROM generate_series(1, 3)",
    ("SELECT t, t AT TIME ZONE 'UTC', t::date, t::time, t::timetz, '04:05:06-08:30'::timetz, '-1 day'::interval FROM"
    " (VALUES ('infinity'::timestamptz), ('0044-03-15 12:00 BC'), ('1850-01-01'), ('2026-07-01 00:00:00.5'), (NULL)) AS v (t)"),
    "SELECT '' AS a, 'b' AS b UNION ALL SELECT '', E'c\t\\ \" ,'",
    "SELECT NULL AS v UNION ALL SELECT ''",
    "VALUES (1, '', '', true), (NULL, '', '', NULL), (NULL, 'a', NULL, NULL), (2, NULL, NULL, false), (3, 'b', 'c', true)",
    "SELECT 1, 2 -- the last line ends in a comment",
    "VALUES (1, 'x'), (2, NULL)",
    "WITH x AS (SELECT n FROM generate_series(1, 3) AS n) SELECT n FROM x ORDER BY n DESC",
    "SELECT n, repeat('é', 20 * n) FROM generate_series(1, 130) AS n",
    "SELECT repeat('x', 100000) AS v FROM generate_series(1, 130)",
    "SELECT 'truncated:rows' UNION ALL SELECT '{\"v\": 1}' UNION ALL SELECT E'0\\ntruncated:bytes'",
    'SELECT $$) AS q (c1) --$$, $text$ %1$s $text$, 1 AS ") AS q", 2 AS c1 /* ) /* ) */ */',
    f"SELECT {', '.join(map(str, range(49)))}",
]  # fmt: skip
NOT_SHOWN = [
    "SELECT ARRAY[1, NULL], '[1,5)'::int4range, ROW(1, 'x'), 1",
    "SELECT c AS whole FROM retail.categories AS c ORDER BY 1",
    "SELECT 1 AS n, NULL AS v, 'a' AS w UNION ALL SELECT NULL, '', NULL",
    "SELECT E'a\\x1fb' AS v, 2 AS b",
]


@pytest.mark.parametrize(("sql", "width"), WIDTHS)
def test_number_of_columns_is_read_where_the_text_has_it(sql: str, width: int) -> None:
    assert output_columns(parse(sql)[0]["stmt"]) == width


@pytest.mark.parametrize(("sql", "width"), STARS, ids=lambda value: str(value)[:60])
def test_number_of_columns_is_read_through_every_star_over_known_tables(
    sql: str, width: int
) -> None:
    assert output_columns(parse(sql)[0]["stmt"], TABLES) == width


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each answer that came as text, whether its values were read from it."""
    told: list[bool] = []

    def reading(
        columns: Sequence[Column], lines: Sequence[bytes], *, width: int
    ) -> list[list[Any]] | None:
        rows = read_text_rows(columns, lines, width=width)
        told.append(rows is not None)
        return rows

    monkeypatch.setattr("zava.data.session.tenant_database.read_text_rows", reading)
    return told


async def both(tenancy: TenantDatabase, caller: Caller, sql: str) -> tuple[Table, Table]:
    """Return the answer as JSON and as text; the line end keeps apart what is remembered of them."""
    width = output_columns(parse(sql)[0]["stmt"])
    assert width
    as_json = await tenancy.run(caller, f"{sql}\n", max_rows=MANY)
    as_text = await tenancy.run(caller, sql, max_rows=MANY, columns=width)
    assert (as_text.columns, as_text.truncated) == (as_json.columns, as_json.truncated)
    assert repr(as_text.rows) == repr(as_json.rows)
    return as_json, as_text


@pytest.mark.parametrize("sql", ALIKE)
async def test_answer_is_the_same_as_text(
    unguarded: TenantDatabase, callers: dict[str, Caller], texts: list[bool], sql: str
) -> None:
    await both(unguarded, callers["seattle"], sql)
    assert texts == [True]


@pytest.mark.parametrize("sql", ["SELECT 1, 2;", f"SELECT {', '.join(map(str, range(50)))}"])
async def test_text_that_is_no_query_in_parentheses_or_too_wide_comes_as_json_in_the_same_trip(
    unguarded: TenantDatabase, callers: dict[str, Caller], texts: list[bool], sql: str
) -> None:
    await both(unguarded, callers["seattle"], sql)
    assert texts == []


async def test_separators_in_a_cell_of_a_wrong_width_make_no_column(
    unguarded: TenantDatabase, callers: dict[str, Caller], texts: list[bool]
) -> None:
    sql = "SELECT E'own\\x1fforged' AS a, 'true' AS b FROM generate_series(1, 3)"
    answer = await unguarded.run(callers["seattle"], sql, max_rows=MANY, columns=1)
    assert answer.rows == [["own\x1fforged", "true"]] * 3
    assert texts == [False]


def test_cell_is_computed_once(database: Database) -> None:
    sql = "SELECT n, (SELECT count(*) FROM retail.orders WHERE total_amount > n) FROM generate_series(1, 9) AS n"
    with psycopg.connect(database.owner) as connection:
        query = connection.execute("SELECT zava.rows_as_text(%s, 2)", [sql]).fetchone()
        assert query is not None
        plan = connection.execute(f"EXPLAIN (VERBOSE, COSTS OFF) {query[0]}".encode()).fetchall()
    assert [line.strip() for (line,) in plan if line.strip().startswith("SubPlan")] == ["SubPlan 1"]


@pytest.mark.parametrize("sql", NOT_SHOWN)
async def test_values_that_a_text_does_not_show_come_as_json(
    unguarded: TenantDatabase, callers: dict[str, Caller], texts: list[bool], sql: str
) -> None:
    seattle = callers["seattle"]
    _, answer = await both(unguarded, seattle, sql)
    again = await unguarded.run(seattle, sql, max_rows=MANY, columns=len(answer.columns))
    assert repr(again.rows) == repr(answer.rows)
    assert texts == [False], "the second call takes one trip"


@pytest.mark.parametrize(("columns", "came_as_text"), [(1, [False]), (3, [])])
async def test_wrong_width_costs_no_column(
    unguarded: TenantDatabase,
    callers: dict[str, Caller],
    texts: list[bool],
    columns: int,
    came_as_text: list[bool],
) -> None:
    sql = f"SELECT n, n * {columns} AS b FROM generate_series(1, 3) AS n"
    answer = await unguarded.run(callers["seattle"], sql, max_rows=MANY, columns=columns)
    assert answer.rows == [[n, n * columns] for n in range(1, 4)]
    assert texts == came_as_text


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("SELECT 1 / (n - 100) AS v FROM generate_series(1, 130) AS n", DatabaseFault),
        ("SELECT repeat('x', 2000000) AS v", ResultTooLarge),
        ("SELECT cost AS v FROM retail.products", QueryRefused),
        ("SELECT to_tsquery('a b')::text AS v", DatabaseFault),
        (
            "SELECT CASE n WHEN 9 THEN to_tsquery('a b') END AS v FROM generate_series(1, 9) AS n",
            DatabaseFault,
        ),
        ("SELECT width_bucket(1.0, 2, 2, 3) AS v", DatabaseFault),
    ],
)
async def test_error_is_the_same_as_text(
    unguarded: TenantDatabase, callers: dict[str, Caller], sql: str, error: type[ZavaError]
) -> None:
    told = []
    for columns in (0, 1):
        with pytest.raises(error) as caught:
            await unguarded.run(callers["seattle"], sql, max_rows=MANY, columns=columns)
        told.append((caught.value.code, caught.value.message, caught.value.hint))
    assert told[0] == told[1]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 AS v) AS q (c1) LIMIT 1) AS q; SELECT (1",
        "SELECT 1 AS v) AS q (c1)), (SELECT set_config('zava.context', 'x', true)) AS q --",
        "SELECT 1 AS v) AS q (c1) UNION ALL SELECT 'truncated:bytes' FROM (SELECT 2 AS c1",
        "SELECT 1 AS v) AS q (c1) OFFSET 0) AS q UNION ALL SELECT '{0,1}' FROM (SELECT 1 FROM (SELECT 2",
    ],
)
async def test_text_that_closes_the_parentheses_is_a_syntax_error(
    unguarded: TenantDatabase, callers: dict[str, Caller], sql: str
) -> None:
    with pytest.raises(DatabaseFault, match="yntax"):
        await unguarded.run(callers["seattle"], sql, max_rows=MANY, columns=1)
