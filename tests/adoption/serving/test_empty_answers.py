"""Why an answer over the billing example is empty: each note is right for the asking person."""

import pytest

from tests.adoption.serving.served import Served

INVOICES = "SELECT number FROM invoices WHERE "
SCENARIOS = [
    (
        f"{INVOICES}status = 'draft'",
        ["No row in your scope has public.invoices.status = 'draft'. There is: open."],
    ),
    (
        f"{INVOICES}public.invoices.status IN ('paid', 'void')",
        ["No row in your scope has public.invoices.status IN ('paid', 'void'). There is: open."],
    ),
    (
        f"{INVOICES}issued_on > '2027-01-01'",
        [
            (
                "No row in your scope has public.invoices.issued_on > '2027-01-01'."
                " issued_on runs from 2026-01-31 to 2026-06-28 in your scope."
            )
        ],
    ),
    (
        f"{INVOICES}issued_on BETWEEN '2025-01-01' AND '2025-12-31'",
        [
            (
                "No row in your scope has public.invoices.issued_on BETWEEN '2025-01-01' and"
                " '2025-12-31'. issued_on runs from 2026-01-31 to 2026-06-28 in your scope."
            )
        ],
    ),
    (
        f"{INVOICES}amount_cents > 1000000",
        [
            (
                "No row in your scope has public.invoices.amount_cents > '1000000'."
                " amount_cents runs from 400 to 40000 in your scope."
            )
        ],
    ),
    # A number that another organization has, and one that none has: the same words.
    (
        f"{INVOICES}number = 1",
        [
            (
                "No row in your scope has public.invoices.number = '1'."
                " number runs from 4 to 400 in your scope."
            )
        ],
    ),
    (
        f"{INVOICES}number = 100001",
        [
            (
                "No row in your scope has public.invoices.number = '100001'."
                " number runs from 4 to 400 in your scope."
            )
        ],
    ),
    (
        f"{INVOICES}status = 'open' AND amount_cents < 0",
        [
            (
                "No row in your scope has public.invoices.amount_cents < '0'."
                " amount_cents runs from 400 to 40000 in your scope."
            )
        ],
    ),
    (
        f"{INVOICES}amount_cents = 400 AND issued_on = '2026-06-28'",
        [
            (
                "Each of these conditions has rows in your scope, but no row meets them all:"
                " public.invoices.amount_cents = '400'; public.invoices.issued_on = '2026-06-28'."
            )
        ],
    ),
    (
        f"{INVOICES}status = NULL",
        ["public.invoices.status = NULL is never true: write IS NULL or IS NOT NULL."],
    ),
    # Another organization's name and a name that does not exist: the same words.
    (
        "SELECT id FROM organizations WHERE name = 'Birch'",
        ["No row in your scope has public.organizations.name = 'Birch'."],
    ),
    (
        "SELECT id FROM organizations WHERE name = 'Nowhere'",
        ["No row in your scope has public.organizations.name = 'Nowhere'."],
    ),
    (
        "SELECT id FROM organizations WHERE country = 'DE'",
        ["No row in your scope has public.organizations.country = 'DE'. There is: US."],
    ),
    (
        "SELECT name FROM currencies WHERE code = 'GBP'",
        ["No row in your scope has public.currencies.code = 'GBP'. There is: EUR, USD."],
    ),
    (
        "SELECT name FROM currencies WHERE name = 'Euros'",
        ["No row in your scope has public.currencies.name = 'Euros'. There is: Euro, US dollar."],
    ),
    # What outsiders wrote is not offered.
    (
        "SELECT id FROM customers WHERE name LIKE 'Costumer%'",
        ["No row in your scope has public.customers.name LIKE 'Costumer%'."],
    ),
    (
        "SELECT count(*) FROM customers WHERE lower(email) = 'nobody@example.com'",
        ["No row in your scope has lower(public.customers.email) = 'nobody@example.com'."],
    ),
    # The way to a tenant is over two other tables.
    (
        "SELECT r.id FROM refunds AS r WHERE r.amount_cents > 99999",
        [
            (
                "No row in your scope has public.refunds.amount_cents > '99999'."
                " amount_cents runs from 40 to 600 in your scope."
            )
        ],
    ),
    # A row without a tenant is everyone's; a row that the filter leaves out is no one's.
    (
        "SELECT id FROM plans WHERE amount_cents = 5000",
        [
            (
                "No row in your scope has public.plans.amount_cents = '5000'."
                " amount_cents runs from 1000 to 8000 in your scope."
            )
        ],
    ),
    (
        "SELECT id FROM subscriptions WHERE started_on < '2026-01-01'",
        [
            (
                "No row in your scope has public.subscriptions.started_on < '2026-01-01'."
                " started_on runs from 2026-01-01 to 2026-01-25 in your scope."
            )
        ],
    ),
    (
        (
            "SELECT i.number FROM invoices AS i JOIN invoice_lines AS l ON l.invoice_id = i.id"
            " WHERE l.amount_cents > 90000"
        ),
        [
            (
                "No row in your scope has public.invoice_lines.amount_cents > '90000'."
                " amount_cents runs from 200 to 40000 in your scope."
            )
        ],
    ),
    ("SELECT number FROM invoices WHERE status = 'open' LIMIT 1", []),
]


@pytest.mark.parametrize(("statement", "notes"), SCENARIOS)
async def test_an_empty_answer_names_the_reason_in_the_persons_own_rows(
    served: Served, statement: str, notes: list[str]
) -> None:
    assert (await served.ask("ana", statement)).notes == notes
