"""What is remembered of a person's text: its columns, and whether its rows come as text."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from tests.support.servers.database import Database
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.pipeline import Bounds, Pipeline
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.data.sql_query.free_query import FreeQuery
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.retail.declaration import RETAIL

EVERY_COLUMN = "SELECT * FROM retail.categories ORDER BY 1"


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each trip of a statement asked for a description."""
    trips: list[bool] = []
    add_call = Pipeline.add_call

    def seen(pipeline: Pipeline, *arguments: Any, describe: bool, **others: Any) -> None:
        trips.append(describe)
        add_call(pipeline, *arguments, describe=describe, **others)

    monkeypatch.setattr(Pipeline, "add_call", seen)
    return trips


@pytest.fixture
async def tenancy(seeded_clone: Database, signer: ContextSigner) -> AsyncIterator[TenantDatabase]:
    pool = DatabasePool(seeded_clone.server, max_size=1)
    yield TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
    await pool.close()


async def test_text_of_a_person_is_described_once_a_minute(
    tenancy: TenantDatabase,
    callers: dict[str, Caller],
    described: list[bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await tenancy.run(callers["redmond"], "SELECT 1", max_rows=1)
    await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
    described.clear()
    answers = [
        await tenancy.run(callers[name], EVERY_COLUMN, max_rows=10)
        for name in ("seattle", "seattle", "redmond")
    ]
    assert described == [True, False, True]
    assert {repr((answer.columns, answer.rows)) for answer in answers} == {
        repr((answers[0].columns, answers[0].rows))
    }
    # No public name leads to this part: the test sets its time.
    monkeypatch.setattr("zava.data.session.tenant_database._DESCRIBED_SECONDS", 0)
    await tenancy.run(callers["seattle"], EVERY_COLUMN, max_rows=10)
    assert described[3:] == [True]


@pytest.fixture
def widths(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """In how many columns each trip asked for its rows; 0 is JSON."""
    trips: list[int] = []
    add_call = Pipeline.add_call

    def seen(pipeline: Pipeline, role: Any, call: Any, bounds: Bounds, **others: Any) -> None:
        trips.append(bounds.columns)
        add_call(pipeline, role, call, bounds, **others)

    monkeypatch.setattr(Pipeline, "add_call", seen)
    return trips


async def test_rows_of_a_star_come_by_column_and_those_of_a_small_table_as_json(
    tenancy: TenantDatabase, callers: dict[str, Caller], widths: list[int]
) -> None:
    free_query = FreeQuery(tenancy, RETAIL)
    await free_query.run(callers["seattle"], "SELECT 1", max_rows=1)
    widths.clear()
    every = await free_query.run(
        callers["seattle"], "SELECT * FROM retail.orders LIMIT 1000", max_rows=1000
    )
    assert widths == [len(every.columns)]
    assert every.rows
    widths.clear()
    small = "SELECT store_name, region FROM retail.stores"
    await free_query.run(callers["seattle"], small, max_rows=1000)
    assert widths == [0]


async def test_query_of_a_with_is_not_taken_for_a_table_of_the_schema(
    tenancy: TenantDatabase, callers: dict[str, Caller], widths: list[int]
) -> None:
    sql = "WITH orders AS (SELECT 1) SELECT *, 5 AS c1 FROM retail.orders LIMIT 1000"
    answer = await FreeQuery(tenancy, RETAIL).run(callers["seattle"], sql, max_rows=1000)
    assert answer.rows
    assert widths[-1] == len(answer.columns)


async def test_statement_with_few_rows_comes_as_json_until_it_has_many(
    tenancy: TenantDatabase,
    seeded_clone: Database,
    callers: dict[str, Caller],
    widths: list[int],
) -> None:
    many = (
        "SELECT n, 2 * n FROM generate_series(1, CASE WHEN EXISTS (SELECT FROM retail.categories"
        " WHERE category_name = 'A Full Aisle') THEN 100 ELSE 99 END) AS n"
    )
    await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
    widths.clear()
    for _ in range(2):
        await tenancy.run(callers["seattle"], many, max_rows=120, columns=2)
    assert widths == [2, 0]
    with psycopg.connect(seeded_clone.owner) as owner:
        owner.execute("INSERT INTO retail.categories (category_name) VALUES ('A Full Aisle')")
    for _ in range(2):
        await tenancy.run(callers["seattle"], many, max_rows=120, columns=2)
    assert widths == [2, 0, 0, 2]


CHANGES = [
    "ADD COLUMN aisle integer DEFAULT 7",
    "ADD COLUMN c1 integer DEFAULT 7",
    "RENAME COLUMN category_name TO label",
]


@pytest.mark.parametrize("max_rows", [10, 120], ids=["as JSON", "as text"])
@pytest.mark.parametrize("change", CHANGES)
async def test_columns_that_changed_meanwhile_are_those_of_the_next_answer(
    tenancy: TenantDatabase,
    seeded_clone: Database,
    callers: dict[str, Caller],
    described: list[bool],
    max_rows: int,
    change: str,
) -> None:
    seattle = callers["seattle"]
    before = await tenancy.run(seattle, EVERY_COLUMN, max_rows=max_rows, columns=2)
    with psycopg.connect(seeded_clone.owner) as owner:
        owner.execute(f"ALTER TABLE retail.categories {change}".encode())
    described.clear()
    after = await tenancy.run(seattle, EVERY_COLUMN, max_rows=max_rows, columns=2)
    names = [column.name for column in before.columns]
    assert [column.name for column in after.columns] != names
    assert all(len(row) == len(after.columns) for row in after.rows)
    assert described[-1]


async def test_column_of_another_type_meanwhile_fails_no_answer(
    tenancy: TenantDatabase, seeded_clone: Database, callers: dict[str, Caller]
) -> None:
    seattle = callers["seattle"]
    label = "ALTER TABLE retail.categories {} COLUMN label"
    with psycopg.connect(seeded_clone.owner, autocommit=True) as owner:
        owner.execute(f"{label.format('ADD')} bytea".encode())
        owner.execute("UPDATE retail.categories SET label = 'as bytes'")
        await tenancy.run(seattle, EVERY_COLUMN, max_rows=10)
        owner.execute(f"{label.format('ALTER')} TYPE text USING 'no bytes'".encode())
    after = await tenancy.run(seattle, EVERY_COLUMN, max_rows=10)
    assert (after.columns[-1].type, after.rows[0][-1]) == ("text", "no bytes")


async def test_number_beyond_a_double_is_read_in_a_repeated_statement(
    tenancy: TenantDatabase, callers: dict[str, Caller], described: list[bool]
) -> None:
    sql = "SELECT repeat('9', 400)::numeric AS v, 1 AS n"
    await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
    described.clear()
    answers = [await tenancy.run(callers["seattle"], sql, max_rows=10) for _ in range(2)]
    assert [answer.rows for answer in answers] == [[["9" * 400, 1]]] * 2
    assert described == [True, False]


async def test_first_statement_of_a_process_marks_text_of_outsiders(
    tenancy: TenantDatabase, callers: dict[str, Caller]
) -> None:
    sql = "SELECT first_name FROM retail.customers LIMIT 1"
    for _ in range(2):
        answer = await tenancy.run(callers["seattle"], sql, max_rows=10)
        assert [column.is_outside_text for column in answer.columns] == [True]


async def test_columns_of_a_wide_answer_are_not_kept(
    tenancy: TenantDatabase, callers: dict[str, Caller], described: list[bool]
) -> None:
    wide = f"SELECT {', '.join(f'1 AS a{n}' for n in range(65))}"
    await tenancy.run(callers["seattle"], "SELECT 1", max_rows=1)
    described.clear()
    for _ in range(2):
        await tenancy.run(callers["seattle"], wide, max_rows=10)
    assert described == [True, True]
