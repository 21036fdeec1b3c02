"""A first start, wherever it is made and whatever interrupts it, is followed by one that serves."""

import os
import pwd
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg import pq

from tests.support.embedding.vectors import KnownVectors
from tests.support.products.forked import ROOT
from tests.support.products.laptop import Laptop, free_port
from tests.support.servers.homes import open_directory
from tests.support.suite.patience import patient
from zava.infrastructure.local.embedded.cluster import remove_unfinished
from zava.infrastructure.local.embedded.postgres_server import (
    ADMINISTRATOR,
    DATABASE,
    EmbeddedServer,
)
from zava.infrastructure.local.embedded.server_user import EmbeddedServerError
from zava.infrastructure.local.state_dir import StateDirectory
from zava.retail.data.index_job import embed_catalogue

# A name that two shells would read, and an output that has no "…".
ODD = 'a "home" of $HOME `and` it\'s own'
ENVIRONMENT = {
    "SCALE": "0.001",
    "PYTHONIOENCODING": "ascii",
    "LOG_LEVEL": "debug",
    "PGSSLMODE": "require",
    "PGSERVICE": "elsewhere",
    "PGHOSTADDR": "203.0.113.1",
}


@pytest.fixture(scope="module")
def odd() -> Iterator[Laptop]:
    """A laptop whose home has an odd name, below other tools' variables."""
    with open_directory() as directory:
        laptop = Laptop(directory / ODD, free_port())
        laptop.environment = ENVIRONMENT
        yield laptop
        laptop.stop()
        EmbeddedServer(StateDirectory(laptop.home)).stop()


@pytest.fixture
def signals_of_a_terminal() -> Iterator[None]:
    """Signals as a terminal's process has them, even where the tests run under nohup."""
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    hangup = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGHUP, hangup)


