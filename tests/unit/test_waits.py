"""How long a test waits for another process or thread grows with the load of the machine."""

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.suite.patience import patient

ROOT = Path(__file__).parents[2]
# Programs that start as processes of their own, without the tests' helpers on their path.
PROGRAMS = (
    "tests/outside/clients/",
    "tests/outside/directory_browser.py",
    "tests/outside/person.py",
)
NAMED = {"timeout", "connect_timeout", "read_timeout_seconds"}
# What waits, and the place of its bound.
WAITS = {"wait": 0, "timeout": 0, "result": 0, "wait_for": 1}
# An answer is held back this long, less than a call waits for a connection.
HELD_BACK = {"tests/functions/test_alerts.py": "3"}
# A shorter wait is a moment in which something is given time not to happen.
MOMENT_SECONDS = 1


def fixed_waits(text: str) -> list[str]:
    """Return each bound of a wait that is a number, or a constant, whatever the load is."""
    tree = ast.parse(text)
    moments = _moments(tree)
    return [
        f"{bound.lineno} {ast.unparse(bound)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and not _is_mark(node.func)
        for bound in _bounds(node)
        if _is_fixed(bound, moments)
    ]


def _moments(tree: ast.Module) -> set[str]:
    """Return the file's constants that are short."""
    return {
        name.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        for name, value in zip(_parts(target), _parts(node.value), strict=False)
        if isinstance(name, ast.Name) and isinstance(value, ast.Constant)
        if isinstance(value.value, float | int) and value.value < MOMENT_SECONDS
    }


def _parts(expression: ast.expr) -> list[ast.expr]:
    return expression.elts if isinstance(expression, ast.Tuple) else [expression]


def _is_mark(called: ast.expr) -> bool:
    """Whether it is pytest's own bound of a whole test, the last resort."""
    return ast.unparse(called) == "pytest.mark.timeout"


def _bounds(call: ast.Call) -> Iterator[ast.expr]:
    yield from (each.value for each in call.keywords if each.arg in NAMED)
    if isinstance(call.func, ast.Attribute) and call.func.attr in WAITS:
        place = WAITS[call.func.attr]
        yield from call.args[place : place + 1]
    if isinstance(call.func, ast.Attribute) and call.func.attr == "join":  # of texts, mostly
        yield from (each for each in call.args if isinstance(each, ast.Constant))


def _is_fixed(bound: ast.expr, moments: set[str]) -> bool:
    match bound:
        case ast.Constant(value=int() | float() as seconds):
            return seconds >= MOMENT_SECONDS
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.isupper() and name not in moments
        case ast.BinOp(left=left, right=right):
            return _is_fixed(left, moments) or _is_fixed(right, moments)
    return False


@pytest.mark.parametrize(
    ("minute", "now", "expected"), [(0.0, 1, 5), (8.0, 1, 20), (0.0, 8, 20), (400.0, 1, 50)]
)
def test_bound_grows_with_the_load_of_a_minute_and_of_now_to_ten_times(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, minute: float, now: int, expected: float
) -> None:
    load = tmp_path / "loadavg"
    load.write_text(f"{minute:.2f} 0.00 0.00 {now}/321 4711\n")
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(os, "getloadavg", lambda: (minute, 0.0, 0.0))
    for file in (load, tmp_path / "none"):  # what Linux counts, and any other system
        # No machine is made busy for a test.
        monkeypatch.setattr("tests.support.suite.patience._LOAD", file)
        if file.exists() or now == 1:
            assert patient(5) == expected


def test_no_test_waits_for_a_fixed_time() -> None:
    files = [file.relative_to(ROOT).as_posix() for file in (ROOT / "tests").rglob("*.py")]
    found = {
        file: fixed
        for file in files
        if not file.startswith(PROGRAMS) and (fixed := _fixed_in(file))
    }
    assert found == {}, "use patient of tests/support/suite/patience.py"


def _fixed_in(file: str) -> list[str]:
    waits = fixed_waits((ROOT / file).read_text(encoding="utf-8"))
    return [wait for wait in waits if wait.split()[1] != HELD_BACK.get(file)]


@pytest.mark.parametrize(
    "wait",
    [
        "process.wait(5)",
        "subprocess.run(command, timeout=60)",
        "await asyncio.wait_for(told, 5)",
        "asyncio.timeout(_SECONDS)",
        "thread.join(timeout=serving.SECONDS + 1)",
        "psycopg.connect(server, connect_timeout=10)",
    ],
)
def test_fixed_wait_is_found(wait: str) -> None:
    assert len(fixed_waits(wait)) == 1


@pytest.mark.parametrize(
    "wait",
    [
        "process.wait(patient(5))",
        "asyncio.wait({call}, timeout=0.3)",
        "arriving.get(timeout=deadline - now)",
        "event.wait()",
        "', '.join(NAMES)",
        "_FIRST, _MOMENT = 200, 0.05\nnever.wait(_MOMENT)",
        "pytest.mark.timeout(SECONDS)",
    ],
)
def test_wait_that_grows_or_is_a_moment_is_left(wait: str) -> None:
    assert fixed_waits(wait) == []
