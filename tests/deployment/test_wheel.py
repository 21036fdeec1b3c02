"""The wheel holds the whole product: run as a tool, it answers as the checkout does."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import zava
from tests.support.products.laptop import Laptop, free_port
from tests.support.servers.homes import open_directory
from tests.support.suite.patience import patient

ROOT = Path(__file__).parents[2]
UV = (sys.executable, "-m", "uv")
_SECONDS = 240
START_SECONDS = 1800
"""The longest that a first start may take which installs everything, on a machine at work."""


def done(*command: str, directory: Path) -> str:
    """Run a command to its end, away from the checkout, and return what it printed."""
    ended = subprocess.run(
        command,
        cwd=directory,
        check=False,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},  # noqa: TID251  # for a process of its own
        capture_output=True,
        text=True,
        timeout=patient(_SECONDS),
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """An empty directory outside the checkout, that the server's user may enter."""
    with open_directory() as directory:
        yield directory


@pytest.fixture(scope="module")
def wheel(place: Path) -> Path:
    done(
        *UV,
        "build",
        "--quiet",
        "--wheel",
        "--out-dir",
        str(place / "dist"),
        str(ROOT),
        directory=place,
    )
    (built,) = (place / "dist").glob("*.whl")
    return built


def serves_three_callers(
    laptop: Laptop, while_it_runs: Callable[[], object] = lambda: None
) -> None:
    laptop.start()
    try:
        while_it_runs()
        screen = "\n".join(laptop.screens[-1])
        assert "seattle      orders " in screen
        assert "(1 of 8 stores)" in screen
        assert "head-office  orders " in screen
        assert "(8 of 8 stores)" in screen
        assert "no token     HTTP 401" in screen
        assert "seattle      QUERY_REFUSED" in screen
        assert "Or in a shell: zava call " in screen
    finally:
        assert laptop.stop() == 0


def test_wheel_holds_the_package_with_its_sql_and_types(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        (scripts,) = (name for name in names if name.endswith(".dist-info/entry_points.txt"))
        described = packed.read(metadata).decode()
        started = packed.read(scripts).decode()
    tracked = subprocess.run(
        ["git", "ls-files", "zava", "sql"],  # noqa: S607  # git of the PATH
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    wanted = {f"zava/_{name}" if name.startswith("sql/") else name for name in tracked}
    assert wanted <= names
    assert "zava/py.typed" in names
    assert f"Version: {zava.__version__}\n" in described
    assert "Provides-Extra: local\n" in described
    assert "Provides-Extra: azure\n" in described
    assert "zava = zava.__main__:main" in started


@pytest.mark.timeout(START_SECONDS)
def test_tool_run_from_the_wheel_answers_without_an_environment(place: Path, wheel: Path) -> None:
    laptop = Laptop(place / "home of the tool", free_port())
    laptop.program = (*UV, "tool", "run", "--from", f"zava[local] @ {wheel.as_uri()}", "zava")
    laptop.directory = place
    # uv reads the machine's settings for its registry.
    laptop.environment = {
        name: value
        for name, value in os.environ.items()  # noqa: TID251  # for a process of its own
        if name in {"PATH", "HOME"} or name.startswith(("UV_", "SSL_"))
    }
    serves_three_callers(laptop)


def test_package_without_the_extra_says_what_to_install(place: Path, wheel: Path) -> None:
    bare = place / "bare"
    done(*UV, "venv", "--quiet", "--python", sys.executable, str(bare), directory=place)
    python = bare / "bin" / "python"
    done(
        *(*UV, "pip", "install", "--quiet", "--no-deps", "--python", str(python), str(wheel)),
        directory=place,
    )
    ended = subprocess.run(
        [str(bare / "bin" / "zava"), "run"],
        cwd=place,
        check=False,
        capture_output=True,
        text=True,
        timeout=patient(_SECONDS),
    )
    assert ended.returncode == 1
    assert "install zava[local]" in ended.stderr
    assert ended.stderr.count("\n") == 1
