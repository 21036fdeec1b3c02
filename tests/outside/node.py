"""Runs programs on the Node that `make check` installs beside Python."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

OUTSIDE = Path(__file__).parent
NODE = Path(sys.executable).parent / "node"
_RUN_SECONDS = 120


def run(
    *command: str,
    environment: Mapping[str, str] | None = None,
    given: str | None = None,
    seconds: float = _RUN_SECONDS,
) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end, with this standard input, and return what it said."""
    return subprocess.run(
        command,
        cwd=OUTSIDE,
        input=given,
        env={"NO_COLOR": "1", "MCP_INSPECTOR_SECRET_STORE": "memory", **(environment or {})},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=seconds,
        check=False,
    )


def in_chunks(command: Sequence[str]) -> Sequence[str]:
    """Return the command of a program on Node whose bodies are all sent in chunks."""
    return (command[0], "--import", str(OUTSIDE / "clients" / "chunked.mjs"), *command[1:])


def node(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a program on Node."""
    return run(str(NODE), *arguments, environment=environment)
