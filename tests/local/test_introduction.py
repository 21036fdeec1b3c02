"""What the first screen says about the data and about each answer."""

from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from rich.console import Console

from tests.support.servers.database import Database
from tests.support.servers.seeded import SCALE, TODAY
from zava.cli.progress import progress_bar, seed_with_progress

# The rule of one line, without a start.
from zava.cli.quickstart import _one_line, today_of
from zava.protocol.tools.tool import ERROR_META
from zava.settings import Settings

FOUND = "Found demo data: 4,001 orders up to 2026-06-30\n"


@pytest.mark.parametrize("terminal", [True, False])
def test_data_that_are_there_are_one_line(seeded_clone: Database, terminal: bool) -> None:
    screen = StringIO()
    with psycopg.connect(seeded_clone.admin, autocommit=True) as admin:
        report = seed_with_progress(
            admin,
            scale=SCALE,
            today=TODAY,
            replace=False,
            console=Console(file=screen, force_terminal=terminal, color_system=None),
        )
    assert not report.is_new
    assert screen.getvalue() == FOUND


@pytest.mark.parametrize("terminal", [True, False])
def test_loading_shows_its_steps_on_a_terminal_and_one_line_elsewhere(
    empty_admin: psycopg.Connection, terminal: bool
) -> None:
    screen = StringIO()
    report = seed_with_progress(
        empty_admin,
        scale=0.001,
        today=date(2020, 3, 1),
        replace=False,
        console=Console(file=screen, force_terminal=terminal, color_system=None, width=120),
    )
    assert report.is_new
    outlook, _, said = screen.getvalue().partition("\n")
    assert (
        outlook
        == "Loading about 200 orders (SCALE=0.001): a minute and 91 MB; a smaller SCALE is faster"
    )
    assert said.endswith(f"{report}\n")
    if terminal:
        assert "Refreshing sums" in said
        assert "100 %" in said
    else:
        assert said == f"{report}\n"


def test_age_of_the_data_is_one_line_and_few_days_are_added_at_once(
    seeded_clone: Database,
) -> None:
    screen = StringIO()
    for days in (1, 2, 150):
        with psycopg.connect(seeded_clone.admin, autocommit=True) as admin:
            seed_with_progress(
                admin,
                scale=SCALE,
                today=TODAY + timedelta(days=days),
                replace=False,
                console=Console(file=screen, soft_wrap=True),
            )
    first, second, old = screen.getvalue().splitlines()
    assert first.endswith(f" orders up to {TODAY + timedelta(days=1)}, 1 day of them new")
    assert second.endswith(f" orders up to {TODAY + timedelta(days=2)}, 1 day of them new")
    assert f" orders up to {TODAY + timedelta(days=2)}, 148 days old; to renew them: " in old
    assert old.endswith(" -m zava seed --replace")


def test_long_load_off_a_terminal_shows_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.cli.progress._LINE_SECONDS", 0.0)
    screen = StringIO()
    with progress_bar(Console(file=screen)) as progress:
        progress("Orders", 0.25)
    assert screen.getvalue() == "  Orders (25%)\n"


def test_retail_day_is_the_stores_or_the_one_that_is_set() -> None:
    before = datetime.now(ZoneInfo("America/Los_Angeles")).date()
    today = today_of(Settings.model_validate({}))
    assert before <= today <= datetime.now(ZoneInfo("America/Los_Angeles")).date()
    moved = Settings.model_validate({"ZAVA_TODAY": "2026-01-02"})
    assert today_of(moved) == date(2026, 1, 2)


@pytest.mark.parametrize(
    ("status", "body", "line"),
    [
        (401, {"error_description": "A token is required."}, "HTTP 401: A token is required."),
        (403, {"error": {"message": "No access."}}, "HTTP 403: No access."),
        (
            200,
            {
                "result": {
                    "isError": True,
                    "_meta": {ERROR_META: {"code": "BUSY", "message": "Come back."}},
                }
            },
            "BUSY: Come back.",
        ),
        (
            200,
            {
                "result": {
                    "structuredContent": {
                        "columns": [{"name": "orders"}, {"name": "revenue"}],
                        "rows": [[1234, "99999999999999999.01"]],
                        "scope": {"stores": ["Zava Retail Seattle"], "store_count": 8},
                    }
                }
            },
            "orders 1,234, revenue 99999999999999999.01  (1 of 8 stores)",
        ),
    ],
)
def test_each_answer_is_one_line(status: int, body: dict[str, Any], line: str) -> None:
    assert _one_line(status, body) == line
