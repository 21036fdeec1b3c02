"""Which tests meet in one worker when several run the suite."""

from xdist.scheduler import LoadScopeScheduling

# Tests under these share what takes seconds to start: a laptop that serves, a server that may be
# broken, a catalogue that a model has embedded.
TOGETHER = (
    ("tests/local/",),
    ("tests/faults/",),
    (
        "tests/protocol/test_product_search.py",
        "tests/protocol/test_search_input.py",
        "tests/scenarios/",
    ),
)


def unit_of(test: str) -> str:
    """Return the name of what one worker runs as a whole, by a test's id."""
    for paths in TOGETHER:
        if test.startswith(paths):
            return paths[0]
    return test.partition("::")[0]


class Together(LoadScopeScheduling):  # type: ignore[misc]  # xdist declares no types
    """Hands out files in their order, and those that share something as one."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)
