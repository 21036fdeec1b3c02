"""The two parts of the suite: `make test` runs the quick one, `make check` both.

Slow is what starts whole products, servers or installations, and what generates many cases. A
folder or a fixture decides. A test elsewhere has the marker `slow` if it takes about a second of
processor time, and is no wall of security. Without `--part` both run.
"""

import pytest

from tests.support.suite.tracing import is_traced

QUICK, SLOW = "quick", "slow"
SLOW_FOLDERS = (
    "tests/adoption/",
    "tests/bench/",
    "tests/check/",
    "tests/docs/",
    "tests/embedders/",
    "tests/faults/",
    "tests/functions/",
    "tests/importing/",
    "tests/infra/",
    "tests/local/",
    "tests/scenarios/",
)
# A laptop that serves, a server that may be broken, a catalogue that a model has embedded.
STARTED_ONCE = ("laptop", "own_server", "searchable_template")
# What judges the order of a run has to see each part.
IN_BOTH = "tests/unit/test_scheduling.py"


def add_option(parser: pytest.Parser) -> None:
    parser.addoption("--part", choices=(QUICK, SLOW), help="run only this part of the suite")


def is_slow(item: pytest.Item) -> bool:
    """Whether a test belongs to the slow part.

    Coverage is measured with the quick part: a folder or a fixture takes no traced test from it.
    """
    if item.get_closest_marker(SLOW):
        return True
    if is_traced(item.nodeid):
        return False
    fixtures = getattr(item, "fixturenames", ())
    return item.nodeid.startswith(SLOW_FOLDERS) or any(name in fixtures for name in STARTED_ONCE)


def needs_no_reading(file: str, part: str | None) -> bool:
    """Whether every test of a file is left out: its imports alone take seconds in each process."""
    return part == QUICK and file.startswith(SLOW_FOLDERS) and not is_traced(file)


def is_of_part(item: pytest.Item, part: str | None) -> bool:
    return part is None or item.nodeid.startswith(IN_BOTH) or is_slow(item) == (part == SLOW)
