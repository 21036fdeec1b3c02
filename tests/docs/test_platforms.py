"""Where Zava can be installed: what README says and `make` refuses is what the wheels allow."""

import json
import platform
import subprocess
import sys

import pytest

from scripts import supported_platforms
from tests.local.test_readme import README
from tests.support.generators.platforms import GOLDEN, PYTHONS, ROOT, pins

FOUND = json.loads(GOLDEN.read_text(encoding="utf-8"))
MACHINES = {
    "Linux x86_64 glibc": ("Linux", "x86_64", ("glibc", "2.28"), 0),
    "Linux aarch64 glibc": ("Linux", "aarch64", ("glibc", "2.39"), 0),
    "Linux x86_64 older glibc": ("Linux", "x86_64", ("glibc", "2.17"), 0),
    "Linux x86_64 musl": ("Linux", "x86_64", ("", ""), 0),
    "Darwin arm64 14": ("Darwin", "arm64", ("", ""), 14),
    "Darwin arm64 13": ("Darwin", "arm64", ("", ""), 13),
    "Darwin x86_64 14": ("Darwin", "x86_64", ("", ""), 14),
    "Windows AMD64": ("Windows", "AMD64", ("", ""), 0),
}


def test_kept_answers_are_about_the_locked_versions() -> None:
    assert FOUND["pins"].items() <= pins().items(), "run `make lock`"
    assert FOUND["missing"].keys() == MACHINES.keys()


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", MACHINES)
def test_make_stops_exactly_where_a_wheel_is_missing(name: str, python: str) -> None:
    system, machine, libc, macos = MACHINES[name]
    version = tuple(map(int, python.split(".")))
    said = supported_platforms.obstacle(system, machine, version, "CPython", libc, macos)
    assert (said is None) == (FOUND["missing"][name][python] is None), said


@pytest.mark.parametrize(
    ("python", "implementation"), [((3, 10), "CPython"), ((3, 15), "CPython"), ((3, 11), "PyPy")]
)
def test_another_python_is_named_with_one_that_works(
    python: tuple[int, int], implementation: str
) -> None:
    said = supported_platforms.obstacle(
        "Linux", "x86_64", python, implementation, ("glibc", "2.39"), 0
    )
    assert said is not None
    assert said.startswith(f"this is {implementation} {python[0]}.{python[1]},")
    assert said.endswith("make PYTHON=python3.12")


def test_machine_of_another_kind_is_named() -> None:
    said = supported_platforms.obstacle("Linux", "armv7l", (3, 11), "CPython", ("glibc", "2.39"), 0)
    assert said is not None
    assert "armv7l" in said


def test_this_machine_passes_and_a_refused_one_ends_with_one_sentence() -> None:
    script = str(ROOT / "scripts" / "supported_platforms.py")
    passed = subprocess.run([sys.executable, script], check=False, capture_output=True, text=True)
    assert (passed.returncode, passed.stderr) == (0, "")
    program = f"import platform, runpy; platform.machine = lambda: 'riscv64'; runpy.run_path({script!r}, run_name='__main__')"
    refused = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith("Zava does not run here: ")
    assert refused.stderr.count("\n") == 1
    assert platform.machine() in (*supported_platforms.LINUX_MACHINES, "arm64")


def test_readme_names_where_it_runs_and_where_it_does_not() -> None:
    paragraph = next(line for line in README.splitlines() if line.startswith("**Runs on**"))
    for name in ("glibc", "x86-64", "ARM64", "macOS 14", "Apple silicon"):
        assert name in paragraph.partition("no wheels")[0]
    for name in ("Intel Macs", "macOS 13", "Alpine", "musl", "Windows"):
        assert name in paragraph.partition("no wheels")[2]


def test_make_asks_before_it_installs() -> None:
    rule = (ROOT / "Makefile").read_text(encoding="utf-8").partition("$(VENV)/.installed:")[2]
    lines = rule.splitlines()[1:]
    assert lines[0].strip() == "@$(PYTHON) -I scripts/supported_platforms.py"
    making = next(number for number, line in enumerate(lines) if "-m venv" in line)
    assert not [line for line in lines[:making] if "install " in line]
