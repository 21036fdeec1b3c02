"""What answers of free SQL state beside their rows, as a client sees it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from math import inf
from typing import Any

import pytest

from tests.support.answers.asking import AskTool, Told
from tests.support.servers.seeded import TODAY
from zava import call_context
from zava.app import Application
from zava.cli.client import call_tool
from zava.data.guard.analysis import ParsingTurns
from zava.data.session.executor import TenantExecutor
from zava.data.session.operations import Statement
from zava.data.session.tenant_database import TenantDatabase
from zava.data.sql_query.answer_checks import AnswerChecks
from zava.data.sql_query.free_query import FreeQuery
from zava.data.sql_query.lint.linter import Linter
from zava.data.sql_query.lint.query_tree import Tables
from zava.data.syntax.fingerprint import fingerprint
from zava.errors import Busy
from zava.model.audiences import SQL_QUERY
from zava.model.core import Caller, CallRecord
from zava.retail.access_rules import PERMISSIONS
from zava.retail.data.sql_facts import FACTS
from zava.retail.declaration import RETAIL
from zava.service.sql_answers import SqlAnswers

TOOL = "execute_sales_query"
LINES = "FROM retail.orders o JOIN retail.order_items i USING (store_id, order_id)"
VALID = "status NOT IN ('cancelled', 'refunded')"
QUARTER = "order_date >= '2026-01-01' AND order_date < '2026-04-01'"
CERTIFIED = re.compile(
    r"Certified revenue of (.+) is ([\d,.]+); this answer's total is ([\d,.]+),"
    r" ([\d,.]+) (more|less): (.+)\."
)


async def ask(ask_tool: AskTool, who: str, sql: str, **arguments: int) -> Told:
    told = await ask_tool(who, TOOL, {"postgresql_query": sql, **arguments})
    assert not told.is_error, told.text
    return told


async def notes(ask_tool: AskTool, who: str, sql: str, **arguments: int) -> list[str]:
    told = await ask(ask_tool, who, sql, **arguments)
    found: list[str] = told.content["notes"]
    assert all(f"({note})" in told.text for note in found)
    return found


async def number(ask_tool: AskTool, who: str, sql: str) -> float:
    told = await ask(ask_tool, who, sql)
    return float(told.content["rows"][0][0])


def figures(note: str) -> tuple[float, float, float]:
    match = CERTIFIED.fullmatch(note)
    assert match, note
    value, total, difference = (float(match[n].replace(",", "")) for n in (2, 3, 4))
    return value, total, difference if match[5] == "more" else -difference


@pytest.mark.parametrize("who", ["seattle", "head-office"])
@pytest.mark.parametrize(
    ("sql", "truth", "of", "because"),
    [
        (
            "SELECT sum(total_amount) FROM retail.orders",
            f"SELECT sum(total_amount) FROM retail.orders WHERE {VALID}",
            "all time",
            "it includes cancelled and refunded orders",
        ),
        (
            f"SELECT s.store_name, round(sum(o.total_amount), 2) AS revenue FROM retail.stores s JOIN retail.orders o USING (store_id) WHERE {QUARTER} GROUP BY 1 ORDER BY 2 DESC",
            f"SELECT sum(total_amount) FROM retail.orders WHERE {VALID} AND {QUARTER}",
            "2026-01-01 to 2026-03-31",
            "it includes cancelled and refunded orders",
        ),
        (
            f"SELECT c.category_name, sum(o.total_amount) {LINES} JOIN retail.products p USING (product_id) JOIN retail.categories c USING (category_id) WHERE {VALID} AND {QUARTER} GROUP BY 1",
            f"SELECT sum(total_amount) FROM retail.orders WHERE {VALID} AND {QUARTER}",
            "2026-01-01 to 2026-03-31",
            "it adds each order once for each line",
        ),
        (
            f"SELECT sum(i.total_amount) {LINES} JOIN retail.products p USING (product_id) JOIN retail.categories c USING (category_id) WHERE c.category_name = 'Power Tools' AND {QUARTER}",
            f"SELECT sum(i.total_amount) {LINES} JOIN retail.products p USING (product_id) JOIN retail.categories c USING (category_id) WHERE c.category_name = 'Power Tools' AND {VALID} AND {QUARTER}",
            "2026-01-01 to 2026-03-31",
            "it includes cancelled and refunded orders",
        ),
    ],
)
async def test_sum_stands_beside_the_certified_value(
    ask_tool: AskTool, who: str, sql: str, truth: str, of: str, because: str
) -> None:
    told = await ask(ask_tool, who, sql)
    (note,) = told.content["notes"]
    value, total, difference = figures(note)
    own = sum(float(row[-1]) for row in told.content["rows"])
    expected = await number(ask_tool, who, truth)
    assert (value, total) == pytest.approx((expected, own), abs=0.006)
    assert difference == pytest.approx(own - expected, abs=0.011)
    assert note.startswith(f"Certified revenue of {of} is ")
    assert note.endswith(f": {because}.")


OTHERS = re.compile(
    r"Certified (\w+) of (.+) is ([\d,.]+); this answer('s total is| has) ([\d,.]+), ([\d,.]+)"
    r" (more|less): (.+)\."
)
COSTS = f"{LINES} JOIN retail.products p USING (product_id)"


@pytest.mark.parametrize(
    ("who", "output", "source", "metric", "because"),
    [
        ("seattle", "count(*)", "FROM retail.orders o", "orders", "it includes"),
        ("eastside", "count(DISTINCT i.order_id)", LINES, "orders", "it includes"),
        ("seattle", "avg(o.total_amount)", "FROM retail.orders o", "average_order_value", "it incl"),
        ("eastside", "sum(i.quantity)", LINES, "units", "it includes cancelled and refunded orders"),
        ("seattle", "sum(i.quantity * i.unit_price)", LINES, "gross_sales", "it includes"),
        ("head-office", "sum(i.discount_amount)", LINES, "discounts", "it includes"),
        ("head-office", "sum(i.total_amount - i.quantity * p.cost)", COSTS, "gross_margin", "it incl"),
        ("seattle", "count(DISTINCT o.customer_id)", "FROM retail.orders o", "customers", "it incl"),
        (
            "head-office",
            "100.0 * count(*) FILTER (WHERE o.status = 'refunded') / count(*)",
            "FROM retail.orders o",
            "refund_rate",
            "it includes cancelled orders",
        ),
    ],
)  # fmt: skip
async def test_other_figures_stand_beside_their_certified_values(
    ask_tool: AskTool, who: str, output: str, source: str, metric: str, because: str
) -> None:
    told = await ask(ask_tool, who, f"SELECT {output} {source} WHERE o.{QUARTER}")
    (note,) = told.content["notes"]
    match = OTHERS.fullmatch(note)
    assert match, note
    kept = "status <> 'cancelled'" if metric == "refund_rate" else VALID
    truth = await number(ask_tool, who, f"SELECT {output} {source} WHERE {kept} AND o.{QUARTER}")
    assert match[1] == metric
    value, own = (float(match[place].replace(",", "")) for place in (3, 5))
    assert value == pytest.approx(truth, abs=0.006)
    assert own == pytest.approx(float(told.content["rows"][0][0]), abs=0.006)
    assert match[8].startswith(because)


async def test_several_figures_stand_beside_their_values_in_one_note(ask_tool: AskTool) -> None:
    sql = f"SELECT count(*), sum(total_amount) FROM retail.orders WHERE {QUARTER}"
    (note,) = await notes(ask_tool, "seattle", sql)
    assert note.startswith("Certified orders of 2026-01-01 to 2026-03-31 is ")
    assert "more. Certified revenue is " in note
    assert note.endswith("more: it includes cancelled and refunded orders.")


async def test_figure_that_a_caller_may_not_see_is_compared_with_nothing(
    ask_tool: AskTool,
) -> None:
    told = await ask_tool(
        "seattle", TOOL, {"postgresql_query": f"SELECT sum(i.quantity * p.cost) {COSTS}"}
    )
    assert told.is_error  # the cost itself is withheld
    assert (
        await notes(ask_tool, "seattle", f"SELECT count(*) FROM retail.orders WHERE {VALID}") == []
    )


async def test_total_that_equals_the_certified_value_gets_no_note(ask_tool: AskTool) -> None:
    days = f"SELECT order_date::date FROM retail.orders GROUP BY 1 HAVING count(*) = count(*) FILTER (WHERE {VALID}) ORDER BY 1 DESC LIMIT 1"
    told = await ask(ask_tool, "seattle", days)
    day = told.content["rows"][0][0]
    sql = f"SELECT sum(total_amount) FROM retail.orders WHERE order_date::date = '{day}'"
    assert await notes(ask_tool, "seattle", sql) == []


async def test_figure_without_a_certified_value_gets_the_fact_alone(ask_tool: AskTool) -> None:
    sql = "SELECT avg(tax_amount) FROM retail.orders"
    (note,) = await notes(ask_tool, "seattle", sql)
    assert note.startswith("No condition on orders.status: every status is included")


async def test_names_are_merged_only_where_several_rows_share_one(ask_tool: AskTool) -> None:
    shared = "SELECT count(*) FROM (SELECT FROM retail.customers GROUP BY first_name, last_name HAVING count(*) > 1) AS t"
    grouped = f"SELECT c.first_name || ' ' || c.last_name AS customer, count(DISTINCT o.order_id) FROM retail.customers c JOIN retail.orders o USING (store_id, customer_id) WHERE {VALID} GROUP BY 1 LIMIT 5"
    several = {who: await number(ask_tool, who, shared) > 0 for who in ("seattle", "head-office")}
    assert several["head-office"]
    for who, is_shared in several.items():
        found = await notes(ask_tool, who, grouped)
        assert any("customers in your scope share a first_name" in note for note in found) is (
            is_shared
        )
    unique = "SELECT p.product_name, sum(v.stock_level) FROM retail.inventory v JOIN retail.products p USING (product_id) GROUP BY 1 LIMIT 5"
    assert await notes(ask_tool, "head-office", unique) == []


async def test_rows_that_stores_repeat_are_repeated_for_several_stores_alone(
    ask_tool: AskTool,
) -> None:
    sql = f"SELECT sum(i.quantity) {LINES} JOIN retail.inventory v USING (product_id) WHERE {VALID}"
    (note,) = await notes(ask_tool, "head-office", sql)
    assert "once for every row of inventory joined to it" in note
    assert await notes(ask_tool, "seattle", sql) == []


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (
            "SELECT count(*) FROM retail.orders WHERE order_date BETWEEN '2026-05-01' AND '2026-05-31'",
            "BETWEEN … '2026-05-31' leaves out what came after its midnight",
        ),
        (
            "SELECT count(*) FILTER (WHERE is_return) / count(*) FROM retail.orders",
            "drops the fraction",
        ),
        (
            f"SELECT avg(a) FROM (SELECT store_id, avg(total_amount) AS a FROM retail.orders WHERE {VALID} GROUP BY 1) AS t",
            "weighs each group the same",
        ),
        ("SELECT email FROM retail.customers LIMIT 3", "personal data (email)"),
    ],
)
async def test_fact_of_the_text_is_stated(ask_tool: AskTool, sql: str, said: str) -> None:
    (note,) = await notes(ask_tool, "eastside", sql)
    assert said in note


async def test_personal_data_of_no_row_is_not_stated(ask_tool: AskTool) -> None:
    sql = "SELECT email FROM retail.customers WHERE customer_id IS NULL"
    assert not any("personal data" in note for note in await notes(ask_tool, "seattle", sql))


async def test_three_facts_at_most_are_stated_the_most_harmful_first(ask_tool: AskTool) -> None:
    sql = f"SELECT c.first_name, c.last_name, avg(o.total_amount), count(*) / count(DISTINCT o.order_id), max(c.email) {LINES} JOIN retail.customers c USING (store_id, customer_id) WHERE o.order_date <= '2026-05-30' GROUP BY 1, 2 ORDER BY 3 LIMIT 3"
    found = await notes(ask_tool, "head-office", sql)
    assert len(found) == 3
    assert "takes each order's value once for every row of order_items" in found[0]
    assert found[1].startswith("No condition on orders.status")
    assert "share a first_name" in found[2]


async def test_cut_answer_states_how_many_rows_there_are(ask_tool: AskTool) -> None:
    count = await number(ask_tool, "seattle", "SELECT count(*) FROM retail.orders")
    for sql in (
        "SELECT order_id FROM retail.orders ORDER BY 1;\n;",
        "SELECT 1 FROM retail.orders --",
        "TABLE retail.orders",
    ):
        found = await notes(ask_tool, "seattle", sql, max_rows=7)
        assert f"The statement has {count:,.0f} rows; this answer has 7." in found
    assert count > 50


async def test_counting_is_admitted_and_measured_as_a_statement_of_its_own(
    moved_application: Application, callers: dict[str, Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Statement] = []
    execute = TenantExecutor.execute

    async def note(
        executor: TenantExecutor, caller: Caller, operation: Statement, record: CallRecord | None
    ) -> object:
        sent.append(operation)
        return await execute(executor, caller, operation, record)

    monkeypatch.setattr(TenantExecutor, "execute", note)
    analytics, caller = moved_application.analytics, callers["seattle"]
    for sql, is_heavy in (
        ("SELECT line_number FROM retail.order_items ORDER BY 1", True),
        ("SELECT store_name FROM retail.stores, generate_series(1, 9)", False),
    ):
        table = await analytics.data.run(caller, sql, max_rows=5)
        sent.clear()
        (note_of_count,) = (await analytics.sql_answers.noted(caller, sql, table)).notes[1:]
        assert note_of_count.startswith("The statement has ")
        (counting,) = sent
        assert (counting.is_heavy, counting.is_free) == (is_heavy, True)
        assert counting.fingerprint == fingerprint(counting.sql)
        assert sql in counting.sql


async def test_statement_over_the_limit_of_rows_is_not_counted(
    unguarded: TenantDatabase, callers: dict[str, Caller]
) -> None:
    def make_linter(tables: Tables) -> Linter:
        return Linter(FACTS, tables)

    sql, counts = "SELECT order_id FROM retail.orders ORDER BY 1", []
    for most_rows in (inf, 1000):
        data = FreeQuery(unguarded, RETAIL, make_linter=make_linter, most_rows=most_rows)
        await data.run(callers["seattle"], "SELECT sum(1)", max_rows=1)
        counts.append(await data.count_rows(callers["seattle"], sql))
    assert counts[0]
    assert counts[1] is None


async def test_rows_that_cost_too_much_to_count_are_not_counted(ask_tool: AskTool) -> None:
    sql = "SELECT a.line_number FROM retail.order_items a, retail.stores b ORDER BY 1"
    found = await notes(ask_tool, "seattle", sql, max_rows=7)
    assert not any("rows; this answer has" in note for note in found)


async def test_period_past_the_loaded_orders_states_how_many_days_are_missing(
    application: Application, tokens: dict[str, str], ask_tool: AskTool
) -> None:
    """The real day is months after the last order of these data."""
    sql = "SELECT max(total_amount) FROM retail.orders WHERE order_date >= '2026-06-01' AND order_date < '2026-07-11'"
    said = []
    for asked in (sql, sql.replace("07-11", "06-15"), sql.replace(">= '2026", "> '2026")):
        arguments = {"postgresql_query": asked}
        status, body = await call_tool(application.endpoint, tokens["seattle"], TOOL, arguments)
        assert status == 200
        said.append(body["result"]["structuredContent"]["notes"])
    assert said[1] == []
    for (note,) in (said[0], said[2]):
        assert note.startswith("Orders of every store are loaded through 2026-06-")
        assert re.search(r": 1[01] days up to 2026-07-10 are missing or not whole\.$", note)
    assert await notes(ask_tool, "seattle", sql) == []  # on the day to which the data run
    assert TODAY.isoformat() == "2026-06-30"


async def test_reach_of_a_grant_that_grew_is_kept_for_no_other_caller(
    unguarded: TenantDatabase, callers: dict[str, Caller]
) -> None:
    checks = AnswerChecks(unguarded, RETAIL, ParsingTurns(), Linter(FACTS, {}))
    scope = (await unguarded.run(callers["seattle"], "SELECT 1", max_rows=1)).scope
    grown = await checks.reach(callers["head-office"], scope)
    own = await checks.reach(callers["seattle"], scope)
    assert len(grown.stores) > 1
    assert [each.store for each in own.stores] == list(scope.stores)
    assert await checks.reach(callers["seattle"], scope) is own


async def test_days_of_a_person_s_text_are_read_once_for_each_day(
    unguarded: TenantDatabase, callers: dict[str, Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[bytes] = []
    run = ParsingTurns.run

    async def seen(self: ParsingTurns, identity: bytes, *arguments: Any) -> Any:
        turns.append(identity)
        return await run(self, identity, *arguments)

    monkeypatch.setattr(ParsingTurns, "run", seen)
    checks = AnswerChecks(unguarded, RETAIL, ParsingTurns(), Linter(FACTS, {}))
    sql = "SELECT count(*) FROM retail.orders WHERE order_date < '2026-07-11'"
    seattle, redmond = callers["seattle"], callers["redmond"]
    read = [
        await checks.days(caller, sql, day)
        for caller in (seattle, redmond)
        for day in (TODAY, TODAY, TODAY + timedelta(days=1))
    ]
    assert turns == [seattle.identity] * 2 + [redmond.identity] * 2
    assert read[0] == read[1] == read[3]


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    async def refuse(*_: object, **__: object) -> None:
        raise Busy("No place is free.", hint="Try again.")

    for part, name in (
        (AnswerChecks, "count_rows"),
        (AnswerChecks, "have_shared_names"),
        (AnswerChecks, "reach"),
        (TenantDatabase, "effective_access"),
    ):
        monkeypatch.setattr(part, name, refuse)
    return iter([None])


@pytest.mark.usefixtures("busy")
async def test_check_that_fails_leaves_the_answer_with_the_facts_of_its_text(
    ask_tool: AskTool,
) -> None:
    sql = "SELECT c.first_name, c.last_name, sum(o.total_amount) FROM retail.customers c JOIN retail.orders o USING (store_id, customer_id) WHERE order_date >= '2026-01-01' GROUP BY 1, 2 ORDER BY 3 DESC"
    found = await notes(ask_tool, "head-office", sql, max_rows=3)
    assert [note[:30] for note in found[1:]] == ["No condition on orders.status:"]
    total = "SELECT sum(total_amount) AS not_asked_before FROM retail.orders"
    (note,) = await notes(ask_tool, "head-office", total)
    assert note.startswith("No condition on orders.status")


async def test_certified_value_needs_the_permission_for_metrics_and_time(
    moved_application: Application, callers: dict[str, Caller]
) -> None:
    sql, analytics = "SELECT sum(total_amount) FROM retail.orders", moved_application.analytics
    narrow = replace(callers["seattle"], permissions=frozenset({SQL_QUERY}))
    wide = replace(narrow, permissions=frozenset(PERMISSIONS.all))
    table = await analytics.data.run(wide, sql, max_rows=5)
    noted = [await analytics.sql_answers.noted(caller, sql, table) for caller in (narrow, wide)]
    with call_context.use(call_context.begin(None, seconds=7)):
        noted.append(await analytics.sql_answers.noted(wide, sql, table))
    assert [each.notes[0][:10] for each in noted] == ["No conditi", "Certified ", "No conditi"]


async def test_repeated_statement_with_an_equal_total_is_compared_once(
    moved_application: Application, callers: dict[str, Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = "SELECT sum(o.total_amount) FROM retail.orders AS o"
    analytics = moved_application.analytics
    # The comparisons are counted: no answer shows how many there were.
    compare, compared = SqlAnswers._compare, []

    async def counting(answers: SqlAnswers, caller: Caller, asked: Any, total: Any) -> Any:
        compared.append(caller.identity)
        return await compare(answers, caller, asked, total)

    monkeypatch.setattr(SqlAnswers, "_compare", counting)
    allowed = {
        name: replace(callers[name], permissions=frozenset(PERMISSIONS.all))
        for name in ("seattle", "redmond")
    }
    for name in ("seattle", "redmond", "seattle"):
        table = await analytics.data.run(allowed[name], sql, max_rows=5)
        noted = await analytics.sql_answers.noted(allowed[name], sql, table)
        assert noted.notes[0].startswith("Certified revenue")
    assert compared == [callers[name].identity for name in ("seattle", "redmond")]
    more = replace(table, rows=[[Decimal(str(table.rows[0][0])) + 1]])
    other = await analytics.sql_answers.noted(allowed["seattle"], sql, more)
    assert other.notes != noted.notes
    assert len(compared) == 3, "another total is compared anew"
