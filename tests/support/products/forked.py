"""Commands in processes that are forked from one which has the product's imports.

Python and those imports take more processor time than most commands do. That `python -m zava` itself
starts is proved by what serves, and by the commands of README.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[3]
_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(["zava.cli.commands", __name__])


def forked(
    arguments: Sequence[str], *, environment: Mapping[str, str], directory: Path, seconds: float
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, and return how it ended and what it printed.

    Raises:
        subprocess.TimeoutExpired: it has not ended by then, and was killed.
    """
    with tempfile.TemporaryDirectory() as kept:
        printed = [Path(kept) / name for name in ("output", "error")]
        given = (list(arguments), dict(environment), directory, printed)
        process = _FORKING.Process(target=_command, args=given)
        process.start()
        process.join(seconds)
        if process.is_alive():
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(arguments, seconds)
        assert process.exitcode is not None
        output, error = (each.read_text(encoding="utf-8") for each in printed)
        ended = subprocess.CompletedProcess(list(arguments), process.exitcode, output, error)
        process.close()
        return ended


def _command(
    arguments: list[str], environment: dict[str, str], directory: Path, printed: list[Path]
) -> None:
    os.environ.clear()  # noqa: TID251  # that of a process which was started with this one
    os.environ.update(environment)  # noqa: TID251  # as above
    os.chdir(directory)
    for number, path in enumerate(printed, start=1):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # for the process
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115  # open for as long as the process
    sys.argv = [str(ROOT / "zava" / "__main__.py"), *arguments]
    from zava.cli.commands import main

    main()
