"""A statement whose rows are taken in parts has all of them, in their order, or its error."""

from collections.abc import Iterator

import orjson
import pytest

from zava.data.export.row_spool import RowSpool
from zava.data.export.whole_statement import SpooledRows, WholeStatement
from zava.data.session.tenant_database import TenantDatabase
from zava.errors import DatabaseFault, QueryRefused
from zava.model.core import Caller, Table

MANY = 2_500
"""More rows than two parts have."""


@pytest.fixture
def tenancy(unguarded: TenantDatabase) -> TenantDatabase:
    """The database without a guard in front of it: any statement arrives."""
    return unguarded


@pytest.fixture
def spool() -> Iterator[RowSpool]:
    spool = RowSpool()
    yield spool
    spool.close()


async def run(
    tenancy: TenantDatabase, caller: Caller, spool: RowSpool, sql: str, *, max_rows: int = 10_000
) -> Table:
    whole = WholeStatement(sql, SpooledRows(spool), None, False, max_rows, 10**9)
    return await tenancy.run_whole(caller, whole, reads_outside_text=False)


def numbers(spool: RowSpool) -> list[int]:
    return [orjson.loads(line)["n"] for some in spool.rows() for line in some]


@pytest.mark.parametrize("who", ["seattle", "head-office"])
async def test_rows_of_many_parts_come_in_their_order(
    tenancy: TenantDatabase, callers: dict[str, Caller], spool: RowSpool, who: str
) -> None:
    sql = f"SELECT n FROM generate_series(1, {MANY}) AS g (n)"
    table = await run(tenancy, callers[who], spool, sql)
    assert [column.name for column in table.columns] == ["n"]
    assert table.truncated is None
    assert len(table.scope.stores) == (1 if who == "seattle" else 8)
    assert spool.count == MANY
    assert numbers(spool) == [*range(1, MANY + 1)]


async def test_limit_cuts_and_is_named(
    tenancy: TenantDatabase, callers: dict[str, Caller], spool: RowSpool
) -> None:
    sql = f"SELECT n FROM generate_series(1, {MANY}) AS g (n)"
    table = await run(tenancy, callers["seattle"], spool, sql, max_rows=10)
    assert table.truncated == "rows"
    assert numbers(spool) == [*range(1, 11)]


async def test_parts_hold_few_rows_so_that_long_ones_do_not_fill_the_memory(
    tenancy: TenantDatabase,
    callers: dict[str, Caller],
    spool: RowSpool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = []
    add = RowSpool.add

    def noted(spool: RowSpool, lines: list[bytes]) -> None:
        sizes.append(sum(map(len, lines)))
        add(spool, lines)

    monkeypatch.setattr(RowSpool, "add", noted)
    sql = "SELECT n, repeat('x', 100000) AS long FROM generate_series(1, 300) AS g (n)"
    await run(tenancy, callers["seattle"], spool, sql)
    assert spool.count == 300
    assert max(sizes) < 7_000_000 < sum(sizes)


async def test_no_row_is_a_table_of_its_columns(
    tenancy: TenantDatabase, callers: dict[str, Caller], spool: RowSpool
) -> None:
    table = await run(tenancy, callers["seattle"], spool, "SELECT 1 AS n WHERE false")
    assert [column.name for column in table.columns] == ["n"]
    assert spool.count == 0


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT nam FROM retail.products",
        f"SELECT 1 / (n - {MANY - 1}) AS n FROM generate_series(1, {MANY}) AS g (n)",
        "SELEC 1",
    ],
)
async def test_error_ends_the_run_and_the_next_one_works(
    tenancy: TenantDatabase, callers: dict[str, Caller], spool: RowSpool, sql: str
) -> None:
    with pytest.raises(DatabaseFault):
        await run(tenancy, callers["seattle"], spool, sql)
    await run(tenancy, callers["seattle"], spool, "SELECT 7 AS n")
    assert numbers(spool) == [7]


async def test_statement_with_parameters_is_refused(
    tenancy: TenantDatabase, callers: dict[str, Caller], spool: RowSpool
) -> None:
    with pytest.raises(QueryRefused):
        await run(tenancy, callers["seattle"], spool, "SELECT $1::int AS n")


async def test_spool_yields_some_rows_at_a_time_and_forgets_a_failed_attempt(
    spool: RowSpool,
) -> None:
    spool.add([b"{}"] * 3)
    spool.restart()
    assert (spool.count, spool.bytes, [*spool.rows()]) == (0, 0, [])
    spool.add([b"{}"] * 1_001)
    assert [len(some) for some in spool.rows()] == [500, 500, 1]
