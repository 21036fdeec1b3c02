"""Which tests meet in one worker when several run the suite."""

from xdist.scheduler import LoadScopeScheduling

# Tests under these share what takes seconds to start: a laptop that serves, a server that may be
# broken, a catalogue that a model has embedded.
TOGETHER = (
    (
        "tests/local/test_check.py",
        "tests/local/test_commands.py",
        "tests/local/test_first_answer.py",
        "tests/local/test_first_starts.py",
        "tests/local/test_readme.py",
        "tests/local/test_second_start.py",
        "tests/local/test_stdio.py",
        "tests/local/test_tutorial.py",
    ),
    ("tests/faults/",),
    (
        "tests/importing/test_round_trip.py",
        "tests/protocol/test_product_search.py",
        "tests/protocol/test_search_input.py",
        "tests/protocol/test_search_text.py",
        "tests/scenarios/",
    ),
)


def unit_of(test: str) -> str:
    """Return the name of what one worker runs as a whole, by a test's id."""
    for paths in TOGETHER:
        if test.startswith(paths):
            return paths[0]
    return test.partition("::")[0]


def is_of_the_longest_unit(test: str) -> bool:
    """Whether a test is of the laptop's: this unit would run on alone if it began late."""
    return test.startswith(TOGETHER[0])


class Together(LoadScopeScheduling):  # type: ignore[misc]  # xdist declares no types
    """Hands out files in their order, and those that share something as one."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)
