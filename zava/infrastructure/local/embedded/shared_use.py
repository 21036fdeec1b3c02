"""How the processes of one home share its embedded server, and which of them stops it."""

import fcntl
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from zava.infrastructure.local.state_dir import StateDirectory, StateDirectoryInUse

# Another process's first start on a busy machine takes minutes.
_TURN_SECONDS = 600


class SharedUse:
    """A lock that each process holds while it uses the server; the kernel ends it with the process.

    So a server whose starter was killed is stopped by the last process that uses it.
    """

    def __init__(self, home: StateDirectory) -> None:
        self._home = home
        self._descriptor: int | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Let one process at a time start the server, or find out that it is the last.

        Raises:
            StateDirectoryInUse: another process has not ended its turn for minutes.
            SettingsError: the home cannot be used.
        """
        descriptor = self._home.open("start.lock")
        try:
            for attempt in Retrying(
                stop=stop_after_delay(_TURN_SECONDS),
                wait=wait_fixed(0.1),
                retry=retry_if_exception_type(BlockingIOError),
            ):
                with attempt:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except RetryError as error:
            os.close(descriptor)
            raise StateDirectoryInUse(
                f"another process has been starting PostgreSQL in {self._home.path} for"
                f" {_TURN_SECONDS} s; stop it, or set ZAVA_HOME to another directory"
            ) from error
        except BaseException:
            os.close(descriptor)
            raise
        try:
            yield
        finally:
            os.close(descriptor)

    def begin(self) -> None:
        """Hold the lock beside the other users; called in a turn."""
        if self._descriptor is None:
            self._descriptor = self._home.open("users.lock")
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def is_last(self) -> bool:
        """Whether no other process uses the server; called in a turn, so that none can come."""
        if self._descriptor is None:
            return False
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def end(self) -> None:
        """Release the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold off Ctrl-C and its kin: a second one must not leave the server running."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
