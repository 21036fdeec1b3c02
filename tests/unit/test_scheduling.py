"""Files that share what starts slowly are run by one worker."""

import pytest

from tests.scheduling import unit_of

STARTED_ONCE = ("laptop", "own_server", "searchable_template")


def test_file_stays_whole_and_files_that_share_something_stay_together() -> None:
    def units(*tests: str) -> set[str]:
        return {unit_of(test) for test in tests}

    assert len(units("tests/unit/test_a.py::test_x[a::b]", "tests/unit/test_a.py::test_y")) == 1
    assert len(units("tests/unit/test_a.py::test_x", "tests/unit/test_b.py::test_x")) == 2
    assert len(units("tests/local/test_a.py::test_x", "tests/local/test_b.py::test_x")) == 1


@pytest.mark.parametrize("name", STARTED_ONCE)
def test_what_starts_slowly_is_started_by_one_worker(
    request: pytest.FixtureRequest, name: str
) -> None:
    """Sees what this run has collected; of the whole suite, every file."""
    units = {
        unit_of(item.nodeid)
        for item in request.session.items
        if name in getattr(item, "fixturenames", ())
    }
    assert len(units) <= 1, f"say in tests/scheduling.py that these stay together: {units}"
