"""An importer in a process of its own, which prints each step, so that a test can kill it there.

The last line is the most memory that it took, in MiB.
"""

import resource
import sys
from pathlib import Path

import psycopg

from zava.retail.importing.mapping import documented_layout
from zava.retail.importing.run import run_import

if __name__ == "__main__":
    with psycopg.connect(sys.argv[1], autocommit=True) as connection:
        run_import(
            connection,
            Path(sys.argv[2]),
            documented_layout(),
            progress=lambda what, _share: print(what, flush=True),
        )
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
