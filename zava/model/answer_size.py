"""How many bytes of rows an answer may have: a client may forward all of them to its model.

An answer of the default number of rows costs a model at most about 8,000 tokens. Ids and figures
cost a token for each 1.5 bytes or more. A call for more rows gets more bytes in proportion.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import orjson

MOST_ROWS = 1000
"""The most rows or groups that a call can ask for."""

_DEFAULT_ROWS = 50
_DEFAULT_BYTES = 12 * 1024


def rows_that_fit(rows: Sequence[Sequence[Any]], most_rows: int) -> int:
    """Return how many of the rows fit into the answer to a call for `most_rows`.

    One row always fits: the database bounds its size.
    """
    room = _DEFAULT_BYTES * max(most_rows, _DEFAULT_ROWS) // _DEFAULT_ROWS
    if len(orjson.dumps(rows)) <= room:
        return len(rows)
    sizes = accumulate(len(orjson.dumps(row)) + 1 for row in rows)
    return max(1, sum(size <= room for size in sizes))
