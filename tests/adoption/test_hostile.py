"""Hostile statements on adopted databases, with no other defence than the seal."""

import re
from collections.abc import Iterator

import psycopg
import pytest

from tests.adoption.foreign import Foreign
from tests.security.corpus import read_corpus
from zava.model.core import Caller

pytestmark = pytest.mark.slow

# The corpus is about the shipped domain; its names are replaced by those of each application.
OF_BILLING = {
    "retail.order_items": "public.invoice_lines",
    "retail.orders": "public.invoices",
    "retail.customers": "public.customers",
    "retail.inventory": "public.payments",
    "retail.stores": "public.organizations",
    "retail.products": "public.plans",
    "store_managers": "{audience}",
    "regional_managers": "{audience}",
    "head_office": "{all}",
    "my_stores": "my_tenants",
    "my_store": "my_tenant",
    "store_name": "name",
    "store_id": "organization_id",
    "customer_id": "id",
    "order_id": "id",
    "total_amount": "amount_cents",
    "order_date": "issued_on",
    "zava_owner": "app_owner",
    "retail": "public",
}
OF_RENTALS = OF_BILLING | {
    "retail.order_items": "public.payment",
    "retail.orders": "public.rental",
    "retail.customers": "public.customer",
    "retail.inventory": "public.inventory",
    "retail.stores": "public.store",
    "retail.products": "public.film",
    "store_name": "name",
    "store_id": "store_id",
    "customer_id": "customer_id",
    "order_id": "rental_id",
    "total_amount": "amount",
    "order_date": "rented_at",
}
# Written for these databases: each would show foreign rows where the policies were permissive,
# where a way were longer than its policy, or where a partition were readable.
OWN = (
    "SELECT * FROM public.invoices WHERE organization_id = '{other}'",
    "SELECT * FROM public.invoice_lines WHERE invoice_id IN (SELECT id FROM public.invoices WHERE organization_id = '{other}')",
    "SELECT r.* FROM public.refunds r LEFT JOIN public.payments p ON true LEFT JOIN public.invoices i ON true",
    "SELECT zava.sees_all('{all}'), * FROM public.customers",
    "WITH f AS MATERIALIZED (SELECT set_config('zava.context', repeat('0', 64) || 'all', true)) SELECT c.* FROM f, public.customers c",
    "WITH f AS MATERIALIZED (SELECT set_config('zava.context', left(current_setting('zava.context'), 64) || 'all', true)) SELECT c.* FROM f, public.customers c",
    "WITH f AS MATERIALIZED (SELECT set_config('zava.context', left(current_setting('zava.context'), 64) || '{{{other}}}', true)) SELECT c.* FROM f, public.customers c",
    "SELECT * FROM zava.adopted",
    "SELECT * FROM zava.declaration",
    "SELECT * FROM zava.audiences",
    "SELECT * FROM zava.valid_principals",
    "SELECT * FROM zava.canary",
    "SELECT zava.run_{all}(1, '{own}', '{own}', 9999999999, '{own}', 'x', 'select 1', '', 10, 10000)",
    "SELECT * FROM public.plans WHERE organization_id IS NOT NULL",
)
OWN_OF_RENTALS = (
    "SELECT * FROM public.payment_2026_01",
    "SELECT tableoid::regclass, * FROM public.payment WHERE rental_id IN (SELECT rental_id FROM public.rental)",
    "SELECT * FROM public.customer WHERE store_id = {other}::bigint",
    "SELECT * FROM public.address a WHERE EXISTS (SELECT FROM public.customer c WHERE c.address_id = a.address_id OR true)",
)
DEADLINE = "150ms"


def statements(names: dict[str, str], own: tuple[str, ...], values: dict[str, str]) -> list[str]:
    pattern = re.compile("|".join(map(re.escape, names)))
    found = [
        pattern.sub(lambda match: names[match.group()], hostile.filled({}))
        for hostile in read_corpus()
    ]
    return [_filled(each, values) for each in (*found, *own)]


