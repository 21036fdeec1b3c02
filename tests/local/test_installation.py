"""An installation that is killed at any of its steps is followed by a whole one."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.products.forked import ROOT
from tests.support.servers.homes import open_directory
from tests.support.suite.patience import patient

# A Python that installs nothing. Each step leaves a file; the step of KILLED_AT kills `make`.
PYTHON = """\
#!/bin/sh
case "$*" in
*supported_platforms*) exit 0 ;;
"-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && step=venv ;;
*"install"*" uv") cp "$0" "$(dirname "$0")/uv" && step=pip ;;
*requirements-dev*) step=packages ;;
*requirements-worker*) step=worker ;;
*requirements-outside*) step=outside ;;
-c*) step=checkout ;;
esac
echo "$step $UV_LINK_MODE $*" >>steps
if [ "$step" = "$KILLED_AT" ]; then kill -9 $PPID; fi
"""
STEPS = ["venv", "pip", "packages", "worker", "checkout"]


@pytest.fixture
def checkout() -> Iterator[Path]:
    with open_directory() as directory:
        for name in ("Makefile", "requirements-dev.txt", "requirements-outside.txt"):
            shutil.copy(ROOT / name, directory)
        package = directory / "tests" / "outside" / "package-lock.json"
        package.parent.mkdir(parents=True)
        package.touch()
        python = directory / "python"
        python.write_text(PYTHON)
        python.chmod(0o755)
        yield directory


def make(
    checkout: Path, goal: str, *, killed_at: str = "", user: str | None = None
) -> tuple["subprocess.CompletedProcess[str]", list[str]]:
    """Run a goal; return how it ended and the steps that it took."""
    (checkout / "steps").write_text("")
    done = subprocess.run(
        ["make", f"PYTHON={checkout / 'python'}", goal],  # noqa: S607  # the reader's own
        cwd=checkout,
        env={"PATH": f"{checkout}:{os.defpath}", "KILLED_AT": killed_at},
        capture_output=True,
        text=True,
        timeout=patient(60),
        check=False,
        user=user,
    )
    return done, (checkout / "steps").read_text().splitlines()


def names(steps: list[str]) -> list[str]:
    return [step.partition(" ")[0] for step in steps]


@pytest.mark.parametrize("step", STEPS)
def test_installation_begins_anew_after_one_that_was_killed(checkout: Path, step: str) -> None:
    done, steps = make(checkout, ".venv/.installed", killed_at=step)
    assert done.returncode != 0
    assert names(steps) == STEPS[: STEPS.index(step) + 1]
    (checkout / ".venv" / "half a package").touch()
    done, steps = make(checkout, ".venv/.installed")
    assert done.returncode == 0, done.stderr
    assert names(steps) == STEPS
    assert steps[STEPS.index("packages")].startswith("packages copy "), "no file is another's"
    assert not (checkout / ".venv" / "half a package").exists()
    done, steps = make(checkout, ".venv/.installed")
    assert (done.returncode, steps) == (0, [])


def test_environment_that_something_else_made_is_never_removed(checkout: Path) -> None:
    environment = checkout / ".venv" / "bin"
    environment.mkdir(parents=True)
    shutil.copy(checkout / "python", environment)
    (environment / "of another program").touch()
    make(checkout, ".venv/.installed", killed_at="packages")
    done, steps = make(checkout, ".venv/.installed")
    assert done.returncode == 0, done.stderr
    assert names(steps) == STEPS[1:]
    assert (environment / "of another program").exists()


def test_interrupted_installation_of_another_user_is_named(checkout: Path) -> None:
    checkout.chmod(0o755)
    left = checkout / ".venv"
    left.mkdir()
    (left / ".installing").touch()
    left.chmod(0o555)
    done, steps = make(checkout, ".venv/.installed", user="nobody" if os.geteuid() == 0 else None)
    left.chmod(0o755)
    assert done.returncode != 0
    assert steps == []
    assert "was interrupted; remove it: sudo rm -rf .venv\n" in done.stdout
    assert "Permission denied" not in done.stderr


def test_outside_clients_are_installed_anew_after_an_installation_that_was_killed(
    checkout: Path,
) -> None:
    (checkout / "npm").write_text("#!/bin/sh\n")
    (checkout / "npm").chmod(0o755)
    assert make(checkout, ".venv/.outside", killed_at="outside")[0].returncode != 0
    done, steps = make(checkout, ".venv/.outside")
    assert done.returncode == 0, done.stderr
    assert names(steps) == ["outside"]
    assert steps[0].startswith("outside copy ")
    assert " --reinstall " in steps[0]
    (checkout / ".venv" / ".outside").unlink()
    done, steps = make(checkout, ".venv/.outside")
    assert names(steps) == ["outside"]
    assert "--reinstall" not in steps[0]
