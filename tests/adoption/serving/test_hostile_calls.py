"""Hostile statements through the MCP endpoint over adopted databases, with and without the guard."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.adoption.foreign import Foreign
from tests.adoption.serving.served import Served
from tests.adoption.test_hostile import (
    OF_BILLING,
    OF_RENTALS,
    OWN,
    OWN_OF_RENTALS,
    role,
    statements,
)
from zava.data.guard.guard import Guard, Verdict
from zava.data.session.executor import TenantExecutor

pytestmark = pytest.mark.slow

DEADLINE_MILLISECONDS = 150
LIMITS: dict[str, Any] = {
    "ZAVA_BUDGET_CALLS_PER_MINUTE": 0,
    "ZAVA_BUDGET_DATABASE_SECONDS_PER_HOUR": 0,
}


async def leaks(served: Served, name: str, texts: list[str], secrets: list[str]) -> dict[str, str]:
    """Return the statements that brought something foreign."""
    secret = re.compile("|".join(secrets))
    found = {}
    for text in texts:
        answer = await served.ask(name, text, max_rows=1000)
        told = f"{answer.content or answer.error}".replace(text, "")
        brought = {each for each in secret.findall(told) if each not in text}
        if brought:
            found[text] = ", ".join(sorted(brought)[:3])
    return found


def billing_texts(foreign: Foreign) -> tuple[list[str], list[str]]:
    """Return the statements against Alder's rows, and what belongs to the others."""
    with foreign.superuser() as superuser:
        rows = superuser.execute("SELECT id::text FROM organizations ORDER BY name").fetchall()
        own, other = rows[0][0], rows[1][0]
        secrets = superuser.execute(
            "SELECT id::text FROM customers WHERE organization_id <> %(own)s"
            " UNION ALL SELECT id::text FROM invoices WHERE organization_id <> %(own)s"
            " UNION ALL SELECT api_key FROM organizations"
            " UNION ALL SELECT name FROM organizations WHERE id <> %(own)s"
            " UNION ALL SELECT id::text FROM organizations WHERE id <> %(own)s",
            {"own": own},
        ).fetchall()
    values = {"own": own, "other": other, "order": other, "customer": other}
    values |= {"audience": role(foreign, "desk"), "all": role(foreign, "auditor")}
    return statements(OF_BILLING, OWN, values), [row[0] for row in secrets]


def rental_texts(foreign: Foreign) -> tuple[list[str], list[str]]:
    """Return the statements against the first store's rows, and what belongs to the others."""
    with foreign.superuser() as superuser:
        rows = superuser.execute("SELECT customer_id FROM customer WHERE store_id <> 1").fetchall()
    values = {"own": "1", "other": "2", "order": "2", "customer": "1"}
    values |= {"audience": role(foreign, "manager"), "all": role(foreign, "region")}
    secrets = [rf"Customer {row[0]}\b" for row in rows]
    return statements(OF_RENTALS, OWN_OF_RENTALS, values), [*secrets, "Store 2", "Store 3"]


@pytest.mark.parametrize("is_guarded", [True, False])
async def test_no_hostile_call_brings_a_row_of_another_organization(
    billing: Foreign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_guarded: bool
) -> None:
    # No public name leads to this part: the test sets its time.
    monkeypatch.setattr(TenantExecutor, "_deadline", lambda *_: DEADLINE_MILLISECONDS)
    if not is_guarded:
        monkeypatch.setattr(Guard, "judge", lambda *_: Verdict())
    served = Served(billing, tmp_path, settings=LIMITS)
    served.grant("mallory", "desk", "Alder")
    texts, secrets = billing_texts(billing)
    assert await leaks(served, "mallory", texts, secrets) == {}
    assert (await served.ask("mallory", "SELECT count(*) FROM invoices")).rows == [[100]]
    await served.app.close()


@pytest.mark.parametrize("is_guarded", [True, False])
async def test_no_hostile_call_brings_a_row_of_another_store(
    rentals: Foreign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_guarded: bool
) -> None:
    monkeypatch.setattr(TenantExecutor, "_deadline", lambda *_: DEADLINE_MILLISECONDS)
    if not is_guarded:
        monkeypatch.setattr(Guard, "judge", lambda *_: Verdict())
    served = Served(rentals, tmp_path, settings=LIMITS)
    served.grant("mallory", "manager", "Store 1")
    texts, secrets = rental_texts(rentals)
    assert await leaks(served, "mallory", texts, secrets) == {}
    assert (await served.ask("mallory", "SELECT count(*) FROM customer")).rows == [[20]]
    await served.app.close()