def interrupted(laptop: Laptop, number: signal.Signals, at: Callable[[str], bool]) -> str:
    """Start `zava run`, send it a signal at a moment, and return what it printed."""
    screen = laptop.home.with_name("screen")
    with (
        screen.open("w") as output,
        subprocess.Popen(
            [sys.executable, "-u", "-m", "zava", "run"],
            cwd=ROOT,
            env=laptop.variables(),
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as run,
    ):
        deadline = time.monotonic() + patient(60)
        while not at(screen.read_text()):
            assert run.poll() is None, screen.read_text()
            assert time.monotonic() < deadline, screen.read_text()
            with suppress(subprocess.TimeoutExpired):
                run.wait(0.005)
        run.send_signal(number)
        try:
            assert run.wait(patient(30)) == 0, screen.read_text()
        finally:
            run.kill()  # one that hangs ends with its test
    return screen.read_text()


def embed_at_once(laptop: Laptop, vectors: Path) -> None:
    """Put vectors that are known into the catalogue: this start is about what comes before."""
    home = StateDirectory(laptop.home)
    server = EmbeddedServer(home, fast=True)
    server.start()
    try:
        url = server.url(ADMINISTRATOR, home.secret(ADMINISTRATOR), DATABASE)
        with psycopg.connect(url, autocommit=True) as administrator:
            embed_catalogue(administrator, KnownVectors(vectors))
    finally:
        server.stop()


@pytest.mark.usefixtures("signals_of_a_terminal", "laptop")
def test_start_interrupted_at_each_moment_is_followed_by_one_that_serves(
    odd: Laptop, vectors: Path
) -> None:
    cluster = odd.home / "postgresql-18"
    moments: list[tuple[signal.Signals, Callable[[str], bool]]] = [
        (signal.SIGINT, lambda _: any(odd.home.glob("postgresql-18.making-*/base"))),
        (signal.SIGTERM, lambda _: (cluster / "postmaster.pid").exists()),
        (signal.SIGINT, lambda screen: "\nUsing " in screen),
        (signal.SIGHUP, lambda screen: "\nLoading " in screen),
        (signal.SIGINT, lambda screen: " demo data: " in screen),
    ]
    for number, at in moments:
        said = interrupted(odd, number, at)
        assert said.endswith("Stopped.\n"), said
        assert "Traceback" not in said, said
        assert "{" not in said, said
        assert "psycopg" not in said, said
        assert not EmbeddedServer(StateDirectory(odd.home)).is_running()
    embed_at_once(odd, vectors)
    odd.start()
    assert not list(odd.home.glob("postgresql-18.making-*"))
    assert odd.shell("call", "query_metrics", "--as", "Seattle", "metrics=revenue").returncode == 0


@pytest.mark.usefixtures("signals_of_a_terminal")
def test_server_of_a_killed_run_is_stopped_at_the_end_of_the_next(
    odd: Laptop,
) -> None:
    if odd._process is None:  # where this test runs alone
        odd.start()
    odd.kill()
    server = EmbeddedServer(StateDirectory(odd.home))
    assert server.is_running()
    odd.start("serve", until=f"Serving {odd.base_url}/mcp until Ctrl-C.")
    assert odd._process is not None
    odd._process.send_signal(signal.SIGHUP)  # the terminal was closed
    assert odd.stop() == 0
    assert not server.is_running()


def test_no_variable_of_libpq_reaches_the_embedded_server(
    odd: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = [option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar]
    assert len(options) > 30
    server = EmbeddedServer(StateDirectory(odd.home), fast=True)
    server.start()
    try:
        for name in (*options, "PGSERVICEFILE", "PGREQUIRESSL", "PGDATESTYLE", "PGTZ"):
            monkeypatch.setenv(name, "no such value")
            EmbeddedServer(StateDirectory(odd.home)).start()
            with psycopg.connect(server.superuser_url()) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,), name
    finally:
        server.stop()


@pytest.mark.parametrize("is_finished", [True, False])
def test_unfinished_cluster_is_removed_and_one_with_data_never(
    tmp_path: Path, is_finished: bool
) -> None:
    cluster = tmp_path / "postgresql-18"
    (cluster / "base" / ("16385" if is_finished else "5")).mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("18\n")
    (tmp_path / "postgresql-18.making-1").mkdir()
    (tmp_path / "postgresql-18.making-2").touch()
    if is_finished:
        with pytest.raises(EmbeddedServerError, match=r"holds databases.*include 'zava.conf'"):
            remove_unfinished(cluster)
        (cluster / "postgresql.conf").write_text("include 'zava.conf'\n")
    remove_unfinished(cluster)
    assert cluster.exists() == is_finished
    assert not list(tmp_path.glob("*.making-*"))


def test_what_root_makes_in_a_user_s_directory_belongs_to_the_user() -> None:
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    with open_directory() as directory:
        checkout = directory / "checkout"
        checkout.mkdir(mode=0o700)
        os.chown(checkout, user.pw_uid, user.pw_gid)
        home = StateDirectory(checkout / "new" / "home")
        server = EmbeddedServer(home, fast=True)
        server.start()
        try:
            server.bootstrap()
        finally:
            server.stop()
        made = [path.lstat().st_uid for path in checkout.rglob("*")]
        assert set(made) == {user.pw_uid}
        assert checkout.stat().st_mode & 0o777 == 0o700


def test_checkout_is_importable_from_every_directory_and_with_a_safe_path(tmp_path: Path) -> None:
    made = tmp_path / "venv"
    venv.create(made, with_pip=False, symlinks=True)
    recipe = subprocess.run(
        ["make", "-n", f"VENV={made}", f"{made}/.installed"],  # noqa: S607  # the reader's own
        cwd=ROOT,
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = (line for line in recipe.stdout.splitlines() if "zava.pth" in line)
    subprocess.run(["/bin/sh", "-c", line], cwd=ROOT, check=True)
    imported = subprocess.run(
        [made / "bin" / "python", "-c", "import zava; print(zava.__file__)"],
        cwd="/",
        env={"PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert imported.stdout.strip() == str(ROOT / "zava" / "__init__.py")
    program = subprocess.run(
        [made / "bin" / "python", "-m", "zava", "run"],
        cwd="/",
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert program.returncode == 1
    assert program.stderr.startswith("zava: the package ")
    assert program.stderr.count("\n") == 1


def test_options_go_before_the_settings_and_the_printed_command_has_them(odd: Laptop) -> None:
    odd.stop()
    with open_directory() as directory:
        laptop = Laptop(directory / "of the settings", 1)
        port, home = free_port(), odd.home
        # Its data are of this scale, and every other scale is refused.
        laptop.options = ("--port", str(port), "--home", str(home), "--scale", "0.001")
        laptop.environment = {"HOST": "0.0.0.0", "ZAVA_PUBLISHED_ON_LOOPBACK": "true"}  # noqa: S104  # the setting under test
        laptop.start()
        try:
            (first_question,) = (
                line.removeprefix("Or in a shell: ")
                for line in laptop.screens[-1]
                if line.startswith("Or in a shell: ")
            )
            assert f"http://127.0.0.1:{port}/mcp" in "\n".join(laptop.screens[-1])
            ended = subprocess.run(
                ["sh", "-c", first_question],  # noqa: S607  # sh of the PATH
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=patient(60),
                check=False,
            )
            assert ended.returncode == 0, ended.stderr
            assert not laptop.home.exists()
        finally:
            assert laptop.stop() == 0


def test_address_that_others_reach_is_refused_before_anything_is_made() -> None:
    with open_directory() as directory:
        laptop = Laptop(directory / "home", free_port())
        ended = laptop.shell("run", HOST="0.0.0.0")  # noqa: S104  # the setting under test
        assert ended.returncode == 1
        assert "ZAVA_IDENTITY_ISSUER: required, because other machines can connect" in ended.stderr
        assert not (laptop.home / "pgdata").exists()
        assert not list(laptop.home.rglob("PG_VERSION"))
