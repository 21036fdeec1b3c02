"""How long a test waits for another process: longer on a machine that other work keeps busy."""

import os
from pathlib import Path

_MOST = 10
_LOAD = Path("/proc/loadavg")


def patient(seconds: float) -> float:
    """Return a bound for what takes at most `seconds` on an idle machine.

    It grows with the processes that wait for each core, to ten times at most.
    """
    waiting = _processes_that_run() / (os.cpu_count() or 1)
    return seconds * min(_MOST, max(1, waiting))


def _processes_that_run() -> float:
    """Return the mean of a minute or, where Linux counts them, those of now: load has begun."""
    mean = os.getloadavg()[0]
    if not _LOAD.exists():
        return mean
    now, _, _ = _LOAD.read_text(encoding="ascii").split()[3].partition("/")
    return max(mean, int(now))