def _filled(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


def leaks(
    foreign: Foreign, audience: str, caller: Caller, texts: list[str], secret: re.Pattern[str]
) -> tuple[dict[str, str], int]:
    """Return the statements that brought something foreign, and how many were answered."""
    found, answered = {}, 0
    with psycopg.connect(foreign.server, autocommit=True) as server:
        server.execute(f"SET statement_timeout = '{DEADLINE}'")
        for text in texts:
            try:
                answer = "\n".join(foreign.ask(server, audience, caller, text))
                answered += 1
            except psycopg.Error as error:
                answer = str(error).replace(text, "")
            # What the statement itself contains is no leak.
            brought = {each for each in secret.findall(answer) if each not in text}
            if brought:
                found[text] = ", ".join(sorted(brought)[:3])
    return found, answered


def state(foreign: Foreign, tables: tuple[str, ...]) -> Iterator[object]:
    with foreign.superuser() as superuser:
        for table in tables:
            yield superuser.execute(
                f"SELECT count(*), sum(hash_record_extended(ROW(t.ctid, t.xmin), 0)) FROM {table} AS t"
            ).fetchone()
        yield superuser.execute(
            "SELECT (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_proc),"
            " (SELECT count(*) FROM pg_policy), (SELECT count(*) FROM pg_largeobject_metadata)"
        ).fetchone()


def role(foreign: Foreign, name: str) -> str:
    return next(each.role for each in foreign.declaration.audiences if each.name == name)


def test_no_hostile_statement_brings_a_row_of_another_organization(billing: Foreign) -> None:
    with billing.superuser() as superuser:
        rows = superuser.execute("SELECT id::text FROM organizations ORDER BY name").fetchall()
        own, other = rows[0][0], rows[1][0]
        secrets = [
            row[0]
            for row in superuser.execute(
                "SELECT id::text FROM customers WHERE organization_id <> %(own)s"
                " UNION ALL SELECT id::text FROM invoices WHERE organization_id <> %(own)s"
                " UNION ALL SELECT api_key FROM organizations"
                " UNION ALL SELECT id::text FROM organizations WHERE id <> %(own)s",
                {"own": own},
            )
        ]
        order = superuser.execute(
            "SELECT i.id::text, c.id::text FROM invoices i JOIN customers c USING (organization_id)"
            " WHERE organization_id = %s LIMIT 1",
            [other],
        ).fetchone()
    assert order is not None
    values = {"own": own, "other": other, "order": order[0], "customer": order[1]}
    values |= {"audience": role(billing, "desk"), "all": role(billing, "auditor")}
    tables = ("invoices", "customers", "zava.principals", "zava.keyring")
    before = list(state(billing, tables))
    texts = statements(OF_BILLING, OWN, values)
    found, answered = leaks(
        billing, "desk", billing.grant("desk", own), texts, re.compile("|".join(secrets))
    )
    assert found == {}
    assert answered > len(texts) // 4, "many statements are answered, so that they can leak"
    assert list(state(billing, tables)) == before or list(state(billing, tables))[:2] == before[:2]


def test_no_hostile_statement_brings_a_row_of_another_store(rentals: Foreign) -> None:
    with rentals.superuser() as superuser:
        secrets = [
            f"Customer {row[0]}\\b"
            for row in superuser.execute("SELECT customer_id FROM customer WHERE store_id <> 1")
        ]
        secrets += ["Store 2", "Store 3"]
    values = {"own": "1", "other": "2", "order": "2", "customer": "1"}
    values |= {"audience": role(rentals, "manager"), "all": role(rentals, "region")}
    tables = ("rental", "customer", "zava.keyring")
    before = list(state(rentals, tables))
    texts = statements(OF_RENTALS, OWN_OF_RENTALS, values)
    found, answered = leaks(
        rentals, "manager", rentals.grant("manager", 1), texts, re.compile("|".join(secrets))
    )
    assert found == {}
    assert answered > len(texts) // 4
    assert list(state(rentals, tables)) == before


@pytest.mark.parametrize("statement", ["DELETE FROM public.invoices", "SELECT * FROM public.customers FOR UPDATE", "SELECT 1; SELECT 2", "COMMIT"])  # fmt: skip
def test_writes_locks_and_several_statements_are_refused(billing: Foreign, statement: str) -> None:
    caller = billing.grant("member")
    with (
        psycopg.connect(billing.server, autocommit=True) as server,
        pytest.raises(psycopg.Error),
    ):
        billing.ask(server, "member", caller, statement)
