"""Each test runs in one part of the suite."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.suite.parts import (
    IN_BOTH,
    QUICK,
    SLOW,
    SLOW_FOLDERS,
    STARTED_ONCE,
    is_of_part,
    is_slow,
    needs_no_reading,
)
from tests.support.suite.tracing import TRACED

ROOT = Path(__file__).parents[2]
PLAIN = "tests/unit/test_other.py::test_a"
TRACED_BESIDE_SLOW_ONES = next(file for file in TRACED if file.startswith(SLOW_FOLDERS))


def item(nodeid: str, *fixtures: str, marker: str = "") -> Any:
    return SimpleNamespace(nodeid=nodeid, fixturenames=fixtures, get_closest_marker=marker.__eq__)


@pytest.mark.parametrize(
    ("test", "slow"),
    [
        (item(PLAIN), False),
        (item(PLAIN, "database"), False),
        (item(PLAIN, "database", STARTED_ONCE[0]), True),
        (item(PLAIN, marker=SLOW), True),
        (item(f"{SLOW_FOLDERS[0]}test_other.py::test_a"), True),
        (item(f"{TRACED_BESIDE_SLOW_ONES}::test_a", "own_server"), False),
        (item(f"{TRACED_BESIDE_SLOW_ONES}::test_a", marker=SLOW), True),
    ],
)
def test_folder_fixture_or_marker_decides(test: Any, *, slow: bool) -> None:
    assert is_slow(test) == slow
    assert [part for part in (QUICK, SLOW) if is_of_part(test, part)] == [SLOW if slow else QUICK]
    assert is_of_part(test, None)


def test_order_of_a_run_is_judged_in_both_parts() -> None:
    judge = item(f"{IN_BOTH}::test_a")
    assert is_of_part(judge, QUICK)
    assert is_of_part(judge, SLOW)


def test_quick_part_does_not_read_files_of_which_it_runs_nothing() -> None:
    slow_file = f"{SLOW_FOLDERS[0]}test_other.py"
    assert needs_no_reading(slow_file, QUICK)
    assert not any(needs_no_reading(slow_file, part) for part in (SLOW, None))
    assert not needs_no_reading(TRACED_BESIDE_SLOW_ONES, QUICK)
    assert not needs_no_reading(IN_BOTH, QUICK)


@pytest.mark.parametrize("place", [*SLOW_FOLDERS, IN_BOTH])
def test_place_that_a_rule_names_exists(place: str) -> None:
    assert (ROOT / place).exists()


def test_run_of_one_part_holds_no_test_of_the_other(request: pytest.FixtureRequest) -> None:
    part = request.config.option.part
    assert all(is_of_part(each, part) for each in request.session.items)


def test_make_check_runs_both_parts() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    checked = " ".join(re.findall(r"^(?:FIRST|BESIDE) := (.*)$", makefile, re.MULTILINE)).split()
    assert {"test", "test-slow"} <= set(checked)
    for target, part in (("test", QUICK), ("test-slow", SLOW)):
        (recipe,) = re.findall(rf"^{target}: .*\n\t(.*)$", makefile, re.MULTILINE)
        assert f"-m pytest -q -n $(WORKERS) --part {part}" in recipe
