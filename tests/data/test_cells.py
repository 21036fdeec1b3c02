"""Every value arrives as what it was in the database."""

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

# The rule of one cell, without a database.
from zava.data.row_decoding.column_types import _most_digits

# And of one row.
from zava.data.row_decoding.json_rows import _read_row, read_rows
from zava.data.session.tenant_database import TenantDatabase
from zava.data.sql_query.free_query import FreeQuery
from zava.errors import DatabaseFault
from zava.model.core import Caller, Column

CASES = [
    ("1::smallint", 1),
    ("9007199254740992::bigint", 9007199254740992),
    ("9007199254740993::bigint", "9007199254740993"),
    ("NULL::bigint", None),
    ("12.50::numeric", 12.5),
    ("0.1::numeric", 0.1),
    ("123456789012345678.91::numeric", "123456789012345678.91"),
    ("12345678901234567890123::numeric", "12345678901234567890123"),
    ("1e400::numeric", "1" + "0" * 400),
    ("'NaN'::numeric", "NaN"),
    ("'Infinity'::numeric", "Infinity"),
    ("'NaN'::float8", "NaN"),
    ("'-Infinity'::float8", "-Infinity"),
    ("0.1::float8 + 0.2::float8", 0.30000000000000004),
    ("true", True),
    ("'it''s | \"ünï\" \\ \u2028'", 'it\'s | "ünï" \\ \u2028'),
    ("DATE '2026-02-28'", "2026-02-28"),
    ("TIMESTAMP '2026-02-28 12:30:00.5'", "2026-02-28T12:30:00.5"),
    ("TIMESTAMPTZ '2026-02-28 12:30:00+00'", "2026-02-28T04:30:00-08:00"),
    ("INTERVAL '1 day 2 hours'", "P1DT2H"),
    ("'\\x00ff'::bytea", "base64:AP8="),
    ("NULL::bytea", None),
    ("ARRAY[1, NULL, 3]", [1, None, 3]),
    ("ARRAY[9007199254740993::bigint]", ["9007199254740993"]),
    ("ARRAY[[1.5, 2], [3, 4]]::numeric[]", [[1.5, 2], [3, 4]]),
    ('\'{"b": 1, "a": [1.50, {"c": null}]}\'::jsonb', {"a": [1.5, {"c": None}], "b": 1}),
    ("'[1,5)'::int4range", "[1,5)"),
    ("ROW(1, 'x')", {"f1": 1, "f2": "x"}),
    ("'5a7a0000-0000-4000-8000-00000000de30'::uuid", "5a7a0000-0000-4000-8000-00000000de30"),
    ("NULL", None),
]


@pytest.mark.requirement("S21")
@pytest.mark.parametrize(("expression", "expected"), CASES)
async def test_value_is_exact(
    free_query: FreeQuery, callers: dict[str, Caller], expression: str, expected: object
) -> None:
    answer = await free_query.run(callers["seattle"], f"SELECT {expression} AS v", max_rows=1)
    assert answer.rows == [[expected]]
    assert type(answer.rows[0][0]) is type(expected)


DIGITS = st.text("0123456789", min_size=1, max_size=20)
NUMERIC_TEXTS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "-"]),
    DIGITS.map(lambda digits: digits.lstrip("0") or "0"),
    st.one_of(st.just(""), DIGITS.map(lambda digits: f".{digits}")),
)


@example(["9007199254740993", "12.5"])  # sixteen digits: the next double is another number
@example(["123456789012345.1", "1"])
@example(["0.1000000000000000055", "-0.1"])
@given(st.lists(NUMERIC_TEXTS, min_size=1, max_size=4))
def test_number_is_read_fast_only_where_that_is_exact(texts: list[str]) -> None:
    lines = [
        orjson.dumps({"n": None, "name": f"row {i}"}).replace(b"null", text.encode())
        for i, text in enumerate(texts)
    ]
    columns = (Column("n", "numeric"), Column("name", "text"))
    rows = read_rows(columns, lines)
    exact = [_read_row(line) for line in lines]
    if any(type(row[0]) is str for row in exact):  # the numbers of one column are of one type
        exact = [[text, *row[1:]] for text, row in zip(texts, exact, strict=True)]
    assert rows == exact
    assert [type(row[0]) for row in rows] == [type(row[0]) for row in exact]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("(1.5), (1 / 3.0)", ["1.5", "0.33333333333333333333"]),
        ("(317.4462500000000000), (243.3154436450839329)", ["317.4462500000000000", "243.3154436450839329"]),
        ("(1.5), (2.25), (NULL)", [1.5, 2.25, None]),
        ("(1::bigint), (9007199254740993), (NULL)", ["1", "9007199254740993", None]),
        ("(1::bigint), (2)", [1, 2]),
        ("('NaN'::float8), (0.5)", ["NaN", "0.5"]),
        ("('NaN'::float8), ('Infinity')", ["NaN", "Infinity"]),
        ("(ARRAY[1::bigint, NULL]), (ARRAY[9007199254740993])", [["1", None], ["9007199254740993"]]),
        ("(ARRAY[[1.5, 2]]), (NULL)", [[[1.5, 2]], None]),
        ("(1), (2)", [1, 2]),
    ],
)  # fmt: skip
async def test_column_has_one_type(
    free_query: FreeQuery, callers: dict[str, Caller], values: str, expected: list[object]
) -> None:
    sql = f"SELECT n, 'x' AS x FROM (VALUES {values}) AS v (n)"
    answer = await free_query.run(callers["seattle"], sql, max_rows=5)
    assert answer.rows == [[value, "x"] for value in expected]


