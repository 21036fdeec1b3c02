"""What the lint states about statements, and that it states nothing where there is a doubt."""

import re
from cProfile import Profile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.security.legitimate import read_legitimate
from zava.data.guard.guard import Guard
from zava.data.sql_query.lint.linter import Lint, Linter
from zava.data.syntax.outside_text import OutsideText
from zava.data.syntax.parser import parse
from zava.model.sql_findings import DayRange, Finding
from zava.retail.data.sql_facts import FACTS

TODAY = date(2026, 11, 29)
NONE = "none"


def statements() -> list[tuple[str, str]]:
    text = Path(__file__).with_name("linted.sql").read_text(encoding="utf-8")
    found = []
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if not line.startswith("-- #")]
        if len(lines) == 2 and not lines[1].startswith("--"):
            found.append((lines[0].removeprefix("-- "), lines[1]))
    return found


STATEMENTS = statements()


def retail_columns() -> dict[str, dict[str, str]]:
    """Return the columns of each retail table with their types, as the golden schema has them."""
    schema = (Path(__file__).parents[2] / "sql" / "schema.sql").read_text(encoding="utf-8")
    tables = re.finditer(r"CREATE TABLE retail\.(\w+) \((.*?)\n\);", schema, re.DOTALL)
    column = re.compile(r"^    ([a-z_]+) (timestamp with time zone|\w+)", re.MULTILINE)
    return {table[1]: dict(column.findall(table[2])) for table in tables}


@pytest.fixture(scope="module")
def linter() -> Linter:
    return Linter(FACTS, retail_columns())


def read(linter: Linter, statement: str) -> Lint | None:
    """Read a statement as the guard does, which also decides whether it may run."""
    guard = Guard(
        "retail", frozenset(FACTS.tables), frozenset(), frozenset(), OutsideText({}), linter.read
    )
    verdict = guard.judge(statement)
    assert not verdict.message, verdict.message
    lint: Lint | None = verdict.findings
    return lint


def found(linter: Linter, statement: str) -> tuple[Finding, ...]:
    lint = read(linter, statement)
    return () if lint is None else lint.on(TODAY)


def test_half_of_the_statements_get_no_note() -> None:
    clean = [statement for kinds, statement in STATEMENTS if kinds == NONE]
    assert len(STATEMENTS) >= 150
    assert len(clean) * 2 >= len(STATEMENTS)


@pytest.mark.parametrize(("kinds", "statement"), STATEMENTS, ids=range(len(STATEMENTS)))
def test_statement_gets_the_facts_that_hold_and_no_other(
    linter: Linter, kinds: str, statement: str
) -> None:
    told = [finding.kind.value for finding in found(linter, statement) if finding.text]
    assert (", ".join(told) or NONE) == kinds


FLAT = "SELECT sum(o.total_amount) FROM retail.orders o WHERE "


