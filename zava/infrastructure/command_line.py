"""How this command line is called, for messages whose commands work as they are printed."""

import shlex
import sys
from pathlib import Path


def command(arguments: str, *, home: Path | None = None) -> str:
    """Return the command line of a subcommand: `seed --replace` becomes one to paste.

    `home` is a directory that the command finds in ZAVA_HOME.
    """
    setting = "" if home is None else f"ZAVA_HOME={shlex.quote(str(home.absolute()))} "
    if Path(sys.argv[0]).stem == "zava":  # the program of an installed package
        return f"{setting}zava {arguments}"
    python = Path(sys.executable)
    here = Path.cwd()
    shown = python.relative_to(here) if python.is_relative_to(here) else python
    return f"{setting}{shlex.quote(str(shown))} -m zava {arguments}"
