"""An importer in a process of its own, which prints each step, so that a test can kill it there."""

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