@pytest.mark.parametrize(
    ("condition", "start", "end"),
    [
        ("order_date >= '2026-10-01' AND order_date < '2026-11-01'", "2026-10-01", "2026-11-01"),
        ("order_date::date BETWEEN '2026-10-01' AND '2026-10-31'", "2026-10-01", "2026-11-01"),
        ("date(order_date) = DATE '2026-10-31'", "2026-10-31", "2026-11-01"),
        (
            "'2026-10-01' <= o.order_date AND '2026-11-01' > o.order_date",
            "2026-10-01",
            "2026-11-01",
        ),
        ("date_trunc('month', order_date) = '2026-10-01'", "2026-10-01", "2026-11-01"),
        ("date_trunc('quarter', order_date)::date >= '2026-07-01'", "2026-07-01", "2026-11-30"),
        ("date_trunc('year', order_date) <= '2025-01-01'", "1900-01-01", "2026-01-01"),
        ("date_trunc('week', order_date) < '2026-11-23'", "1900-01-01", "2026-11-23"),
        ("date_trunc('month', order_date) > '2026-09-01'", "2026-10-01", "2026-11-30"),
        ("extract(year FROM order_date) = 2025", "2025-01-01", "2026-01-01"),
        (
            "extract(year FROM order_date)::int = 2025 AND date_part('month', o.order_date) = 2",
            "2025-02-01",
            "2025-03-01",
        ),
        (
            "extract(quarter FROM order_date) = 3 AND extract(year FROM order_date) = 2026",
            "2026-07-01",
            "2026-10-01",
        ),
        ("to_char(order_date, 'YYYY-MM') = '2026-10'", "2026-10-01", "2026-11-01"),
        ("to_char(order_date, 'YYYY') = '2025'", "2025-01-01", "2026-01-01"),
        (
            (
                "order_date >= date_trunc('month', CURRENT_DATE - INTERVAL '1 month')"
                " AND order_date < date_trunc('month', CURRENT_DATE)"
            ),
            "2026-10-01",
            "2026-11-01",
        ),
        ("order_date::date > CURRENT_DATE - 7", "2026-11-23", "2026-11-30"),
        ("order_date::date <= now()::date - interval '1 week'", "1900-01-01", "2026-11-23"),
        ("order_date >= make_date(2026, 1, 1)", "2026-01-01", "2026-11-30"),
        (
            "(order_date AT TIME ZONE 'America/Los_Angeles')::date >= '2026-10-05'",
            "2026-10-05",
            "2026-11-30",
        ),
        ("order_date >= '2026-10-01 00:00:00'::timestamp", "2026-10-01", "2026-11-30"),
        ("order_date < '2026-11-01'::date + 1", "1900-01-01", "2026-11-02"),
    ],
)
def test_days_of_a_certain_condition(linter: Linter, condition: str, start: str, end: str) -> None:
    recomputed = linter.recomputation(FLAT + condition, TODAY)
    days = DayRange(date.fromisoformat(start), date.fromisoformat(end))
    assert recomputed is not None
    assert recomputed.days == days
    assert linter.days(FLAT + condition, TODAY) == [days]


@pytest.mark.parametrize(
    "condition",
    [
        "order_date > '2026-10-01'",
        "order_date <= '2026-10-31'",
        "order_date >= now() - interval '30 days'",
        "order_date >= '2026-10-01 12:00'",
        "order_date >= '2026-10-01' OR tax_amount > 3",
        "NOT order_date >= '2026-10-01'",
        "order_date IN ('2026-10-01')",
        "order_date <> '2026-10-01'",
        "date_trunc('month', order_date) = '2026-10-05'",
        "date_trunc('hour', order_date) = '2026-10-05'",
        "extract(month FROM order_date) = 5",
        "extract(year FROM order_date) IN (2025, 2026)",
        "extract(year FROM order_date) = 2025 AND extract(year FROM order_date) = 2026",
        "extract(year FROM order_date) = 99999",
        "extract(dow FROM order_date) = 5",
        "to_char(order_date, 'YYYY-MM') = '2026-13'",
        "to_char(order_date, 'Mon') = 'Oct'",
        "order_date >= '2026-13-01'",
        "order_date >= make_date(2026, 2, 30)",
        "order_date >= date_trunc('month', tax_amount::text::date)",
        "order_date < '2026-10-01' AND order_date >= '2026-11-01'",
        "order_date AT TIME ZONE 'UTC' >= '2026-10-01'",
        "order_date >= CURRENT_TIME::text::timestamptz",
        "order_date >= CURRENT_DATE - interval '3 hours'",
        "order_date >= CURRENT_DATE * 2",
        "order_date >= CURRENT_DATE - interval '9999 years'",
        "order_date >= (SELECT DATE '2026-01-01')",
        "order_date::date = now()",
        "total_amount > 10",
        "is_return",
        "total_amount = tax_amount + 1",
        "customer_id = 'a'",
        "status > 'a'",
        "status LIKE 'c%'",
    ],
)
def test_condition_that_is_not_certain_is_compared_with_nothing(
    linter: Linter, condition: str
) -> None:
    assert linter.recomputation(FLAT + condition, TODAY) is None


JOINED = (
    "FROM retail.orders o JOIN retail.stores s USING (store_id)"
    " JOIN retail.order_items i ON (i.store_id, i.order_id) = (o.store_id, o.order_id)"
    " JOIN retail.products p ON p.product_id = i.product_id"
    " JOIN retail.categories c USING (category_id)"
)
STATUSES = "it includes cancelled and refunded orders"
LINES = "it adds each order once for each line"


