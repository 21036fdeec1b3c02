"""Runs statements as part of a recorded call, as the tool runner does."""

from collections.abc import Iterator
from contextlib import contextmanager

from zava import call_context
from zava.model.core import CallRecord


@contextmanager
def recorded(record: CallRecord) -> Iterator[CallRecord]:
    """Run the block's statements under this record."""
    trace = call_context.begin(None)
    trace.record = record
    with call_context.use(trace):
        yield record
