"""Which statements take the time: by shape, in bounded memory, without a value of anybody's."""

import asyncio
import threading
from collections.abc import Sequence
from statistics import quantiles

import psutil
import pytest

from tests.support.suite.patience import patient
from zava.data.syntax.parser import parsing_thread
from zava.data.usage.query_stats import UNPARSED, QueryStatsCollector
from zava.errors import Busy
from zava.model.core import PerformanceSummary
from zava.protocol.resources.performance import performance_text
from zava.telemetry.instruments import QueryType

FREE = QueryType.FREE


def settled(monitor: QueryStatsCollector, most: int = 20) -> PerformanceSummary:
    """Return the summary when the parsing thread has read what it was given."""
    parsing_thread().submit(int).result()
    return monitor.summary(most)


@pytest.mark.requirement("S111")
def test_statements_that_differ_in_literals_alone_share_a_fingerprint() -> None:
    monitor = QueryStatsCollector()
    for number in range(3):
        sql = f"SELECT * FROM retail.orders WHERE total_amount > {number} AND status = 's{number}'"
        monitor.record(FREE, sql, 0.1, failed=False)
    monitor.record(FREE, "SELECT * FROM retail.orders WHERE total_amount < 1", 0.1, failed=False)
    first, second = settled(monitor).costliest
    assert (first.count, second.count) == (3, 1)
    assert first.fingerprint != second.fingerprint
    assert first.text == "SELECT * FROM retail.orders WHERE total_amount > $1 AND status = $2"


@pytest.mark.requirement("S107")
@pytest.mark.requirement("S115")
def test_figures_are_those_of_the_statements() -> None:
    monitor = QueryStatsCollector(slow_seconds=0.5)
    times = [0.001 * number for number in range(1, 1001)]
    for number, seconds in enumerate(times):
        monitor.record(FREE, "SELECT 1", seconds, failed=number % 10 == 0)
        settled(monitor)
    summary = settled(monitor)
    (figures,) = summary.costliest
    cuts = quantiles(times, n=100)
    assert (summary.statements, figures.count, figures.errors, figures.slow) == (
        *(1000, 1000),
        *(100, 500),
    )
    assert figures.mean_seconds == pytest.approx(0.5005)
    assert (figures.smallest_seconds, figures.largest_seconds) == (0.001, 1.0)
    for found, exact in (
        (figures.p50_seconds, cuts[49]),
        (figures.p95_seconds, cuts[94]),
        (figures.p99_seconds, cuts[98]),
    ):
        assert exact * 0.99 <= found <= exact * 1.2


@pytest.mark.slow
@pytest.mark.requirement("S109")
def test_ever_more_distinct_statements_take_no_more_memory() -> None:
    monitor = QueryStatsCollector(most_shapes=100)
    process = psutil.Process()

    def run(first: int, last: int) -> int:
        for number in range(first, last):
            # A shape of its own each: a column that no other names.
            monitor._learn(FREE, f"SELECT c{number} FROM t", 0.01, failed=False)
        return process.memory_info().rss

    before = run(0, 10_000)
    after = run(10_000, 60_000)
    summary = monitor.summary()
    assert summary.shapes == 100
    assert summary.statements + summary.evicted == 60_000
    assert after - before < 2 * 1024 * 1024


def test_reading_that_falls_behind_is_bounded_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    # No setting changes this bound, and a test cannot fill it.
    monkeypatch.setattr("zava.data.usage.query_stats._MAX_PENDING", 5)
    monitor = QueryStatsCollector()
    held = threading.Event()
    parsing_thread().submit(held.wait)
    for number in range(8):
        monitor.record(FREE, f"SELECT c{number}", 0.1, failed=False)
    held.set()
    summary = settled(monitor)
    assert (summary.statements, summary.evicted) == (5, 3)


@pytest.mark.requirement("S112")
@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        (
            "SELECT 'planted', $$planted$$, E'planted', U&'planted', 7 /* planted /* planted */ */",
            "SELECT $1, $2, $3, $4, $5",
        ),
        ("SELECT 1 -- planted", "SELECT $1"),
        ('SELECT 1 AS "Planted planted", "plain"', 'SELECT $1 AS "…", "plain"'),
        ("SELECT 1 -- /* planted\n, 2", "SELECT $1 , $2"),
        ("SELECT 1 /* -- */ , 2 AS planted_not", "SELECT $1"),
        ('SELECT \'"\', 2 AS "a"', 'SELECT $1, $2 AS "a"'),
        (
            "SELECT * FROM json_table('{}', '$' columns (b int path '$.planted'))",
            "(not shown)",
        ),
        ("SELEC planted", "(no statement)"),
    ],
)
def test_text_that_is_shown_holds_nothing_that_a_caller_wrote_as_a_value(
    sql: str, shown: str
) -> None:
    monitor = QueryStatsCollector()
    monitor.record(FREE, sql, 0.1, failed=False)
    (figures,) = settled(monitor).costliest
    assert figures.text == shown
    assert (figures.fingerprint == UNPARSED) == (shown == "(no statement)")


