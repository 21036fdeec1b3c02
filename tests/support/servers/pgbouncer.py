"""PgBouncer in transaction mode between the app's login and the server, as Debian ships it.

`make pgbouncer` sets ZAVA_TEST_PGBOUNCER: then every test connects as the restricted login through
it. Version 1.18 knows no prepared statements across its connections, so none are used.
"""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.support.suite.patience import patient

_CONFIGURATION = """\
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {auth_file}
pool_mode = transaction
default_pool_size = 20
max_client_conn = 500
server_connect_timeout = 2
server_login_retry = 1
"""


def is_asked_for() -> bool:
    """Whether the tests are to run through PgBouncer."""
    return bool(os.environ.get("ZAVA_TEST_PGBOUNCER"))  # noqa: TID251  # the tests' own switch


def has_a_database(item: pytest.Item) -> bool:
    """Whether a test reaches a server: no other proves anything about a pooler."""
    return "cluster" in getattr(item, "fixturenames", ())


def settings() -> dict[str, str]:
    """What a process behind this PgBouncer has to be told: its version keeps no statements."""
    return {"ZAVA_PREPARED_STATEMENTS": "false"} if is_asked_for() else {}


@contextmanager
def pgbouncer(target: str, *, user: str, password: str, directory: Path) -> Iterator[int]:
    """Run it before the server of a connection string; give the port on loopback."""
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
    assert program, "pgbouncer is not installed; `make tools` installs Debian's"
    parts = conninfo_to_dict(target)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        listen_port: int = probe.getsockname()[1]
    auth_file = directory / "users.txt"
    auth_file.write_text(f'"{user}" "{password}"\n')
    configuration = directory / "pgbouncer.ini"
    configuration.write_text(
        _CONFIGURATION.format(
            host=parts["host"], port=parts["port"], listen_port=listen_port, auth_file=auth_file
        )
    )
    as_user = {}
    if os.geteuid() == 0:  # it does not run as root
        nobody = pwd.getpwnam("nobody")
        for path in (directory, auth_file, configuration):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        for parent in directory.parents:
            mode = parent.stat().st_mode
            if not mode & 0o001:
                parent.chmod(mode | 0o001)
        as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    process = subprocess.Popen(
        [program, "-q", str(configuration)],
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **as_user,  # type: ignore[call-overload]  # keyword arguments of Popen
    )
    try:
        _wait_for(listen_port, process)
        yield listen_port
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(patient(5))
        process.kill()
        process.wait()


@retry(
    retry=retry_if_exception_type(OSError),
    stop=stop_after_delay(10),
    wait=wait_fixed(0.05),
    reraise=True,
)
def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    assert process.poll() is None, "pgbouncer ended at its start"
    socket.create_connection(("127.0.0.1", port), timeout=patient(1)).close()
