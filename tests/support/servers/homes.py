"""Homes of embedded servers, below a directory that every user may enter."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

_MEMORY = Path("/dev/shm")  # noqa: S108  # a directory of its own is made in it
# A cluster takes 300 MB, and a statement of the tests may write a gigabyte beside it.
_ROOM = 6 * 1024**3


def in_memory(place: Path = _MEMORY, room: int = _ROOM) -> Path | None:
    """Return the file system in memory where it has that room and runs programs, else nothing.

    A clone of a database is a thousand small files. On a disk they cost ten times the processor
    time that they cost here, and the tests make hundreds of clones.
    """
    if not place.is_dir() or not os.access(place, os.W_OK):
        return None
    if os.statvfs(place).f_flag & os.ST_NOEXEC:
        return None
    free = min(shutil.disk_usage(place).free, psutil.virtual_memory().available)
    return place if free >= room else None


@contextmanager
def open_directory(*, ignore_cleanup_errors: bool = False) -> Iterator[Path]:
    """Lend a directory that is removed afterwards, in memory where there is room.

    pytest's own is closed to other users: there the cluster of a root user would be placed in a
    directory of the system, and stay.
    """
    with tempfile.TemporaryDirectory(
        dir=in_memory(), ignore_cleanup_errors=ignore_cleanup_errors
    ) as made:
        Path(made).chmod(0o711)
        yield Path(made)
