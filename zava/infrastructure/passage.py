"""How the user that runs PostgreSQL for a root user reaches its files, and no other user does."""

import errno
import os
import shutil
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_ACCESS_LIST = "system.posix_acl_access"
_VERSION = struct.pack("<I", 2)
_ENTRY = struct.Struct("<HHI")  # tag, permissions, id
_OWNER, _USER, _GROUP, _NAMED_GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_NO_ID = 0xFFFFFFFF
_PASS, _READ = 0o1, 0o4


class Closed(Exception):
    """A directory cannot be opened to one user; the message says what to do."""


def let_through(directory: Path, uid: int) -> None:
    """Let one user pass through to `directory`: neither list it, nor let anybody else pass.

    A directory that all may pass through is left as it is. On the others an entry of the access
    list names the user; their modes for everybody else stay.

    Raises:
        Closed: the file system has no access lists.
    """
    for path in (directory, *directory.parents):
        if not _lets_pass(path):
            _add_entry(path, uid)


def is_open_to_all(tree: Path) -> bool:
    """Whether any user can reach and read every file of a tree, as PostgreSQL's own user must."""
    return all(_lets_pass(path) for path in tree.parents) and all(_readable(tree))


def opened_copy(tree: Path, target: Path) -> Path:
    """Return a copy of a tree that all who reach it can read; made anew when the tree changed."""
    mark = target / ".copied-from"
    state = f"{tree} {_newest(tree)}"
    with suppress(OSError):
        if mark.read_text() == state:
            return target
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(tree, target, symlinks=True)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | 0o555 if path.is_dir() or mode & 0o100 else mode | 0o444)
    mark.write_text(state)
    return target


def _lets_pass(path: Path) -> bool:
    return bool(path.stat().st_mode & _PASS)


def _readable(tree: Path) -> Iterator[bool]:
    for parent, _, files in os.walk(tree):
        # A directory has to be listed, too: PostgreSQL seeks its time zones and extensions.
        yield not ~Path(parent).stat().st_mode & (_READ | _PASS)
        yield from (bool(Path(parent, name).lstat().st_mode & _READ) for name in files)


def _newest(tree: Path) -> int:
    return max(path.stat().st_mtime_ns for path in (tree, *tree.rglob("*")))


def _add_entry(path: Path, uid: int) -> None:
    try:
        entries = _entries(path)
        # What the mask has taken from an entry stays taken, although the new mask is wider.
        mask = next((has for tag, has, _ in entries if tag == _MASK), 0o7)
        bounded = {
            (tag, owner): has & mask if tag in {_USER, _GROUP, _NAMED_GROUP} else has
            for tag, has, owner in entries
            if tag != _MASK
        }
        bounded[_USER, uid] = bounded.get((_USER, uid), 0) | _PASS
        widest = 0
        for (tag, _), has in bounded.items():
            widest |= has if tag in {_USER, _GROUP, _NAMED_GROUP} else 0
        bounded[_MASK, _NO_ID] = widest
        packed = [_ENTRY.pack(tag, has, owner) for (tag, owner), has in sorted(bounded.items())]
        os.setxattr(path, _ACCESS_LIST, _VERSION + b"".join(packed))
    except (OSError, AttributeError) as error:  # macOS has no such function
        raise Closed(
            f"PostgreSQL's own user may not pass through {path}, and its file system takes no"
            " access list; set ZAVA_HOME to a directory that all may pass through, run as another"
            " user, or set DATABASE_URL"
        ) from error


def _entries(path: Path) -> list[tuple[int, int, int]]:
    try:
        packed = os.getxattr(path, _ACCESS_LIST)
    except OSError as error:
        if error.errno not in {errno.ENODATA, errno.ENOTSUP}:
            raise
        mode = path.stat().st_mode
        return [
            (_OWNER, mode >> 6 & 7, _NO_ID),
            (_GROUP, mode >> 3 & 7, _NO_ID),
            (_OTHER, mode & 7, _NO_ID),
        ]
    return [
        (tag, permissions, owner)
        for tag, permissions, owner in _ENTRY.iter_unpack(packed[len(_VERSION) :])
    ]
