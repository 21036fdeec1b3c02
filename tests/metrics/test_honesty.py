"""What an answer says beside its figures: emptiness, the part of the chain, forecasts, limits."""

import re
from datetime import date
from types import SimpleNamespace
from typing import Any

import orjson
import psycopg
import pytest

from tests.support.answers.asking import AskTool
from tests.support.servers.database import Database
from tests.support.servers.seeded import TODAY, result_cache
from zava.app import compose
from zava.data.metrics.catalog import Catalogue
from zava.data.metrics.reader import MetricReader
from zava.data.session.isolation_check import CANARIES, IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.errors import InvalidInput
from zava.infrastructure.cache_backends import MemoryStore, RedisStore
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.model.metrics import Comparison, MetricFilter, PeriodUnit
from zava.model.time_labels import labels
from zava.retail.declaration import RETAIL
from zava.retail.resources import RESOURCES
from zava.retail.service.insights import RULES
from zava.service.metrics.periods import business_day
from zava.service.metrics.query import MetricQueries
from zava.settings import Settings


@pytest.fixture
def asked(metrics: MetricReader) -> MetricQueries:
    return MetricQueries(metrics, lambda: TODAY)


async def test_empty_period_is_told_with_the_days_that_there_are(
    asked: MetricQueries, callers: dict[str, Caller]
) -> None:
    for dimensions in ((), ("store",)):
        answer = await asked.query(
            callers["seattle"], metrics=["revenue"], dimensions=dimensions, time_period="2031"
        )
        (told, *_) = [note for note in answer.notes if note.startswith("Nothing in")]
        assert told.startswith("Nothing in 2031-01-01 to 2031-12-31 (2031).")
        assert "Orders in your scope run from 2020-01-" in told
        assert told.endswith("to 2026-06-30.")
    filtered = await asked.query(
        callers["seattle"],
        metrics=["revenue"],
        filters=[MetricFilter("channel", "=", ("online",))],
        time_period="2025",
    )
    assert filtered.notes[0].startswith("Nothing meets the filters in 2025-01-01 to 2025-12-31")
    full = await asked.query(callers["seattle"], metrics=["revenue"], time_period="2025")
    assert full.notes == ()


async def test_store_without_any_order_is_told_so(
    seeded_clone: Database,
    changing: psycopg.Connection,
    signer: ContextSigner,
    callers: dict[str, Caller],
    catalogue: Catalogue,
) -> None:
    changing.execute("UPDATE retail.orders SET status = 'cancelled'")
    pool = DatabasePool(seeded_clone.server, max_size=1)
    tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
    reader = MetricReader(tenancy, result_cache(tenancy, MemoryStore(1), ttl_seconds=0), catalogue)
    answer = await MetricQueries(reader, lambda: TODAY).query(
        callers["seattle"], metrics=["orders"]
    )
    assert answer.notes == ("There is no order in your scope.",)
    forecast = await MetricQueries(reader, lambda: TODAY).query(
        callers["seattle"], metrics=["orders"], dimensions=["month"], forecast_periods=1
    )
    assert forecast.forecasts == ()
    assert "No forecast: it needs 24 months of sales, there are 0." in forecast.notes
    await pool.close()


async def test_ranking_of_stores_says_how_many_are_seen(
    asked: MetricQueries, callers: dict[str, Caller]
) -> None:
    for dimension in ("store", "region", "channel"):
        answer = await asked.query(callers["eastside"], metrics=["revenue"], dimensions=[dimension])
        assert answer.notes[0].startswith("You see 3 of 8 stores: the others are not in this list.")
    whole = await asked.query(callers["head-office"], metrics=["revenue"], dimensions=["store"])
    assert whole.notes == ()
    product = await asked.query(callers["eastside"], metrics=["units"], dimensions=["category"])
    assert product.notes == ()


async def test_limit_and_unneeded_period_are_said(
    asked: MetricQueries, callers: dict[str, Caller]
) -> None:
    answer = await asked.query(
        callers["seattle"],
        metrics=["stock_value"],
        dimensions=["product"],
        limit=3,
        time_period="2025",
    )
    assert answer.figures.period is None
    assert answer.notes == (
        "3 of 576 groups; raise limit above 3 or filter to see others.",
        "These metrics are known as of now, not for the past: time_period was left out.",
    )


