"""What clients start as the browser of the machine: it hands the page to a person."""

import os
import shlex
import sys
from pathlib import Path

from tests.outside.node import NODE, OUTSIDE
from tests.pictures.serving import HERE as PICTURES
from tests.pictures.serving import chromium

_REAL = os.environ.get("ZAVA_TEST_BROWSER") == "chromium"  # noqa: TID251  # the tests' own switch


class Browser:
    """A browser in a home of its own, at which one person sits."""

    def __init__(self, home: Path, person: str) -> None:
        self._home = home
        self._opened = home / "opened.txt"
        directory = home / "bin"
        directory.mkdir(parents=True)
        script = directory / "xdg-open"
        log = shlex.quote(str(self._opened))
        who = shlex.join(_command(person))
        # At once, as a browser: the client begins to listen afterwards.
        script.write_text(f'#!/bin/sh\necho "$1" >>{log}\n{who} "$1" >>{log}.log 2>&1 &\n')
        script.chmod(0o755)
        self._script = script

    @property
    def environment(self) -> dict[str, str]:
        """What a client is started with."""
        path = (self._script.parent, NODE.parent, "/usr/local/bin", "/usr/bin", "/bin")
        return {
            "BROWSER": str(self._script),
            "HOME": str(self._home),
            "PATH": ":".join(map(str, path)),
            "MCP_AUTO_OPEN_ENABLED": "true",  # the Inspector opens no browser without a terminal
            "MCP_INSPECTOR_SECRET_STORE": "file",
        }

    @property
    def times_opened(self) -> int:
        """How often a client has asked the person to sign in."""
        return len(self._opened.read_text().splitlines()) if self._opened.exists() else 0

    @property
    def said(self) -> str:
        """What went wrong at the browser, for a failure's message."""
        log = self._opened.with_suffix(".txt.log")
        return log.read_text() if log.exists() else ""


def _command(person: str) -> list[str]:
    if _REAL:
        return [str(NODE), str(PICTURES / "person.mjs"), chromium(), person]
    return [sys.executable, str(OUTSIDE / "person.py"), person]
