"""The local issuer signs for people of this machine, and refuses to exist elsewhere."""

from pathlib import Path
from uuid import UUID

import pytest

from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import (
    LOCAL_AUDIENCE,
    LOCAL_CLIENT,
    LocalIssuer,
    LocalIssuerRefused,
    local_issuer_allowed,
    local_issuer_url,
)
from zava.model.core import Caller
from zava.protocol.auth.jwks import StaticKeys
from zava.protocol.auth.tokens import TokenAuthenticator, TokenRefused
from zava.retail.access_rules import PERMISSIONS, PRODUCTS_READ
from zava.retail.demo.principals import DEMO_TENANT_ID
from zava.settings import Settings

TENANT = UUID("11111111-2222-4333-8444-555555555555")
PERSON = UUID("66666666-7777-4888-8999-aaaaaaaaaaaa")


async def test_local_issuer_passes_the_same_verification(tmp_path: Path) -> None:
    issuer = LocalIssuer(StateDirectory(tmp_path / "home"))
    checked = TokenAuthenticator(
        permissions=PERMISSIONS,
        issuer=local_issuer_url(),
        audiences=[LOCAL_AUDIENCE],
        allowed_tenants={DEMO_TENANT_ID},
        keys=StaticKeys(issuer.jwks()),
    )
    token = issuer.token(tenant_id=DEMO_TENANT_ID, object_id=PERSON, name="x", ttl_seconds=60)
    assert await checked.authenticate(f"Bearer {token}") == Caller(DEMO_TENANT_ID, PERSON)
    elsewhere = LocalIssuer(StateDirectory(tmp_path / "elsewhere"))
    forged = elsewhere.token(tenant_id=DEMO_TENANT_ID, object_id=PERSON, name="x")
    with pytest.raises(TokenRefused):
        await checked.authenticate(f"Bearer {forged}")


async def test_local_issuer_speaks_for_each_tenant_that_was_granted_here(tmp_path: Path) -> None:
    issuer = LocalIssuer(StateDirectory(tmp_path / "home"))
    checked = TokenAuthenticator(
        permissions=PERMISSIONS,
        issuer=local_issuer_url(),
        audiences=[LOCAL_AUDIENCE],
        allowed_tenants=None,
        keys=StaticKeys(issuer.jwks()),
    )
    assert checked.authorization_servers == [local_issuer_url()]
    token = issuer.token(tenant_id=TENANT, object_id=PERSON, name="x")
    assert await checked.authenticate(f"Bearer {token}") == Caller(TENANT, PERSON)
    nobody = issuer.token(tenant_id=UUID(int=0), object_id=PERSON, name="x")
    with pytest.raises(TokenRefused):
        await checked.authenticate(f"Bearer {nobody}")


@pytest.mark.parametrize(
    "conninfo",
    [
        "",
        "host=127.0.0.1",
        "host=localhost,::1",
        "host=/run/postgresql",
        "postgresql://zava_server@localhost/zava",
    ],
)
def test_local_issuer_speaks_beside_a_database_of_this_machine(conninfo: str) -> None:
    local_issuer_allowed(Settings(), conninfo)


@pytest.mark.parametrize(
    "conninfo",
    [
        "host=db.example.com",
        "hostaddr=192.0.2.1",
        "host=localhost hostaddr=192.0.2.1",
        "host=localhost,db.example.com",
        "postgresql://zava_server@db.example.com/zava",
    ],
)
def test_local_issuer_does_not_exist_beside_a_remote_database(conninfo: str) -> None:
    with pytest.raises(LocalIssuerRefused, match="not on this machine"):
        local_issuer_allowed(Settings(), conninfo)


def test_local_issuer_heeds_the_host_that_libpq_would_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGHOST", "db.example.com")
    with pytest.raises(LocalIssuerRefused, match="not on this machine"):
        local_issuer_allowed(Settings(), "dbname=zava")


@pytest.mark.parametrize("conninfo", ["", "host=127.0.0.1", "host=/run/postgresql"])
def test_local_issuer_heeds_the_address_that_libpq_would_take(
    monkeypatch: pytest.MonkeyPatch, conninfo: str
) -> None:
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")
    with pytest.raises(LocalIssuerRefused, match="not on this machine"):
        local_issuer_allowed(Settings(), conninfo)
    local_issuer_allowed(Settings(), "host=127.0.0.1 hostaddr=127.0.0.1")


@pytest.mark.parametrize("line", ["host=db.example.com", "hostaddr=192.0.2.1"])
def test_local_issuer_heeds_the_service_that_libpq_would_take(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str
) -> None:
    file = tmp_path / "services"
    file.write_text(f"[shop]\n{line}\n")
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    with pytest.raises(LocalIssuerRefused, match="not on this machine"):
        local_issuer_allowed(Settings(), "service=shop host=127.0.0.1")
    monkeypatch.setenv("PGSERVICE", "shop")
    with pytest.raises(LocalIssuerRefused, match="not on this machine"):
        local_issuer_allowed(Settings(), "dbname=zava")


def test_local_issuer_does_not_exist_on_azure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBSITE_INSTANCE_ID", "1")
    with pytest.raises(LocalIssuerRefused, match="on Azure"):
        local_issuer_allowed(Settings(), "host=127.0.0.1")


async def test_token_with_narrow_scopes_is_signed_for_whoever_asks(tmp_path: Path) -> None:
    issuer = LocalIssuer(StateDirectory(tmp_path / "home"))
    checked = TokenAuthenticator(
        permissions=PERMISSIONS,
        issuer=local_issuer_url(),
        audiences=[LOCAL_AUDIENCE],
        allowed_tenants={DEMO_TENANT_ID},
        keys=StaticKeys(issuer.jwks()),
    )
    token = issuer.token(
        tenant_id=DEMO_TENANT_ID, object_id=PERSON, name="x", scopes="products.read"
    )
    caller = await checked.authenticate(f"Bearer {token}")
    assert caller.permissions == {PRODUCTS_READ}
    assert caller.client_id == LOCAL_CLIENT
