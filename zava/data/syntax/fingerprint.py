"""What a statement is apart from its literals, for the audit."""

import asyncio

import pgparse
from cachetools import LRUCache

from zava.data.syntax.parser import parsing_thread
from zava.model.core import Caller

# By person and exact text, as in `analysis.py`: a question to the metrics is compiled into a text,
# so a memory that callers share would reveal that another one asked the same.
_known: LRUCache[tuple[bytes, str], str | None] = LRUCache(1024)


async def note_statement(caller: Caller, statement: str) -> None:
    """Record on the caller's call which statement it runs; the first one recorded is kept."""
    if caller.call is None or caller.call.fingerprint is not None:
        return
    key = (caller.identity, statement)
    if key not in _known:
        loop = asyncio.get_running_loop()
        _known[key] = await loop.run_in_executor(parsing_thread(), fingerprint, statement)
    note_fingerprint(caller, _known[key])


def note_fingerprint(caller: Caller, known: str | None) -> None:
    """Record on the caller's call the fingerprint of its statement, unless it has one."""
    if caller.call is not None and caller.call.fingerprint is None:
        caller.call.fingerprint = known


def fingerprint(statement: str) -> str | None:
    """Return libpg_query's fingerprint, None for what is no statement; where there is stack."""
    try:
        return str(pgparse.fingerprint(statement))
    except pgparse.PGQueryError:
        return None
