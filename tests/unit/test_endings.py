"""What stops a first start is one sentence with what to do, whatever the system calls it."""

import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO, TextIOWrapper
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from tests.support.servers.homes import open_directory
from zava.cli import exit_errors
from zava.cli.exit_errors import interrupt_at_every_end, one_sentence, write_to_any_output
from zava.infrastructure.command_line import command
from zava.infrastructure.local.embedded.server_user import EmbeddedServerError
from zava.infrastructure.local.port import listen
from zava.infrastructure.local.state_dir import StateDirectory
from zava.settings import SettingsError, settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("ZAVA_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield tmp_path / "home"
    settings.cache_clear()


def said(error: Exception, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended, one_sentence():
        raise error
    assert ended.value.code == 1
    text = capsys.readouterr().err
    assert text.startswith("zava: ")
    assert text.count("\n") == 1
    return text


@pytest.mark.parametrize(
    "error",
    [
        psycopg.errors.InvalidParameterValue('role "zava_loader" does not exist'),
        psycopg.errors.UndefinedObject('role "zava_server" does not exist'),
    ],
)
def test_database_without_our_roles_names_the_command_that_prepares_it(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "the database is not prepared; run `zava migrate` first" in said(error, capsys)
    other = psycopg.errors.UndefinedObject('role "zava_loader of another" does not exist')
    assert "the database reported: " in said(other, capsys)


@pytest.mark.parametrize(
    "error",
    [
        psycopg.errors.DiskFull('could not extend file "base/5/1"\nHINT:  Check free disk space.'),
        OSError(errno.ENOSPC, "No space left on device"),
        EmbeddedServerError("initdb failed: could not write: No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
    ],
)
def test_full_disk_is_named_with_what_to_do(
    error: Exception, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(error, capsys)
    for part in (str(home.parent), "is full", "ZAVA_HOME", "SCALE"):
        assert part in text


@pytest.mark.usefixtures("home")
def test_full_disk_of_a_server_that_the_settings_name_is_not_that_of_the_home(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://admin@db.example/zava")
    settings.cache_clear()
    text = said(psycopg.errors.DiskFull("could not extend file"), capsys)
    assert "the disk of the database's server is full" in text
    assert "ZAVA_HOME" not in text


@pytest.mark.parametrize("free", [2**20, 2**30])
@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("server closed the connection unexpectedly\n\tThis probably"),
        EmbeddedServerError("PostgreSQL does not start in x; its log ends: PANIC"),
    ],
)
def test_server_that_a_full_disk_ended_is_told_from_one_that_ended_otherwise(
    error: Exception, free: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert ("is full (1 MB are free)" in said(error, capsys)) == (free == 2**20)


def test_error_of_the_system_names_the_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = said(PermissionError(errno.EACCES, "Permission denied", "/some/file"), capsys)
    assert text == "zava: the system refuses: Permission denied (/some/file)\n"
    monkeypatch.setenv("SCALE", "much")  # settings that cannot be read must not hide the cause
    settings.cache_clear()
    assert "Broken" in said(OSError("Broken"), capsys)


def test_home_that_is_a_file_or_below_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "file").chmod(0o640)
    for path in (tmp_path / "file", tmp_path / "file" / "home"):
        with pytest.raises(SettingsError, match=rf"^ZAVA_HOME: {tmp_path}/file is a file; set"):
            StateDirectory(path).secret("a")
        with pytest.raises(SettingsError, match=r"^ZAVA_HOME"), StateDirectory(path).run_lock():
            pass
    assert (tmp_path / "file").stat().st_mode & 0o7777 == 0o640


@pytest.mark.parametrize("mode", [0o1777, 0o755, 0o700])
def test_directory_that_is_there_keeps_its_mode_as_a_home(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with StateDirectory(tmp_path).run_lock():
        StateDirectory(tmp_path).secret("a")
    StateDirectory(tmp_path / "new").secret("a")
    assert tmp_path.stat().st_mode & 0o7777 == mode
    assert {file.stat().st_mode & 0o077 for file in tmp_path.iterdir() if file.is_file()} == {0}
    assert (tmp_path / "new").stat().st_mode & 0o7777 == (0o711 if os.geteuid() == 0 else 0o700)


@pytest.mark.parametrize(
    ("number", "part"),
    [
        (errno.EROFS, "is on a read-only file system; set ZAVA_HOME"),
        (errno.ENOSPC, "is on a full disk; free some space"),
        (errno.EACCES, "cannot be used (Permission denied); set ZAVA_HOME"),
    ],
)
def test_home_that_cannot_be_written_is_named_with_the_reason(
    home: Path, monkeypatch: pytest.MonkeyPatch, number: int, part: str
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr("tempfile.mkstemp", refuse)
    for use in (
        lambda: StateDirectory(home).open("run.lock"),
        lambda: StateDirectory(home).secret("a"),
    ):
        with pytest.raises(SettingsError) as refused:
            use()
        assert (
            str(refused.value)
            == f"ZAVA_HOME: {home} {part}" + str(refused.value).partition(part)[2]
        )


def test_home_of_another_user_is_named_with_the_command_that_gives_it_back() -> None:
    with open_directory() as directory:
        theirs = directory / "their home"
        theirs.mkdir(mode=0o700)
        program = (
            "import os, sys, pathlib; sys.path.insert(0, '.')\n"
            "from zava.infrastructure.local.state_dir import StateDirectory\n"
            "if os.geteuid() == 0: os.setuid(54321)\n"
            "else: os.geteuid = lambda: 54321; os.chmod(sys.argv[1], 0)\n"
            "try: StateDirectory(pathlib.Path(sys.argv[1])).secret('a')\n"
            "except Exception as error: print(error)"
        )
        ended = subprocess.run(
            [sys.executable, "-c", program, str(theirs)],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        theirs.chmod(0o700)
        assert "belongs to another user; run `sudo chown -R 54321 '" in ended.stdout, ended


@pytest.mark.parametrize(
    ("number", "part"),
    [
        (errno.EACCES, "PORT: 80 may be opened by root alone; set PORT to one above 1023"),
        (errno.EADDRNOTAVAIL, "PORT: this machine has no address 127.0.0.1"),
        (errno.EADDRINUSE, "PORT: 80 is taken"),
    ],
)
def test_port_that_is_refused_is_named_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, number: int, part: str
) -> None:
    class Refusing(socket.socket):
        def bind(self, _address: object) -> None:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket, "socket", Refusing)
    with pytest.raises(SettingsError) as refused:
        listen(80)
    assert str(refused.value).startswith(part)


@pytest.mark.parametrize(
    ("host", "family"),
    [("127.0.0.2", socket.AF_INET), ("::1", socket.AF_INET6)],
)
def test_address_of_either_kind_is_listened_on(host: str, family: int) -> None:
    with listen(0, host) as listener:
        assert listener.family == family
        assert listener.getsockname()[0] == host


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_output_of_any_encoding_is_written(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    written = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(written, encoding))
    write_to_any_output()
    print("starting …")
    sys.stdout.flush()
    assert written.getvalue().decode(encoding) in {"starting …\n", "starting ?\n"}


def test_closed_output_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    write_to_any_output()


def test_ignored_hangup_stays_ignored_and_each_other_end_interrupts() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGTERM)}
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
        interrupt_at_every_end()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        interrupt_at_every_end()
        for number in before:
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(number)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize("name", ["venv", "a venv"])
def test_printed_command_is_one_to_paste(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    python = tmp_path / name / "bin" / "python"
    monkeypatch.setattr(sys, "executable", str(python))
    quote = "'" if " " in name else ""
    assert command("seed --replace") == f"{quote}{python}{quote} -m zava seed --replace"
    monkeypatch.chdir(tmp_path)
    assert command("audit") == f"{quote}{name}/bin/python{quote} -m zava audit"
    monkeypatch.setattr(sys, "argv", [str(tmp_path / name / "bin" / "zava"), "run"])
    assert command("audit") == "zava audit"


@pytest.mark.parametrize("file", ["function_app.py", "zava/__main__.py"])
def test_file_that_another_python_starts_ends_with_a_sentence(file: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-S", "-E", ROOT / file],
        check=False,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ""},
    )
    assert ended.returncode == 1
    assert "make run" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_settings_are_only_asked_for_the_place_of_the_disk() -> None:
    # Of this rule a command shows nothing but the place that it finds.
    assert exit_errors._existing(Path("/no such place/at all")) == Path("/")


@pytest.mark.slow
def test_command_line_of_a_deployment_loads_nothing_of_a_laptop() -> None:
    # Windows has no fcntl, and the extra `azure` none of the others.
    of_a_laptop = ["fcntl", "psutil", "uvicorn", "uvloop", "httptools", "onnxruntime", "tokenizers"]
    program = f"import sys; sys.modules |= dict.fromkeys({of_a_laptop}); import zava.cli.commands"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
