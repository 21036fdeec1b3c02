"""How this command line is called, for messages whose commands work as they are printed."""

import shlex
import sys
from pathlib import Path


def command(arguments: str) -> str:
    """Return the command line of a subcommand: `seed --replace` becomes one to paste."""
    if Path(sys.argv[0]).stem == "zava":  # the program of an installed package
        return f"zava {arguments}"
    python = Path(sys.executable)
    here = Path.cwd()
    shown = python.relative_to(here) if python.is_relative_to(here) else python
    return f"{shlex.quote(str(shown))} -m zava {arguments}"
