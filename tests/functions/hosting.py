"""A process of its own in which `tests.functions.host` serves."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from typing import Any

from tests.support.servers import pgbouncer
from tests.support.servers.database import Database
from tests.support.suite.patience import patient
from zava.infrastructure.local.state_dir import StateDirectory

ROOT = Path(__file__).parents[2]
_SAMPLE = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
OF_THE_HOST: Mapping[str, str] = {
    name: _SAMPLE[name]
    for name in ("AzureWebJobsDisableHomepage", "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT")
}
"""What the host itself reads of the settings that a deployment has."""
_START_SECONDS = 60
_STOP_SECONDS = 20


@dataclass
class Hosted:
    """Where the host listens; `started` is what it counted, once it has ended."""

    url: str
    process: "subprocess.Popen[str]"
    log: Path | None = None
    started: dict[str, Any] = field(default_factory=dict)

    @property
    def mcp_url(self) -> str:
        return f"{self.url}/mcp"

    def lines(self) -> list[dict[str, str]]:
        """Return the log lines that have arrived."""
        assert self.log is not None
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]


@contextmanager
def played_host(*options: str, settings: Mapping[str, str]) -> Iterator[Hosted]:
    """Serve an app under these settings and nothing of the shell that runs the tests."""
    log = Path(options[options.index("--log") + 1]) if "--log" in options else None
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.functions.host", *options],
        cwd=ROOT,
        env=dict(settings),
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert process.stdout is not None
    impatience = Timer(patient(_START_SECONDS), process.kill)
    impatience.start()
    try:
        hosted = Hosted(process.stdout.readline().strip(), process, log)
        impatience.cancel()
        assert hosted.url, "the host does not start; see its standard error"
        yield hosted
        process.terminate()
        said, _ = process.communicate(timeout=patient(_STOP_SECONDS))
        hosted.started = json.loads(said.splitlines()[-1])
    finally:
        impatience.cancel()
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def functions_host(
    *options: str,
    database: Database,
    home: StateDirectory,
    context_keys: Sequence[str],
    **settings: str,
) -> Iterator[Hosted]:
    """Serve function_app.py over a database, under these settings, while the block runs."""
    environment = {
        "DATABASE_URL": database.server,
        "ZAVA_HOME": str(home.path),
        "ZAVA_CONTEXT_KEYS": ",".join(context_keys),
        **pgbouncer.settings(),
        **settings,
    }
    with played_host(*options, settings=environment) as hosted:
        yield hosted