@pytest.mark.parametrize(
    ("statement", "filters", "because", "column"),
    [
        ("SELECT sum(total_amount) FROM retail.orders", (), (STATUSES,), 0),
        (
            f"SELECT s.store_name, round(coalesce(sum(i.total_amount), 0), 2) {JOINED} GROUP BY 1",
            (),
            (STATUSES,),
            1,
        ),
        (
            f"SELECT sum(o.total_amount) {JOINED} WHERE s.store_name IN ('A', 'B')",
            (("store", ("A", "B")),),
            (STATUSES, LINES),
            0,
        ),
        (
            f"SELECT sum(o.total_amount)::float8 {JOINED} WHERE o.status IN ('completed', 'pending')",
            (),
            (LINES,),
            0,
        ),
        (
            (
                f"SELECT sum(o.total_amount) {JOINED} WHERE o.status <> ALL (ARRAY['cancelled'])"
                " AND s.region = ANY (ARRAY['East'])"
            ),
            (("region", ("East",)),),
            ("it includes refunded orders", LINES),
            0,
        ),
        (
            f"SELECT sum(o.total_amount) {JOINED} WHERE o.status = 'completed'",
            (),
            ("it leaves out pending orders", LINES),
            0,
        ),
        (
            f"SELECT sum(i.total_amount) {JOINED} WHERE c.category_name = 'Plumbing'",
            (("category", ("Plumbing",)),),
            (STATUSES,),
            0,
        ),
    ],
)
def test_sum_that_recomputes_revenue_is_recognized(
    linter: Linter,
    statement: str,
    filters: tuple[tuple[str, tuple[str, ...]], ...],
    because: tuple[str, ...],
    column: int,
) -> None:
    recomputed = linter.recomputation(statement, TODAY)
    assert recomputed is not None
    (only,) = recomputed.columns
    assert (only.metric, only.adds_up) == ("revenue", True)
    assert (recomputed.filters, only.because) == (filters, because)
    assert only.column == column


ITEMS = "FROM retail.order_items i JOIN retail.orders o USING (store_id, order_id)"
COSTS = f"{ITEMS} JOIN retail.products p USING (product_id)"
REFUNDS = "count(*) FILTER (WHERE status = 'refunded')"
RETURNS = "it counts returns as orders"