@pytest.mark.parametrize(
    ("modifier", "most_digits"),
    [
        ((10 << 16 | 2) + 4, 10),
        ((15 << 16) + 4, 15),
        ((2 << 16 | 5) + 4, None),  # numeric(2, 5)
        ((2 << 16 | (-20 & 0x7FF)) + 4, None),  # numeric(2, -20)
        (-1, None),
    ],
)
def test_modifier_tells_the_digits_of_a_number(modifier: int, most_digits: int | None) -> None:
    assert _most_digits(modifier) == most_digits


async def test_only_the_digits_of_a_table_are_believed(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    answer = await free_query.run(
        callers["seattle"],
        "SELECT total_amount, total_amount + 0, CAST(1.5 AS numeric(10, 2))"
        " FROM retail.orders LIMIT 1",
        max_rows=1,
    )
    assert [column.most_digits for column in answer.columns] == [12, None, None]


async def test_columns_of_one_name_stay_apart(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    answer = await free_query.run(
        callers["seattle"], "SELECT 1 AS x, 2.5 AS x, 'c' AS x, 4, 5", max_rows=1
    )
    assert [column.name for column in answer.columns] == ["x", "x", "x", "?column?", "?column?"]
    assert [column.type for column in answer.columns] == ["int4", "numeric", "text", "int4", "int4"]
    assert answer.rows == [[1, 2.5, "c", 4, 5]]


async def test_empty_answer_still_names_its_columns(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    answer = await free_query.run(
        callers["seattle"],
        "SELECT order_id, total_amount FROM retail.orders WHERE false",
        max_rows=1,
    )
    assert answer.rows == []
    assert [column.type for column in answer.columns] == ["uuid", "numeric"]


async def test_types_of_extensions_and_arrays_are_named(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    answer = await free_query.run(
        callers["seattle"],
        "SELECT ARRAY['a'], (SELECT embedding FROM retail.product_embeddings LIMIT 1)",
        max_rows=1,
    )
    assert [column.type for column in answer.columns] == ["text[]", "other"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'1e99999999999999999999'::json", "1e99999999999999999999"),
        ("'1e-99999999999999999999'::json", "1e-99999999999999999999"),
        ("jsonb_build_object('a', 243.3154436450839329)", {"a": float("243.3154436450839329")}),
        ("jsonb_build_array(1 / 3.0, 9007199254740993)", [1 / 3, "9007199254740993"]),
        (r"""'"a\ud800b"'::json""", "a\N{REPLACEMENT CHARACTER}b"),
        (r"""'{"\udc00": ["\ud83d\ude00"]}'::json""", {"\N{REPLACEMENT CHARACTER}": ["😀"]}),
        ("('[' || repeat('[', 90) || repeat(']', 90) || ']')::json::text", f"{'[' * 91}{']' * 91}"),
    ],
)
async def test_odd_json_comes_as_what_an_answer_can_hold(
    free_query: FreeQuery, callers: dict[str, Caller], expression: str, expected: object
) -> None:
    answer = await free_query.run(callers["seattle"], f"SELECT {expression} AS v", max_rows=1)
    assert answer.rows == [[expected]]
    orjson.dumps(answer.rows)


@pytest.mark.parametrize("levels", [101, 400, 5000])
@pytest.mark.parametrize("kind", ["json", "jsonb"])
async def test_json_deeper_than_clients_read_is_refused(
    unguarded: TenantDatabase, callers: dict[str, Caller], levels: int, kind: str
) -> None:
    sql = f"SELECT (repeat('[', {levels}) || repeat(']', {levels}))::{kind} AS v"
    with pytest.raises(DatabaseFault, match="nests deeper"):
        await unguarded.run(callers["seattle"], sql, max_rows=1)


async def test_json_of_a_hundred_levels_comes_whole(
    unguarded: TenantDatabase, callers: dict[str, Caller]
) -> None:
    sql = "SELECT (repeat('[', 100) || repeat(']', 100))::json AS v"
    answer = await unguarded.run(callers["seattle"], sql, max_rows=1)
    assert orjson.dumps(answer.rows[0][0]) == b"[" * 100 + b"]" * 100
