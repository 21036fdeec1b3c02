"""Files that share what starts slowly are run by one worker."""

import pytest

from tests.support.suite.parts import STARTED_ONCE
from tests.support.suite.scheduling import unit_of
from tests.support.suite.tracing import is_traced


def test_file_stays_whole_and_files_that_share_something_stay_together() -> None:
    def units(*tests: str) -> set[str]:
        return {unit_of(test) for test in tests}

    assert len(units("tests/unit/test_a.py::test_x[a::b]", "tests/unit/test_a.py::test_y")) == 1
    assert len(units("tests/unit/test_a.py::test_x", "tests/unit/test_b.py::test_x")) == 2
    assert len(units("tests/faults/test_a.py::test_x", "tests/faults/test_b.py::test_x")) == 1


@pytest.mark.parametrize("name", STARTED_ONCE)
def test_what_starts_slowly_is_started_by_one_worker(
    request: pytest.FixtureRequest, name: str
) -> None:
    """Sees what this run has collected; of the slow part, every file that has one of them."""
    units = {
        unit_of(item.nodeid)
        for item in request.session.items
        if name in getattr(item, "fixturenames", ())
    }
    assert len(units) <= 1, (
        f"say in tests/support/suite/scheduling.py that these stay together: {units}"
    )


def test_no_worker_runs_a_traced_test_after_one_that_is_not(request: pytest.FixtureRequest) -> None:
    """Sees what this run has collected, in the order in which workers receive it."""
    units: dict[str, list[bool]] = {}
    for item in request.session.items:
        units.setdefault(unit_of(item.nodeid), []).append(is_traced(item.nodeid))
    traced = [kinds for kinds in units.values() if any(kinds)]
    assert all(all(kinds) for kinds in traced[:-1]), "at most one unit holds both, and it is last"
