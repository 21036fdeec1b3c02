"""Environments of their own for what may not share ours, made at first need in the virtual one."""

import subprocess
import sys
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent
_ROOT = Path(sys.prefix) / "bench"


@cache
def environment(name: str) -> Path | None:
    """Return the directory of an environment that holds what `name`.txt lists.

    None, where that cannot be installed on this machine: its columns stay empty.
    """
    wanted = _HERE / f"{name}.txt"
    directory = _ROOT / name
    installed = directory / wanted.name
    if installed.exists() and installed.read_text() == wanted.read_text():
        return directory
    uv = Path(sys.prefix) / "bin" / "uv"
    python = directory / "bin" / "python"
    try:
        _execute(uv, "venv", "--quiet", "--clear", directory)
        _execute(uv, "pip", "install", "--quiet", "--python", python, "-r", wanted)
    except subprocess.CalledProcessError:
        print(f"{name} cannot be installed here; it is left out.")
        return None
    installed.write_text(wanted.read_text())
    return directory


def _execute(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True)
