"""Homes of embedded servers, below a directory that every user may enter."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_directory(*, ignore_cleanup_errors: bool = False) -> Iterator[Path]:
    """Lend a directory that is removed afterwards.

    pytest's own is closed to other users: there the cluster of a root user would be placed in a
    directory of the system, and stay.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=ignore_cleanup_errors) as made:
        Path(made).chmod(0o711)
        yield Path(made)
