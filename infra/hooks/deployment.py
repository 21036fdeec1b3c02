"""What the hooks share: switches, calls of azd, and an end with one sentence.

azd runs the hooks with the Python of the machine, whatever its version. So these files keep to
what Python 3.8 reads: an older Python than the project needs has to reach the sentence about it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = Path(__file__).resolve().parent / "hooks_env"
NEEDED = (3, 11)


class Refused(Exception):
    """The hook ends without success; the text is the one sentence that is shown."""


def main(hook: Callable[[Mapping[str, str]], None]) -> None:
    """Run a hook over the environment that azd gives; every failure ends with one sentence."""
    try:
        check_python(sys.version_info)
        hook(dict(os.environ))
    except Refused as refused:
        sentence = str(refused)
    except KeyboardInterrupt:
        sentence = "The hook was interrupted: run the command again, it goes on where it stopped."
    else:
        return
    sys.stdout.flush()
    sys.exit(sentence)


def check_python(version: Sequence[Any]) -> None:
    """Refuse a Python older than the project's; a pre-release counts as what it precedes."""
    if tuple(version[:2]) < NEEDED:
        raise Refused(
            f"The hooks need Python {NEEDED[0]}.{NEEDED[1]} or newer and run on {version[0]}."
            f"{version[1]}: install one, delete {ENVIRONMENT}, and run the command again."
        )


def switch(environment: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Return a yes or no as azd reads it for Bicep: True, true, t and 1 are the same."""
    text = environment.get(name, "").strip().lower()
    if not text:
        return default
    if text in {"1", "t", "true"}:
        return True
    if text in {"0", "f", "false"}:
        return False
    raise Refused(f"{name} is {environment[name]!r}: it takes true or false.")


def needed(environment: Mapping[str, str], name: str) -> str:
    """Return an output of main.bicep."""
    value = environment.get(name, "").strip()
    if not value:
        raise Refused(f"{name} is not in the environment of azd: run `azd provision` first.")
    return value


def step(failure: str, command: Sequence[str]) -> None:
    """Run a command from the root of the project; what it prints is shown as it comes."""
    sys.stdout.flush()
    try:
        ended = subprocess.run(list(command), cwd=ROOT, check=False)
    except OSError as error:
        raise Refused(f"{failure} {command[0]} did not start: {error.strerror}.") from error
    if ended.returncode:
        raise Refused(failure)


def azd(*arguments: str) -> str:
    """Return what azd prints for these arguments."""
    path = shutil.which("azd")
    if path is None:
        raise Refused("azd is not on the PATH.")
    ended = subprocess.run(
        [path, *arguments], cwd=ROOT, check=False, stdout=subprocess.PIPE, encoding="utf-8"
    )
    if ended.returncode:
        raise Refused(f"`azd {' '.join(arguments[:2])}` failed.")
    return ended.stdout


def remember(name: str, value: str) -> None:
    """Keep a setting in the environment of azd, for this deployment and later ones."""
    azd("env", "set", name, value)
