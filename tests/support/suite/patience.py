"""How long a test waits for another process: longer on a machine that other work keeps busy."""

import os

_MOST = 10


def patient(seconds: float) -> float:
    """Return a bound for what takes at most `seconds` on an idle machine.

    It grows with the processes that wait for each core, to ten times at most.
    """
    waiting = os.getloadavg()[0] / (os.cpu_count() or 1)
    return seconds * min(_MOST, max(1, waiting))
