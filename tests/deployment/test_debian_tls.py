"""The same refusals by a PostgreSQL that speaks TLS itself: Debian's."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest
from azure.core.credentials import AccessToken
from psycopg.conninfo import make_conninfo

from tests.support.servers.homes import open_directory
from tests.support.servers.tls import Authority
from tests.support.suite.patience import patient
from zava.infrastructure.azure.entra_credentials import DatabaseTokens, authenticated
from zava.infrastructure.postgres.pool import DatabasePool

TOKEN = "e" * 3000  # a token of Entra is a few thousand characters
Server = Callable[[Authority], AbstractContextManager[str]]


def programs() -> Path:
    """Debian's newest PostgreSQL; `make tools` installs one."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    assert found, "no PostgreSQL of Debian here: run `make tools`"
    return found[-1].parent


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    """A cluster that lets nobody in without TLS and a password.

    Not below pytest's directory: every pytest that starts closes that to other users again.
    """
    with open_directory() as directory:
        password = directory / "password"
        password.write_text("the-superuser")
        for path in (directory, password):
            hand_over(path)
        data = directory / "data"
        as_postgres(
            *(programs() / "initdb", "-D", data, "-U", "postgres", "-A", "password"),
            *("--no-sync", f"--pwfile={password}"),
        )
        (data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 password\n")
        yield data


def hand_over(path: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(path, "postgres")


def as_postgres(*command: str | Path) -> None:
    """Run a program of PostgreSQL, which refuses to be root's."""
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run(
        [*user, *map(str, command)], check=True, stdout=subprocess.DEVNULL, timeout=patient(60)
    )


@pytest.fixture(scope="module")
def server(cluster: Path) -> Server:
    @contextmanager
    def serve(authority: Authority) -> Iterator[str]:
        for file in authority.certificate("localhost"):
            shutil.copy(file, cluster / file.name)
            hand_over(cluster / file.name)
            (cluster / file.name).chmod(0o600)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = f"-p {port} -c listen_addresses=127.0.0.1 -c ssl=on -c fsync=off -k ''"
        as_postgres(
            programs() / "pg_ctl",
            "-D",
            cluster,
            "-w",
            "-l",
            cluster / "log",
            "-o",
            settings,
            "start",
        )
        try:
            conninfo = make_conninfo(host="localhost", port=port, dbname="postgres")
            with psycopg.connect(conninfo, user="postgres", password="the-superuser") as owner:
                owner.execute(
                    "DO $$ BEGIN IF to_regrole('zava_server') IS NULL"
                    " THEN CREATE ROLE zava_server LOGIN; END IF; END $$"
                )
                owner.execute(f"ALTER ROLE zava_server PASSWORD '{TOKEN}'")
            yield make_conninfo(conninfo, user="zava_server", connect_timeout=int(patient(10)))
        finally:
            as_postgres(programs() / "pg_ctl", "-D", cluster, "-m", "immediate", "stop")

    return serve


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    authority = Authority(tmp_path / "trusted")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.roots))
    return authority


class Signed:
    def get_token(self, *_: str, **__: object) -> AccessToken:
        return AccessToken(TOKEN, 2**33)


async def test_server_of_the_right_authority_and_name_is_given_the_token(
    server: Server, trusted: Authority
) -> None:
    with server(trusted) as conninfo:
        pool = DatabasePool(
            authenticated(conninfo), max_size=1, arguments=DatabaseTokens(Signed).arguments
        )
        async with pool.connection() as connection:
            found = await (
                await connection.execute(
                    "SELECT current_user, ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
                )
            ).fetchone()
        await pool.close()
    assert found == ("zava_server", True, "TLSv1.3")


def test_wrong_name_and_wrong_authority_are_refused(
    server: Server, trusted: Authority, tmp_path: Path
) -> None:
    with server(trusted) as conninfo:
        with pytest.raises(psycopg.OperationalError, match="does not match host name"):
            psycopg.connect(
                make_conninfo(authenticated(conninfo), host="127.0.0.1"), password=TOKEN
            )
        with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
            psycopg.connect(conninfo, sslmode="disable", password=TOKEN)
    with (
        server(Authority(tmp_path / "another")) as conninfo,
        pytest.raises(psycopg.OperationalError, match="certificate verify failed"),
    ):
        psycopg.connect(authenticated(conninfo), password=TOKEN)