def test_long_text_is_cut() -> None:
    monitor = QueryStatsCollector()
    monitor.record(FREE, f"SELECT {', '.join(['a'] * 400)}", 0.1, failed=False)
    (figures,) = settled(monitor).costliest
    assert len(figures.text) == 401
    assert figures.text.endswith("…")


PLAN = ("Hash Join left  rows=10 cost=13", "  Seq Scan on orders  rows=1 cost=1")


def slow_lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [one.__dict__ for one in caplog.records if one.getMessage() == "slow query"]


@pytest.mark.requirement("S108")
@pytest.mark.requirement("S110")
async def test_slow_statement_is_told_with_its_newest_plan(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = 100.0
    monitor = QueryStatsCollector(slow_seconds=1.0, clock=lambda: now)
    asked = []

    async def explain() -> Sequence[str]:
        asked.append(1)
        return PLAN[: len(asked)]

    assert not monitor.is_slow(0.99)
    assert monitor.is_slow(1.01)
    sql = "SELECT 'planted' FROM retail.orders"
    for moment, shown in ((100.0, PLAN[:1]), (159.9, PLAN[:1]), (160.0, PLAN)):
        now = moment
        monitor.record(FREE, sql, 1.01, failed=False)
        monitor.report_slow(FREE, sql, 1.01, explain)
        await monitor.close()
        (figures,) = monitor.summary().costliest
        told = slow_lines(caplog)[-1]
        assert told["plan"] == list(figures.plan) == list(shown)
        assert told["fingerprint"] == figures.fingerprint
        assert told["duration_seconds"] == 1.01
        assert "planted" not in str(told)
    assert len(asked) == 2
    assert "  Seq Scan on orders" in performance_text(monitor.summary())


async def test_one_plan_is_asked_for_at_a_time(caplog: pytest.LogCaptureFixture) -> None:
    monitor = QueryStatsCollector()
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def explain() -> Sequence[str]:
        assert not asked.is_set()
        asked.set()
        await may_answer.wait()
        return PLAN

    monitor.report_slow(FREE, "SELECT 1", 2.0, explain)
    await asked.wait()
    monitor.report_slow(FREE, "SELECT a FROM b", 3.0, explain)
    (other,) = await asyncio.wait_for(_until_told(caplog), patient(5))
    assert (other["duration_seconds"], other["plan"]) == (3.0, [])
    may_answer.set()
    await monitor.close()
    assert slow_lines(caplog)[-1]["plan"] == list(PLAN)


async def _until_told(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    while not (lines := slow_lines(caplog)):
        await asyncio.get_running_loop().run_in_executor(parsing_thread(), int)
    return lines


@pytest.mark.parametrize("failure", [Busy("no"), ValueError("planted"), KeyError("planted")])
async def test_plan_that_cannot_be_had_is_no_failure_and_takes_none_away(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    now = 0.0
    monitor = QueryStatsCollector(clock=lambda: now)

    async def fail() -> Sequence[str]:
        raise failure

    async def explain() -> Sequence[str]:
        return PLAN

    for moment, ask in ((0.0, fail), (60.0, explain), (120.0, fail)):
        now = moment
        monitor.report_slow(FREE, "SELECT 1", 2.0, ask)
        await monitor.close()
    failed, known, kept = (one["plan"] for one in slow_lines(caplog))
    assert "no plan: " in str(failed)
    assert "planted" not in str(failed)
    assert known == kept == list(PLAN)


async def test_telling_that_would_not_end_ends_with_the_process(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.data.usage.query_stats._CLOSE_SECONDS", 0)
    monitor = QueryStatsCollector()
    asked = asyncio.Event()

    async def explain() -> Sequence[str]:
        asked.set()
        await asyncio.Event().wait()
        return PLAN

    monitor.report_slow(FREE, "SELECT 1", 2.0, explain)
    await asked.wait()
    await monitor.close()
    assert slow_lines(caplog) == []


async def test_slow_statement_that_is_not_explained_is_told_without_a_plan(
    caplog: pytest.LogCaptureFixture,
) -> None:
    monitor = QueryStatsCollector()
    monitor.report_slow(FREE, "SELECT 1", 2.0)
    await monitor.close()
    assert slow_lines(caplog)[0]["plan"] == []


def test_table_of_statistics_is_readable() -> None:
    monitor = QueryStatsCollector()
    monitor.record(FREE, "SELECT 1", 0.01, failed=True)
    text = performance_text(settled(monitor))
    assert text.splitlines()[0] == "1 statements of 1 shapes since this process began."
    assert text.splitlines()[-1].split() == [
        *("1", "1", "0", "10.0", "10.0", "10.0", "10.0", "10.0"),
        *(settled(monitor).costliest[0].fingerprint, "SELECT", "$1"),
    ]


async def test_no_statement_is_read_while_its_call_is_being_answered() -> None:
    monitor = QueryStatsCollector()
    monitor.record(FREE, "SELECT 1", 0.01, failed=False)
    assert settled(monitor).statements == 0
    await monitor.close()
    assert monitor.summary().statements == 1