@pytest.mark.parametrize(
    ("statement", "metrics", "because"),
    [
        ("SELECT count(*) FROM retail.orders", "orders", STATUSES),
        ("SELECT count(1) AS n FROM retail.orders", "orders", STATUSES),
        ("SELECT count(order_id)::int FROM retail.orders", "orders", STATUSES),
        (f"SELECT count(DISTINCT o.order_id) {ITEMS}", "orders", STATUSES),
        (f"SELECT count(o.order_id) {ITEMS}", "orders", f"{STATUSES} {LINES}"),
        (
            "SELECT count(*) FROM retail.orders WHERE status <> ALL ('{cancelled,refunded}')",
            "orders",
            RETURNS,
        ),
        ("SELECT count(*) FROM retail.orders WHERE status = ANY ('{\"completed\"}')", "", ""),
        (
            "SELECT count(*) FROM retail.orders WHERE status NOT IN ('cancelled', 'refunded')",
            "orders",
            RETURNS,
        ),
        ("SELECT avg(total_amount) FROM retail.orders", "average_order_value", STATUSES),
        (
            "SELECT round(sum(total_amount) / nullif(count(*), 0), 2) FROM retail.orders",
            "average_order_value",
            STATUSES,
        ),
        (
            f"SELECT sum(i.total_amount)::numeric / count(DISTINCT i.order_id) {ITEMS}",
            "average_order_value",
            STATUSES,
        ),
        ("SELECT count(DISTINCT customer_id) FROM retail.orders", "customers", STATUSES),
        ("SELECT sum(quantity) FROM retail.order_items", "units", STATUSES),
        (f"SELECT sum(i.unit_price * i.quantity) {ITEMS}", "gross_sales", STATUSES),
        (f"SELECT coalesce(sum(i.discount_amount), 0) {ITEMS}", "discounts", STATUSES),
        (
            (
                "SELECT 100.0 * sum(i.discount_amount) / nullif(sum(i.quantity * i.unit_price), 0)"
                f" {ITEMS}"
            ),
            "discount_rate",
            STATUSES,
        ),
        (f"SELECT sum(i.total_amount - i.quantity * p.cost) {COSTS}", "gross_margin", STATUSES),
        (
            f"SELECT sum(i.total_amount) - sum(p.cost * i.quantity) {COSTS}",
            "gross_margin",
            STATUSES,
        ),
        (f"SELECT {REFUNDS} * 100.0 / count(*) FROM retail.orders", "refund_rate", "cancelled"),
        (
            (
                "SELECT 100 * sum(CASE WHEN status = 'refunded' THEN 1 ELSE 0 END) / count(*)::numeric"
                " FROM retail.orders"
            ),
            "refund_rate",
            "cancelled",
        ),
        (
            "SELECT sum(total_amount), count(*), avg(total_amount), max(order_date) FROM retail.orders",
            "revenue orders average_order_value",
            STATUSES,
        ),
        (
            "SELECT store_id, count(*), avg(total_amount) FROM retail.orders GROUP BY 1",
            "orders",
            STATUSES,
        ),
        ("SELECT status, count(*) FROM retail.orders GROUP BY 1", "", ""),
        ("SELECT count(*) FROM retail.orders WHERE status = 'refunded'", "", ""),
        (f"SELECT count(*) {ITEMS}", "", ""),
        ("SELECT count(DISTINCT store_id) FROM retail.orders", "", ""),
        ("SELECT store_id, count(DISTINCT customer_id) FROM retail.orders GROUP BY 1", "", ""),
        ("SELECT count(*) FILTER (WHERE is_return) FROM retail.orders", "", ""),
        ("SELECT count(CASE WHEN status = 'refunded' THEN total_amount END) FROM retail.orders", "", ""),
        ("SELECT avg(total_amount)::int FROM retail.orders", "", ""),
        ("SELECT avg(DISTINCT total_amount) FROM retail.orders", "", ""),
        (f"SELECT sum(i.quantity + 1), 2 ^ count(*) {ITEMS}", "", ""),
        ("SELECT count(*) FROM retail.orders o LEFT JOIN retail.stores s USING (store_id)", "", ""),
    ],
)  # fmt: skip
def test_other_certified_metrics_are_recognized_by_their_form(
    linter: Linter, statement: str, metrics: str, because: str
) -> None:
    recomputed = linter.recomputation(statement, TODAY)
    columns = () if recomputed is None else recomputed.columns
    assert [each.metric for each in columns] == metrics.split()
    for each in columns:
        assert all(cause in f"{because} {STATUSES}" or because in cause for cause in each.because)
        assert len(each.because) == max(1, (LINES in because) + (STATUSES in because))
    lint = read(linter, statement)
    assert not metrics or (lint and lint.findings)  # else the answer is compared with nothing


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT sum(total_amount) FROM retail.orders HAVING sum(total_amount) > 1",
        "SELECT store_id, sum(total_amount) FROM retail.orders GROUP BY 1 LIMIT 3",
        "SELECT store_id, sum(total_amount) FROM retail.orders GROUP BY ROLLUP (1)",
        "SELECT round(sum(total_amount)) FROM retail.orders",
        "SELECT round(sum(total_amount), 0) FROM retail.orders",
        "SELECT sum(total_amount)::numeric(10, 0) FROM retail.orders",
        "SELECT 2 * sum(total_amount) FROM retail.orders",
        "SELECT abs(sum(total_amount)) FROM retail.orders",
        "SELECT sum(DISTINCT total_amount) FROM retail.orders",
        "SELECT sum(total_amount + 1) FROM retail.orders",
        "SELECT sum(total_amount), sum(total_amount) FROM retail.orders",
        "SELECT sum(total_amount) OVER () FROM retail.orders",
        "SELECT sum(tax_amount) FROM retail.orders",
        "SELECT sum(o.total_amount) FROM retail.orders o, retail.stores s WHERE s.store_name = 'A'",
        "SELECT sum(o.total_amount) FROM retail.orders o LEFT JOIN retail.stores s USING (store_id)",
        "SELECT sum(o.total_amount) FROM retail.orders o JOIN retail.customers c USING (customer_id)",
        "SELECT sum(a.total_amount) FROM retail.orders a JOIN retail.orders b USING (order_id)",
        f"SELECT sum(o.total_amount) {JOINED} WHERE c.category_name = 'Plumbing'",
        f"SELECT sum(i.total_amount) {JOINED} WHERE c.category_name <> 'Plumbing'",
        f"SELECT sum(i.total_amount) {JOINED} WHERE s.region = 'A' AND s.region = 'B'",
        "SELECT sum(total_amount) FROM (SELECT * FROM retail.orders) AS o",
        # Joined by what is no key of both, an answer lacks rows that the metric has.
        "SELECT count(*) FROM retail.orders o JOIN retail.products p ON p.product_id = o.order_id",
        "SELECT count(*) FROM retail.orders o JOIN retail.stores s ON s.store_id = o.customer_id",
        "SELECT sum(o.total_amount) FROM retail.orders o, retail.stores s WHERE s.region = o.status",
        (
            "SELECT sum(i.total_amount) FROM retail.orders o JOIN retail.order_items i"
            " USING (order_id, total_amount)"
        ),
        (
            "SELECT sum(i.total_amount) FROM retail.orders o JOIN retail.order_items i"
            " ON i.order_id = o.order_id AND i.total_amount = o.total_amount"
        ),
    ],
)
def test_sum_of_another_shape_is_compared_with_nothing(linter: Linter, statement: str) -> None:
    assert linter.recomputation(statement, TODAY) is None


