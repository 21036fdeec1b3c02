"""Which tests run under coverage."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.suite.scheduling import TOGETHER
from tests.support.suite.tracing import TRACED, end_tracing, traced_first, untraced_collection

ROOT = Path(__file__).parents[2]
LAST = "tests/unit/test_other.py::test_b"


class Controller:
    """What pytest-cov keeps for a process."""

    def __init__(self, *reported_files: str) -> None:
        self.started = True
        self.pauses = 0
        self.cov = SimpleNamespace(get_option={"run:include": reported_files}.get)

    def pause(self) -> None:
        self.started = False
        self.pauses += 1

    def resume(self) -> None:
        self.started = True


def config(plugin: Any) -> Any:
    manager = SimpleNamespace(getplugin={"_cov": plugin}.get)
    return SimpleNamespace(pluginmanager=manager, rootpath=ROOT)


def item(nodeid: str, plugin: Any = None) -> Any:
    return SimpleNamespace(nodeid=nodeid, config=config(plugin))


def test_traced_tests_come_first_and_each_kind_stays_in_its_order() -> None:
    traced = [f"{TRACED[0]}::test_b", f"{TRACED[0]}::test_a", f"{TRACED[1]}::test_c"]
    longest = f"{TOGETHER[0][0]}::test_d"
    others = ["tests/unit/test_other.py::test_z", LAST]
    items = [item(name) for name in (others[0], *traced, others[1], longest)]
    traced_first(items)
    assert [each.nodeid for each in items] == [*traced, longest, *others]


def test_tracer_ends_at_the_first_other_test_and_once() -> None:
    controller = Controller()
    plugin = SimpleNamespace(cov_controller=controller)
    end_tracing(item(f"{TRACED[0]}::test_a", plugin))
    assert controller.started
    for _ in range(2):
        end_tracing(item(LAST, plugin))
    assert controller.pauses == 1


def test_collection_is_not_traced_and_every_reported_module_is_imported_before() -> None:
    controller = Controller("zava/telemetry/*", "zava/call_context.py")
    traced = []
    with untraced_collection(config(SimpleNamespace(cov_controller=controller))):
        traced.append(controller.started)
        assert {"zava.telemetry.redaction", "zava.call_context"} <= set(sys.modules)
    assert [*traced, controller.started] == [False, True]
    assert controller.pauses == 1


@pytest.mark.parametrize("plugin", [None, SimpleNamespace(cov_controller=None)])
def test_without_coverage_nothing_is_ended(plugin: Any) -> None:
    end_tracing(item(LAST, plugin))
    with untraced_collection(config(plugin)):
        pass


@pytest.mark.parametrize("file", TRACED)
def test_traced_file_exists(file: str) -> None:
    assert (ROOT / file).is_file()