async def test_totals_beyond_the_room_of_an_answer_are_said_and_the_grand_total_stays(
    asked: MetricQueries, callers: dict[str, Caller]
) -> None:
    question: dict[str, Any] = {
        "metrics": ["revenue", "gross_sales", "discounts", "discount_rate", "units", "orders"],
        "dimensions": ["product", "month"],
        "time_period": "2025",
        "compare": Comparison.PREVIOUS_YEAR,
        "with_totals": True,
    }
    answer = await asked.query(callers["seattle"], **question)
    totals = answer.figures.totals
    assert totals[0][:2] == [None, None]
    assert len(orjson.dumps([*answer.figures.rows, *totals])) <= 12 * 1024 + 1
    whole = await asked.query(callers["seattle"], **question | {"limit": 1000})
    assert totals[0] == next(row for row in whole.figures.totals if row[:2] == [None, None])
    said = rf"{len(totals)} of \d+ totals; raise limit to see more\."
    assert any(re.fullmatch(said, note) for note in answer.notes)
    assert not any("totals" in note for note in whole.notes)


@pytest.mark.parametrize(
    ("dimensions", "compare"),
    [
        ([], None),
        (["store"], None),
        (["year"], None),
        (["month", "store"], None),
        (["month"], Comparison.PREVIOUS_YEAR),
    ],
)
async def test_forecast_needs_one_series(
    asked: MetricQueries,
    callers: dict[str, Caller],
    dimensions: list[str],
    compare: Comparison | None,
) -> None:
    with pytest.raises(InvalidInput, match="forecast_periods: a forecast needs exactly one"):
        await asked.query(
            callers["seattle"],
            metrics=["revenue"],
            dimensions=dimensions,
            compare=compare,
            forecast_periods=2,
        )


@pytest.mark.parametrize(
    ("dimension", "first", "known"),
    [("day", "2026-06-30", 56), ("iso_week", "2026-W27", 156), ("quarter", "2026-Q2", 16)],
)
async def test_forecast_begins_with_the_current_unit(
    asked: MetricQueries, callers: dict[str, Caller], dimension: str, first: str, known: int
) -> None:
    answer = await asked.query(
        callers["head-office"],
        metrics=["orders", "revenue"],
        dimensions=[dimension],
        forecast_periods=2,
    )
    assert [forecast.metric for forecast in answer.forecasts] == ["orders", "revenue"]
    for forecast in answer.forecasts:
        assert forecast.points[0].label == first
        assert len(forecast.points) == 2
        assert 0 < forecast.tested_periods <= known


def test_labels_are_those_of_the_database() -> None:
    assert labels(date(2026, 12, 21), PeriodUnit.WEEK, 3) == ["2026-W52", "2026-W53", "2027-W01"]
    assert labels(date(2026, 10, 1), PeriodUnit.QUARTER, 2) == ["2026-Q4", "2027-Q1"]
    assert labels(date(2026, 12, 1), PeriodUnit.MONTH, 2) == ["2026-12", "2027-01"]
    assert labels(date(2026, 12, 31), PeriodUnit.DAY, 2) == ["2026-12-31", "2027-01-01"]
    assert labels(date(2026, 1, 1), PeriodUnit.YEAR, 2) == ["2026", "2027"]


async def test_page_of_the_metrics_ends_with_the_rules_of_findings(asked: MetricQueries) -> None:
    use_cases = SimpleNamespace(sales=SimpleNamespace(metrics=asked))
    page = await RESOURCES["retail://metrics"].read(use_cases, CANARIES[0], {})
    assert page.startswith("# Metrics")
    assert all(f"| `{rule.name}` | {rule.threshold} |" in page for rule in RULES)


def test_day_is_the_stores_own_or_the_one_it_was_moved_to() -> None:
    assert business_day(date(2026, 1, 2), RETAIL.time_zone) == date(2026, 1, 2)
    assert abs((business_day(None, RETAIL.time_zone) - date.today()).days) <= 1  # noqa: DTZ011  # within a time zone


@pytest.mark.requirement("S116")
@pytest.mark.parametrize(
    ("url", "kind"), [(None, MemoryStore), ("redis://127.0.0.1:1", RedisStore)]
)
async def test_answers_are_kept_where_the_settings_say(
    database: Database, home: StateDirectory, context_keys: list[str], url: str | None, kind: type
) -> None:
    settings = Settings.model_validate({"ZAVA_HOME": home.path, "REDIS_URL": url})
    application = compose(settings, conninfo=database.server, context_keys=context_keys)
    # Which store keeps the answers shows here alone.
    assert isinstance(application.cache._store, kind)
    await application.close()


async def test_withheld_quartiles_are_said_to_be_withheld(ask_tool: AskTool) -> None:
    """In 2019 no store sold: fewer than five stand behind the figures."""
    told = await ask_tool(
        "kirkland", "compare_with_chain", {"metric": "orders", "time_period": "2019"}
    )
    assert not told.is_error
    assert "The chain's quartiles are withheld" in told.text
    assert told.content["median"] is None
    assert told.content["own"] == []
