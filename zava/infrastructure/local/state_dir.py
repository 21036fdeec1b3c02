"""The directory of a laptop's Zava: secrets, keys, and the embedded server's cluster."""

import errno
import os
import secrets
import shlex
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zava.infrastructure.context_keys import rotated
from zava.settings import SettingsError

_ANOTHER = "set ZAVA_HOME to another directory"
_REASONS = {
    errno.EROFS: f"is on a read-only file system; {_ANOTHER}",
    errno.ENOSPC: f"is on a full disk; free some space, or {_ANOTHER}",
    errno.EDQUOT: f"is on a full disk; free some space, or {_ANOTHER}",
}


class StateDirectoryInUse(Exception):
    """Another run holds this home."""


class StateDirectory:
    """A directory that holds what a laptop's Zava must remember between runs."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()

    def secret(self, name: str) -> str:
        """Return the secret of this name, drawn at its first use.

        Raises:
            SettingsError: the home cannot be used.
        """
        return self.text(name, make=lambda: secrets.token_urlsafe(24))

    def text(self, name: str, *, make: Callable[[], str]) -> str:
        """Return the private file of this name, made at its first use."""
        file = self.path / name
        with self._usable():
            with suppress(FileNotFoundError):
                return file.read_text(encoding="utf-8")
            self._write(name, make(), replace=False)
            return file.read_text(encoding="utf-8")

    def context_keys(self) -> tuple[str, ...]:
        """Return the keys that sign the tenant context as `id:base64`, the one in use first."""
        return tuple(self.text("context-keys", make=lambda: rotated(())[0]).split())

    def rotate_context_key(self) -> None:
        """Put a fresh key in front; the one before stays as second, older ones go."""
        keys = "\n".join(rotated(self.context_keys()))
        with self._usable():
            self._write("context-keys", keys, replace=True)

    @contextmanager
    def run_lock(self) -> Iterator[None]:
        """Hold this home for one run; the kernel gives the lock back however the run ends.

        Raises:
            StateDirectoryInUse: another run holds it.
        """
        import fcntl  # not on Windows, where only an Azure deployment is prepared

        descriptor = self.open("run.lock")
        with os.fdopen(descriptor, "r+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StateDirectoryInUse(
                    f"{self.path} is in use by process {lock.read().strip() or 'unknown'}; "
                    "stop that run, or set ZAVA_HOME to another directory"
                ) from error
            with self._usable():
                lock.truncate(0)
                lock.write(str(os.getpid()))
                lock.flush()
            yield

    def open(self, name: str) -> int:
        """Return a descriptor of a private file of the home, made when missing.

        Raises:
            SettingsError: the home cannot be used.
        """
        with self._usable():
            self._make()
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
            descriptor = os.open(self.path / name, flags, 0o600)
            self.hand_over(self.path / name)
            return descriptor

    def owner(self) -> tuple[int, int]:
        """Return the user and group that the home's files belong to.

        They are those of this process. Where root works, they are those of the home, or of the
        directory that it will be made in. So a run by `sudo` leaves only files that its user can
        use.
        """
        if os.geteuid() != 0:
            return os.geteuid(), os.getegid()
        existing = next(path for path in (self.path, *self.path.parents) if path.exists())
        found = existing.stat()
        return found.st_uid, found.st_gid

    def hand_over(self, path: Path) -> None:
        """Give a file that root has made to the home's owner."""
        uid, gid = self.owner()
        if os.geteuid() == 0 and uid != 0:
            os.chown(path, uid, gid, follow_symlinks=False)

    def _make(self) -> None:
        uid, gid = self.owner()
        # What is there keeps its mode: it may be a directory that others use, or a device.
        for path in reversed((self.path, *self.path.parents)):
            if path.exists():
                continue
            path.mkdir(exist_ok=True)
            if os.geteuid() == 0 and uid != 0:
                os.chown(path, uid, gid, follow_symlinks=False)
            if path == self.path:
                # Traversable, not listable: the embedded server of a root user runs as another one.
                path.chmod(0o711 if uid == 0 else 0o700)

    @contextmanager
    def _usable(self) -> Iterator[None]:
        """Turn an error of the file system into one sentence with what to do."""
        try:
            yield
        except OSError as error:
            raise SettingsError(f"ZAVA_HOME: {self._reason(error)}") from error

    def _reason(self, error: OSError) -> str:
        for path in (*reversed(self.path.parents), self.path):
            if _status(path) is not None and not path.is_dir():
                return f"{path} is a file; set ZAVA_HOME to a directory"
        if error.errno in _REASONS:
            return f"{self.path} {_REASONS[error.errno]}"
        for path in (Path(error.filename or self.path), self.path):
            found = _status(path)
            is_ours = path.is_relative_to(self.path)
            if is_ours and found is not None and found.st_uid != os.geteuid():
                return (
                    f"{path} belongs to another user; run `sudo chown -R {os.geteuid()}"
                    f" {shlex.quote(str(self.path))}`, or {_ANOTHER}"
                )
        return f"{self.path} cannot be used ({error.strerror}); {_ANOTHER}"

    def _write(self, name: str, text: str, *, replace: bool) -> None:
        self._make()
        handle, path = tempfile.mkstemp(dir=self.path, prefix=f".{name}-")  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            self.hand_over(Path(path))
            if replace:
                Path(path).replace(self.path / name)
            else:
                # Of two processes that draw the same secret at once, the first one's stays.
                with suppress(FileExistsError):
                    (self.path / name).hardlink_to(path)
        finally:
            Path(path).unlink(missing_ok=True)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
