"""The directory of a laptop's Zava: secrets, keys, and the embedded server's cluster."""

import base64
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_KEY_BYTES = 32
_KEYS_VALID_AT_ONCE = 2


class HomeInUse(Exception):
    """Another run holds this home."""


class Home:
    """A directory that holds what a laptop's Zava must remember between runs."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()

    def secret(self, name: str) -> str:
        """Return the secret of this name, drawn at its first use."""
        return self.text(name, make=lambda: secrets.token_urlsafe(24))

    def text(self, name: str, *, make: Callable[[], str]) -> str:
        """Return the private file of this name, made at its first use."""
        file = self.path / name
        try:
            return file.read_text(encoding="utf-8")
        except FileNotFoundError:
            self._write(name, make(), replace=False)
            return file.read_text(encoding="utf-8")

    def context_keys(self) -> tuple[str, ...]:
        """Return the keys that sign the tenant context as `id:base64`, the one in use first."""
        return tuple(self.text("context-keys", make=lambda: rotated(())[0]).split())

    def rotate_context_key(self) -> None:
        """Put a fresh key in front; the one before stays as second, older ones go."""
        self._write("context-keys", "\n".join(rotated(self.context_keys())), replace=True)

    @contextmanager
    def run_lock(self) -> Iterator[None]:
        """Hold this home for one run; the kernel gives the lock back however the run ends.

        Raises:
            HomeInUse: another run holds it.
        """
        import fcntl  # not on Windows, where only an Azure deployment is prepared

        self._make()
        with (self.path / "run.lock").open("a+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                lock.seek(0)
                raise HomeInUse(
                    f"{self.path} is in use by process {lock.read().strip() or 'unknown'}; "
                    "stop that run, or set ZAVA_HOME to another directory"
                ) from error
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def _make(self) -> None:
        # Traversable, not listable: the embedded server of a root user runs as another one.
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o711 if os.geteuid() == 0 else 0o700)

    def _write(self, name: str, text: str, *, replace: bool) -> None:
        self._make()
        handle, path = tempfile.mkstemp(dir=self.path, prefix=f".{name}-")  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            if replace:
                Path(path).replace(self.path / name)
            else:
                # Of two processes that draw the same secret at once, the first one's stays.
                with suppress(FileExistsError):
                    (self.path / name).hardlink_to(path)
        finally:
            Path(path).unlink(missing_ok=True)


def rotated(keys: Sequence[str]) -> tuple[str, ...]:
    """Return these context keys with a fresh one in front; the one before stays as second."""
    key_id = 1 + max((int(key.partition(":")[0]) for key in keys), default=0)
    fresh = f"{key_id}:{base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}"
    return (fresh, *keys)[:_KEYS_VALID_AT_ONCE]
