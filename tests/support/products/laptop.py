"""`python -m zava` as a laptop user starts it: a process of its own, its lines and its end."""

import json
import queue
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from tests.support.products.forked import forked
from tests.support.suite.patience import patient
from zava.infrastructure.local.embedded.postgres_server import EmbeddedServer
from zava.infrastructure.local.state_dir import StateDirectory

ROOT = Path(__file__).parents[3]
_START_SECONDS = 60
_STOP_SECONDS = 20
_COMMAND_SECONDS = 60


def free_port() -> int:
    """Return a free port below those that the system gives to outgoing connections."""
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311  # no secret
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Laptop:
    """A home and a port, and the `zava run` that serves them once started."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.port = port
        self.screens: list[list[str]] = []
        """What each start has printed, the first one first."""
        self.environment: dict[str, str] = {}
        """Settings beside home, port and scale."""
        self.program: tuple[str, ...] = (sys.executable, "-m", "zava")
        self.options: tuple[str, ...] = ()
        """What stands after the command that serves."""
        self.directory = ROOT
        """Where the program is started."""
        self._process: subprocess.Popen[str] | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def configuration(self) -> dict[str, Any]:
        """The client configuration that the latest start has printed."""
        screen = self.screens[-1]
        configuration: dict[str, Any] = json.loads("\n".join(screen[screen.index("{") :]))
        return configuration

    @property
    def database(self) -> str:
        """The running embedded server's database, as messages name it."""
        server = EmbeddedServer(StateDirectory(self.home))
        return f"database zava on 127.0.0.1:{server.port}"

    def start(self, command: str = "run", *, until: str = "}") -> None:
        """Start a command that serves; return when it has printed the line `until`.

        The closing brace ends the configuration, which is the last that `run` prints.
        """
        self._process = subprocess.Popen(
            [*self.program, command, *self.options],
            cwd=self.directory,
            env=self.variables(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        assert self._process.stdout is not None
        arriving: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=_pump, args=(self._process.stdout, arriving), daemon=True).start()
        lines: list[str] = []
        self.screens.append(lines)
        deadline = time.monotonic() + patient(_START_SECONDS)
        while until not in lines:
            with suppress(queue.Empty):
                line = arriving.get(timeout=max(0, deadline - time.monotonic()))
                if line is not None:
                    lines.append(line)
                    continue
            self.stop()
            raise AssertionError("\n".join([f"zava {command} does not serve; it said:", *lines]))

    def stop(self) -> int:
        """End the run as a service manager does and return its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(patient(_STOP_SECONDS))
        finally:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """End the run as a crash does; once it has ended this does nothing."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def zava(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run another command to its end, beside whatever runs."""
        return forked(
            arguments,
            environment=self.variables() | environment,
            directory=self.directory,
            seconds=patient(_COMMAND_SECONDS),
        )

    def shell(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The same with the program, as a shell starts it."""
        return subprocess.run(
            [*self.program, *arguments],
            cwd=self.directory,
            env=self.variables() | environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=patient(_COMMAND_SECONDS),
            check=False,
        )

    def variables(self) -> dict[str, str]:
        # Nothing of the shell that runs the tests: a DATABASE_URL there would be another server.
        own = {"ZAVA_HOME": str(self.home), "PORT": str(self.port), "SCALE": "0.02"}
        return own | self.environment


def _pump(output: IO[str], arriving: "queue.SimpleQueue[str | None]") -> None:
    # To its end, also after somebody has stopped listening: a full pipe would stop the server.
    with output:
        for line in output:
            arriving.put(line.rstrip("\n"))
    arriving.put(None)
