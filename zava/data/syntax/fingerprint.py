"""What a statement is apart from its literals, for the audit."""

import asyncio

import pgparse

from zava.data.syntax.parser import parsing_thread
from zava.infrastructure.recent_values import RecentValues
from zava.model.core import CallRecord

# By person and exact text, as in `analysis.py`: a question to the metrics is compiled into a text,
# so a memory that callers share would reveal that another one asked the same.
_known: RecentValues[tuple[bytes, str], str | None] = RecentValues(1024)


async def note_statement(record: CallRecord | None, statement: str) -> None:
    """Write into a call's record which statement it runs; the first one written is kept."""
    if record is None or record.fingerprint is not None:
        return
    key = (record.caller.identity, statement)
    if key not in _known:
        loop = asyncio.get_running_loop()
        _known[key] = await loop.run_in_executor(parsing_thread(), fingerprint, statement)
    note_fingerprint(record, _known[key])


def note_fingerprint(record: CallRecord | None, known: str | None) -> None:
    """Write into a call's record the fingerprint of its statement, unless it has one."""
    if record is not None and record.fingerprint is None:
        record.fingerprint = known


def fingerprint(statement: str) -> str | None:
    """Return libpg_query's fingerprint, None for what is no statement; where there is stack."""
    try:
        return str(pgparse.fingerprint(statement))
    except pgparse.PGQueryError:
        return None
