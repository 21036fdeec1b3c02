"""Who receives a token is authenticated first: the whole chain, the host name, no way around."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from azure.core.credentials import AccessToken
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support.servers.database import ADMIN_PASSWORD, SERVER_PASSWORD, Cluster, Database
from tests.support.servers.tls import Authority, tls_in_front
from tests.support.suite.patience import patient
from zava.app import compose
from zava.cli import commands, terminal
from zava.infrastructure.azure.entra_credentials import authenticated
from zava.infrastructure.local.database import local_database
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.postgres.migrations import MigrationRefused
from zava.settings import Settings, SettingsError

Front = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The machine's own roots are the tests' authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.roots))
    return authority


@pytest.fixture
def front(database: Database, trusted: Authority) -> Front:
    return partial(tls_in_front, database.server, trusted)


def enters(conninfo: str) -> bool:
    with psycopg.connect(authenticated(conninfo), connect_timeout=int(patient(5))) as connection:
        return connection.execute("SELECT current_user").fetchone() == ("zava_server",)


@pytest.mark.requirement("S75")
def test_server_that_proves_itself_is_entered(front: Front) -> None:
    with front() as conninfo:
        assert enters(conninfo)


def test_other_host_name_is_refused(front: Front) -> None:
    with (
        front() as conninfo,
        pytest.raises(psycopg.OperationalError, match="does not match host name"),
    ):
        enters(make_conninfo(conninfo, host="127.0.0.1"))


def test_other_authority_is_refused(database: Database, trusted: Authority, tmp_path: Path) -> None:
    assert trusted.roots.exists()
    with (
        tls_in_front(database.server, Authority(tmp_path)) as conninfo,
        pytest.raises(psycopg.OperationalError, match="certificate verify failed"),
    ):
        enters(conninfo)


def test_server_without_tls_is_refused(database: Database) -> None:
    with pytest.raises(psycopg.OperationalError, match="does not support SSL"):
        enters(database.server)


def test_weaker_wish_of_a_connection_string_does_not_count(front: Front, tmp_path: Path) -> None:
    foreign = Authority(tmp_path).roots
    with (
        front() as conninfo,
        pytest.raises(psycopg.OperationalError, match="certificate verify failed"),
    ):
        enters(make_conninfo(conninfo, sslmode="require", sslrootcert=str(foreign)))


def test_roots_are_a_file_that_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    for absent in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(absent, raising=False)
    system = Path(str(conninfo_to_dict(authenticated("host=db"))["sslrootcert"]))
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    packaged = Path(str(conninfo_to_dict(authenticated("host=db"))["sslrootcert"]))
    for roots in (system, packaged):
        # What Azure's servers are signed by.
        assert "DigiCert" in packaged.read_text(encoding="utf-8")
        assert "BEGIN CERTIFICATE" in roots.read_text(encoding="utf-8")


class Signed:
    """Stands for Entra: everybody's token is the password that the login has here."""

    def __init__(self, password: str) -> None:
        self.password = password

    def get_token(self, *_: str, **__: object) -> AccessToken:
        return AccessToken(self.password, 2**33)


async def test_served_app_reads_its_login_over_tls(
    front: Front,
    monkeypatch: pytest.MonkeyPatch,
    context_keys: list[str],
    home: StateDirectory,
) -> None:
    monkeypatch.setattr(
        "zava.infrastructure.azure.entra_credentials.azure_credential",
        lambda _: Signed(SERVER_PASSWORD),
    )
    settings = Settings.model_validate({"ZAVA_DATABASE_AUTH": "entra", "ZAVA_HOME": home.path})
    with front() as conninfo:
        without_password = make_conninfo(
            "", **{k: v for k, v in conninfo_to_dict(conninfo).items() if k != "password"}
        )
        served = compose(settings, conninfo=without_password, context_keys=context_keys)
        assert await served.verification.problems() == []
        async with served.pool.connection() as connection:
            assert connection.pgconn.ssl_in_use
        await served.close()


@pytest.fixture
def deployment(
    cluster: Cluster, trusted: Authority, monkeypatch: pytest.MonkeyPatch, context_keys: list[str]
) -> Iterator[Database]:
    """A blank server that asks Entra, as the deployer's environment names it."""
    monkeypatch.setattr(
        "zava.infrastructure.azure.entra_credentials.azure_credential",
        lambda _: Signed(ADMIN_PASSWORD),
    )
    with cluster.blank("deployment") as blank, tls_in_front(blank.admin, trusted) as conninfo:
        settings = Settings.model_validate(
            {
                "ZAVA_DATABASE_AUTH": "entra",
                "PGHOST": "localhost",
                "PGPORT": conninfo_to_dict(conninfo)["port"],
                "PGDATABASE": blank.name,
                "PGUSER": "zava_admin",
                "ZAVA_CONTEXT_KEYS": ",".join(context_keys),
            }
        )
        monkeypatch.setattr(commands, "settings", lambda: settings)
        monkeypatch.setattr(terminal, "settings", lambda: settings)
        yield blank


def memberships(database: Database) -> list[tuple[object, ...]]:
    with psycopg.connect(database.owner) as connection:
        return connection.execute(
            "SELECT roleid, member, admin_option, inherit_option, set_option"
            " FROM pg_auth_members ORDER BY 1, 2, 3"
        ).fetchall()


def test_deployer_migrates_verifies_and_changes_nothing_the_second_time(
    deployment: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    before = memberships(deployment)
    commands.migrate_command(server_identity=None)
    first = capsys.readouterr().out
    commands.migrate_command(server_identity=None)
    second = capsys.readouterr().out
    commands.verify()
    assert "migrations applied" in first
    assert "Up to date" in second
    for said in (first, second, capsys.readouterr().out):
        assert "Isolation holds" in said
    assert memberships(deployment) == before, "the login's role was lent, not kept"
    with psycopg.connect(deployment.server) as connection:
        assert connection.info.user == "zava_server", "nobody changed the login's password"


def test_identity_of_a_server_without_entra_is_one_clear_error(deployment: Database) -> None:
    assert deployment.name
    with pytest.raises(MigrationRefused, match="has no Entra identities"):
        commands.migrate_command(server_identity=UUID(int=7))


def test_identity_that_is_named_already_is_left_alone(
    deployment: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    # No server here has the extension: its label is put where it would have put it.
    with psycopg.connect(deployment.owner, autocommit=True) as connection:
        connection.execute("SET allow_system_table_mods = on")
        connection.execute(
            "INSERT INTO pg_shseclabel VALUES ('zava_server'::regrole, 'pg_authid'::regclass,"
            " 'pgaadauth', %s)",
            [f"aadauth,oid={UUID(int=7)},type=service"],
        )
        try:
            commands.migrate_command(server_identity=UUID(int=7))
            assert "is the identity" not in capsys.readouterr().out
            with pytest.raises(MigrationRefused):
                commands.migrate_command(server_identity=UUID(int=8))
        finally:
            connection.execute("DELETE FROM pg_shseclabel WHERE provider = 'pgaadauth'")


def test_server_has_to_be_named_where_entra_is_asked(tmp_path: Path) -> None:
    nameless = Settings.model_validate({"ZAVA_DATABASE_AUTH": "entra"})
    with (
        pytest.raises(SettingsError, match=r"^PGHOST: required"),
        local_database(nameless, StateDirectory(tmp_path / "home")),
    ):
        pytest.fail("lent")
    assert not (tmp_path / "home").exists()
