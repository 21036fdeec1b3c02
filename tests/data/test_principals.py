"""Grants: who may ask, from when until when, what is logged, and what is told when asked wrongly."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.support.servers.database import Database
from zava.data.session.isolation_check import IsolationCheck
from zava.data.session.signed_context import ContextSigner
from zava.data.session.tenant_database import TenantDatabase
from zava.errors import AccessDenied
from zava.infrastructure.postgres.access_explanation import explain_access
from zava.infrastructure.postgres.access_grants import (
    GrantRefused,
    grant,
    list_access,
    revoke,
)
from zava.infrastructure.postgres.pool import DatabasePool
from zava.model.core import Caller
from zava.retail.declaration import RETAIL
from zava.retail.demo.dataset import seed

ALICE = Caller(
    UUID("11111111-2222-4333-8444-555555555555"), UUID("66666666-7777-4888-8999-aaaaaaaaaaaa")
)
STORES = "SELECT store_name FROM retail.stores ORDER BY store_name"
TOMORROW = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def admin(seeded_clone: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(seeded_clone.admin, autocommit=True) as connection:
        yield connection


def give(admin: psycopg.Connection, **changed: Any) -> None:
    asked: dict[str, Any] = {
        "caller": ALICE,
        "display_name": "alice",
        "audience": "store_managers",
        "stores": ["Tacoma"],
        "actor": "the chief",
    } | changed
    grant(admin, RETAIL, **asked)


async def seen(database: Database, signer: ContextSigner) -> list[str]:
    pool = DatabasePool(database.server, max_size=1)
    try:
        tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))
        return [row[0] for row in (await tenancy.run(ALICE, STORES, max_rows=9)).rows]
    finally:
        await pool.close()


async def test_grant_and_revocation_hold_at_the_next_call(
    seeded_clone: Database, admin: psycopg.Connection, signer: ContextSigner
) -> None:
    pool = DatabasePool(seeded_clone.server, max_size=1)
    tenancy = TenantDatabase(pool, signer, IsolationCheck(pool, signer, RETAIL))

    async def stores() -> list[str]:
        return [row[0] for row in (await tenancy.run(ALICE, STORES, max_rows=9)).rows]

    give(admin)
    assert await stores() == ["Zava Retail Tacoma"]
    give(admin, audience="regional_managers", stores=["redmond", "Zava Retail Online", "REDMOND"])
    assert await stores() == ["Zava Retail Online", "Zava Retail Redmond"]
    give(admin, audience="head_office", stores=[], kind="application")
    assert len(await stores()) == 8
    revoke(admin, RETAIL, "alice")
    with pytest.raises(AccessDenied):
        await stores()
    give(admin)
    assert await stores() == ["Zava Retail Tacoma"]
    await pool.close()


@pytest.mark.parametrize(
    ("bounds", "is_valid"),
    [
        ({}, True),
        ({"valid_until": TOMORROW}, True),
        ({"valid_from": TOMORROW - timedelta(days=2)}, True),
        ({"valid_from": TOMORROW}, False),
        ({"valid_until": TOMORROW - timedelta(days=2)}, False),
    ],
)
async def test_grant_holds_within_its_times_only(
    seeded_clone: Database,
    admin: psycopg.Connection,
    signer: ContextSigner,
    bounds: dict[str, datetime],
    is_valid: bool,
) -> None:
    give(admin, **bounds)
    (alice,) = (one for one in list_access(admin, RETAIL) if one.display_name == "alice")
    assert alice.is_valid is is_valid
    assert alice.is_active
    if is_valid:
        assert await seen(seeded_clone, signer) == ["Zava Retail Tacoma"]
    else:
        with pytest.raises(AccessDenied):
            await seen(seeded_clone, signer)


@pytest.mark.requirement("S48")
def test_each_change_of_a_grant_is_logged_old_new_and_by_whom(admin: psycopg.Connection) -> None:
    give(admin)
    give(admin, stores=["Redmond"], actor="the deputy")
    revoke(admin, RETAIL, ALICE, actor="the auditor")
    first, moved, ended = explain_access(admin, RETAIL, "alice").changes
    assert [change.changed_by for change in (first, moved, ended)] == [
        "the chief as zava_admin",
        "the deputy as zava_admin",
        "the auditor as zava_admin",
    ]
    assert first.old is None
    assert first.new
    assert moved.old == first.new
    assert moved.new
    assert moved.new["store_ids"] != first.new["store_ids"]
    assert ended.old == moved.new
    assert ended.new == moved.new | {"active": False}
    assert first.changed_at <= moved.changed_at <= ended.changed_at


def test_same_grant_again_changes_and_logs_nothing(admin: psycopg.Connection) -> None:
    give(admin)
    give(admin, actor="the deputy")
    (only,) = explain_access(admin, RETAIL, "alice").changes
    assert only.changed_by == "the chief as zava_admin"


def test_head_office_may_be_granted_before_there_is_a_store(
    empty_admin: psycopg.Connection,
) -> None:
    give(empty_admin, audience="head_office", stores=[])
    (granted,) = list_access(empty_admin, RETAIL)
    assert (granted.stores, granted.is_valid) == ((), True)


@pytest.mark.requirement("S48")
def test_import_is_logged_old_new_and_by_whom(admin: psycopg.Connection) -> None:
    seed(
        admin,
        scale=0.001,
        today=datetime(2026, 6, 30, tzinfo=UTC).date(),
        progress=lambda *_: None,
        replace=True,
    )
    admin.execute("SET ROLE zava_audit")
    logged = admin.execute(
        "SELECT login, old->>'scale', new->>'scale' FROM zava.change_log"
        " WHERE subject = 'demo_data' ORDER BY change_id"
    ).fetchall()
    assert logged == [
        ("zava_admin", None, "0.02"),
        ("zava_admin", "0.02", None),
        ("zava_admin", None, "0.001"),
    ]


def test_log_is_read_by_the_audit_role_and_changed_by_nobody(admin: psycopg.Connection) -> None:
    reading, *changing = (
        b"SELECT * FROM zava.change_log",
        b"DELETE FROM zava.change_log",
        b"UPDATE zava.change_log SET login = 'nobody'",
        b"TRUNCATE zava.change_log",
        b"INSERT INTO zava.change_log (subject, login, new) VALUES ('x', 'x', '{}')",
    )
    for role in ("zava_context", "zava_loader", "zava_owner", "zava_audit"):
        admin.execute(f"SET ROLE {role}".encode())
        for statement in changing if role == "zava_audit" else (reading, *changing):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                admin.execute(statement)
    assert admin.execute(reading).fetchall()


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"stores": ["Seatle"]}, "no store Seatle; perhaps Zava Retail Seattle"),
    ({"stores": ["Mars"]}, "no store Mars; perhaps Zava Retail Bellevue"),
    ({"stores": ["Seattle", "Redmond"]}, "exactly one store, not 2"),
    ({"stores": []}, "exactly one store, not 0"),
    ({"audience": "regional_managers", "stores": []}, "at least one store"),
    ({"audience": "owners"}, "expected one of store_managers, regional_managers, head_office"),
    ({"valid_from": TOMORROW, "valid_until": TOMORROW}, "after --from"),
    ({"caller": Caller(UUID(int=0), UUID(int=0xA1))}, "nil tenant"),
]


@pytest.mark.parametrize(("asked", "said"), REFUSED)
def test_wrong_grant_is_refused_and_changes_nothing(
    database: Database, asked: dict[str, Any], said: str
) -> None:
    with psycopg.connect(database.admin, autocommit=True) as admin:
        before = list_access(admin, RETAIL)
        with pytest.raises(GrantRefused, match=said):
            give(admin, **asked)
        assert list_access(admin, RETAIL) == before


def test_unknown_and_ambiguous_names_are_told(admin: psycopg.Connection) -> None:
    with pytest.raises(GrantRefused, match="no principal is named seatle; perhaps seattle"):
        revoke(admin, RETAIL, "seatle")
    with pytest.raises(GrantRefused, match="named by these ids"):
        revoke(admin, RETAIL, ALICE)
    give(admin, display_name="seattle")
    with pytest.raises(GrantRefused, match="2 principals are named seattle"):
        revoke(admin, RETAIL, "seattle")
    assert not revoke(admin, RETAIL, ALICE).is_active


def test_explanation_names_role_stores_columns_and_policies(admin: psycopg.Connection) -> None:
    manager = explain_access(admin, RETAIL, "seattle")
    assert manager.principal.stores == ("Zava Retail Seattle",)
    relations = {relation.relation: relation for relation in manager.relations}
    assert relations["retail.products"].hidden == ("cost", "gross_margin_percent")
    assert not relations["retail.products"].is_tenant
    assert relations["retail.orders"].hidden == ()
    (policy,) = relations["retail.orders"].policies
    assert policy.startswith("own_store: ")
    assert "zava.my_store(" in policy
    office = {one.relation: one for one in explain_access(admin, RETAIL, "head-office").relations}
    assert office["retail.products"].hidden == ()
    assert office["retail.orders"].policies[0].startswith("own_stores: ")
    with pytest.raises(GrantRefused):
        explain_access(admin, RETAIL, "first canary")
