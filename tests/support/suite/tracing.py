"""Which tests coverage traces: those that reach every branch of what isolation rests on.

The tracer takes two fifths of the processor time of whatever runs under it. So a file of tests is
listed only if it reaches a branch that no other listed one reaches; `--cov-context=test` shows it.
The files that coverage reports on are in pyproject.toml.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.support.suite.scheduling import is_of_the_longest_unit, unit_of

TRACED = (
    "tests/data/test_audit.py",
    "tests/data/test_budgets.py",
    "tests/data/test_cells.py",
    "tests/data/test_mistakes.py",
    "tests/data/test_order_watch.py",
    "tests/data/test_overdue.py",
    "tests/data/test_remembered_texts.py",
    "tests/data/test_retries.py",
    "tests/data/test_rows_as_text.py",
    "tests/data/test_session_edges.py",
    "tests/data/test_slow_statements.py",
    "tests/data/test_tenancy.py",
    "tests/data/test_whole_statements.py",
    "tests/data/test_work_limit.py",
    "tests/faults/test_standby.py",
    "tests/protocol/test_audit.py",
    "tests/protocol/test_entra.py",
    "tests/protocol/test_lanes.py",
    "tests/protocol/test_offer.py",
    "tests/protocol/test_strictness.py",
    "tests/security/test_endless.py",
    "tests/security/test_guard.py",
    "tests/security/test_personal_data.py",
    "tests/security/test_sizes.py",
    "tests/security/test_verification.py",
    "tests/unit/test_call_context.py",
    "tests/unit/test_identity.py",
    "tests/unit/test_observe.py",
    "tests/unit/test_own_tokens.py",
    "tests/unit/test_reading.py",
    "tests/unit/test_sql_lint.py",
    "tests/unit/test_telemetry.py",
)


def is_traced(test: str) -> bool:
    """Whether the test of this id is one of them."""
    return test.startswith(TRACED)


def traced_first(items: list[pytest.Item]) -> None:
    """Put the traced tests before all others, both in their order.

    A tracer that has ended does not reach threads that live on, so it is never started again. A
    unit that holds both kinds comes last of the traced ones: its worker traces none after it.
    The longest of the other units comes next, and the catalogue's vectors with it.
    """
    mixed = {unit_of(item.nodeid) for item in items if not is_traced(item.nodeid)}

    def place(item: pytest.Item) -> int:
        if not is_traced(item.nodeid):
            return 2 if is_of_the_longest_unit(item.nodeid) else 3
        return int(unit_of(item.nodeid) in mixed)

    items.sort(key=place)


@contextmanager
def untraced_collection(config: pytest.Config) -> Iterator[None]:
    """Pause the tracer while tests are collected, and import before what coverage reports on.

    Collection runs a good second of imports and thousands of parametrized cases in each process.
    A module's own lines run once, at its first import, so that has to be a traced one.
    """
    controller = _controller(config)
    if controller is None or not controller.started:
        yield
        return
    for pattern in controller.cov.get_option("run:include"):
        for file in sorted(config.rootpath.glob(pattern)):
            import_module(_module_of(file.relative_to(config.rootpath)))
    controller.pause()
    try:
        yield
    finally:
        controller.resume()


def _module_of(file: Path) -> str:
    return ".".join(file.with_suffix("").parts).removesuffix(".__init__")


def _controller(config: pytest.Config) -> Any:
    """Return what starts and ends the tracer; without --cov there is none."""
    return getattr(config.pluginmanager.getplugin("_cov"), "cov_controller", None)


def end_tracing(item: pytest.Item) -> None:
    """End the tracer at the first test that is not traced."""
    controller = _controller(item.config)
    if controller is None:
        return
    if is_traced(item.nodeid):
        assert controller.started, f"{item.nodeid} runs after a test that is not traced"
    elif controller.started:
        controller.pause()
