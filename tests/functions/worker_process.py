"""The process in which function_app.py runs: the library of Azure's worker behind a socket.

    python -m tests.functions.worker_process FILE_DESCRIPTOR [--app DIRECTORY] [--fixtures] …

As the worker of Python 3.13 it runs on uvloop, gives each call an empty context, and has two
handlers of log lines: one sends to the host, with the call in whose task the line was logged, and
one writes to standard output with the worker's prefix.
"""

import argparse
import asyncio
import logging
import socket
import sys
import traceback
from collections.abc import Coroutine
from contextvars import Context
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import uvloop

from tests.functions.frames import frame, read_frame
from tests.functions.host_log import PREFIX
from tests.functions.worker import ROOT, Worker

_LEVELS = {"DEBUG": "Debug", "INFO": "Information", "WARNING": "Warning", "ERROR": "Error"}
_OF_THE_PLATFORM = ("azure.functions", "azure_functions_runtime")


class CallTask(asyncio.Task[Any]):
    """A task that knows the call for which it runs: its maker's, unless it was given one."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        maker = _running_task()
        self.call: str | None = getattr(maker, "call", None)


def _running_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # a thread without a loop
        return None


class ToHost(logging.Handler):
    """Sends each line to the host, as the worker's handler does."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        super().__init__()
        self._writer = writer
        self._loop = asyncio.get_running_loop()

    def emit(self, record: logging.LogRecord) -> None:
        """Send one line; from a thread, which has no call, through the loop."""
        if record.name.startswith(_OF_THE_PLATFORM):
            return
        call = getattr(_running_task(), "call", None)
        level = _LEVELS.get(record.levelname, "Critical")
        sent = frame({"log": self.format(record), "call": call, "level": level})
        self._loop.call_soon_threadsafe(self._writer.write, sent)


def install_handlers(writer: asyncio.StreamWriter) -> None:
    console = logging.StreamHandler(sys.stdout)
    console.setFormatter(logging.Formatter(f"{PREFIX} %(levelname)s: %(message)s"))
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.handlers = [ToHost(writer), console]


async def answer(
    worker: Worker, writer: asyncio.StreamWriter, head: dict[str, Any], body: bytes
) -> None:
    """Run one call. A cancellation that leaves the function gives no answer at all."""
    task = asyncio.current_task()
    assert isinstance(task, CallTask)
    task.call = head["call"]
    try:
        given = await worker.call(
            head["function"], head["method"], head["url"], head["headers"], body
        )
    except Exception as error:  # noqa: BLE001  # the host gets its words
        told = f"{error} {traceback.format_exc()}"
        # After the lines of the call, which the handler sends through the loop.
        _soon(writer, frame({"call": head["call"], "failure": told}))
    else:
        sent = {"call": head["call"], "status": given.status, "headers": given.headers}
        _soon(writer, frame(sent, given.body))


def _soon(writer: asyncio.StreamWriter, sent: bytes) -> None:
    asyncio.get_running_loop().call_soon(writer.write, sent)


async def serve(given: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    loop.set_task_factory(cast("Any", _task))
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=given.socket))
    install_handlers(writer)
    if given.app != ROOT:
        sys.path.insert(0, str(given.app))
    worker = Worker()
    await worker.start(given.app)
    for name in given.plant:
        getattr(import_module("tests.functions.plants"), name)()
    if given.fixtures:
        from tests.functions.suite_fixtures import add_fixtures

        add_fixtures()
    triggers = {name: worker.trigger(name) for name in worker.functions}
    writer.write(frame({"triggers": triggers}))
    running: set[asyncio.Task[None]] = set()
    while (received := await read_frame(reader)) is not None:
        head, body = received
        if "end" in head:
            break
        call = answer(worker, writer, head, body)
        task = loop.create_task(call, context=Context())
        running.add(task)
        task.add_done_callback(running.discard)
    writer.write(frame({"started": await close()}))
    await writer.drain()
    writer.close()


async def close() -> dict[str, int]:
    """Close the product's application, if there is one; return what it has started how often."""
    if "zava.app" not in sys.modules:
        return {}
    from zava.app import application

    started = {
        "pool_opened": application().pool.times_opened,
        "kernel_started": application().endpoint.sdk_bridge.times_started,
    }
    await application().close()
    return started


def _task(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **named: Any
) -> CallTask:
    return CallTask(coroutine, loop=loop, **named)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("socket", type=int)
    parser.add_argument("--app", type=Path, default=ROOT)
    parser.add_argument("--fixtures", action="store_true")
    parser.add_argument("--plant", action="append", default=[])
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(given))


if __name__ == "__main__":
    main()