def test_division_of_integers_is_among_the_causes_of_a_difference(linter: Linter) -> None:
    statement = f"SELECT 100 * {REFUNDS} / count(*) FROM retail.orders"
    recomputed = linter.recomputation(statement, TODAY)
    assert recomputed is not None
    assert recomputed.columns[0].because == (
        "it includes cancelled orders",
        "it drops the fraction of a division of integers",
    )


def test_statement_that_names_columns_through_too_many_queries_gets_no_note(
    linter: Linter,
) -> None:
    levels = "".join(
        f", c{n} AS (SELECT a.x || b.x AS x FROM c{n - 1} AS a, c{n - 1} AS b)"
        for n in range(1, 40)
    )
    deep = (
        "WITH c0 AS (SELECT first_name || last_name AS x FROM retail.customers)"
        f"{levels} SELECT x, count(*) FROM c39, retail.orders GROUP BY x"
    )
    assert linter.read(deep, parse(deep)[0]["stmt"], False) is None
    many = " UNION ALL ".join(["SELECT email FROM retail.customers"] * 70)
    assert linter.read(many, parse(many)[0]["stmt"], False) is None


def test_lint_makes_at_most_a_tenth_of_the_guards_calls(linter: Linter) -> None:
    statements = [each.sql for each in read_legitimate() if len(each.sql) < 3000][::4]

    def calls(*lint: Any) -> int:
        tables = frozenset(FACTS.tables)
        guard = Guard("retail", tables, frozenset(), frozenset(), OutsideText({}), *lint)
        profile = Profile()
        profile.enable()
        for statement in statements:
            guard.judge(statement)
        profile.disable()
        return sum(entry.callcount for entry in profile.getstats())

    alone = calls()
    assert alone > 10_000
    assert calls(linter.read) <= 1.1 * alone


def test_lint_reads_whatever_passes_the_guard(linter: Linter) -> None:
    folder = Path(__file__).parents[1] / "security"
    guard = Guard(
        "retail", frozenset(FACTS.tables), frozenset(), frozenset(), OutsideText({}), linter.read
    )
    passed = 0
    for name in ("legitimate.sql", "hostile.sql"):
        for block in re.split(r"\n\s*\n", (folder / name).read_text(encoding="utf-8")):
            statement = "\n".join(line for line in block.splitlines() if not line.startswith("--"))
            if not guard.judge(statement.rstrip("; \n")).message:
                passed += 1
                linter.days(f"{statement} -- order_date", TODAY)
    assert passed > 300
