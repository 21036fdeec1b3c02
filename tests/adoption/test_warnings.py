"""What adoption warns of, in its words."""

import pytest

from tests.adoption.checked import findings
from tests.adoption.foreign import WRITER, Foreign


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            (
                "CREATE FUNCTION public.round(double precision, integer) RETURNS text LANGUAGE sql"
                " AS 'SELECT 1::text'"
            ),
            (
                "function round(double precision,integer) of public hides PostgreSQL's: statements may"
                " not call round"
            ),
        ),
        (
            "DROP INDEX public.customers_organization_idx",
            (
                "public.customers: no index begins with organization_id: each question reads the whole"
                ' table; CREATE INDEX CONCURRENTLY ON "public"."customers" ("organization_id")'
            ),
        ),
        (
            "ALTER TABLE public.customers ALTER organization_id DROP NOT NULL",
            "public.customers: organization_id may be null; no tenant sees such a row",
        ),
        (
            "ALTER TABLE public.customers ADD password_hash text",
            "public.customers: password_hash may be secret; list it under hide",
        ),
        (
            "SELECT 1",
            (
                f"{WRITER} may write public.customers: COPY FROM is refused to them on a table with row"
                " security; INSERT works"
            ),
        ),
        (
            "CREATE ROLE app_backup LOGIN; GRANT pg_read_all_data TO app_backup",
            (
                "app_backup backs up with pg_read_all_data: pg_dump needs --enable-row-security and"
                " -N zava then, or the role needs BYPASSRLS"
            ),
        ),
        (
            "CREATE ROLE app_reader LOGIN; ALTER ROLE app_reader SET row_security = off",
            (
                "app_reader has the setting row_security = off: it gets an error on each adopted table;"
                ' ALTER ROLE "app_reader" RESET row_security'
            ),
        ),
        (
            "SELECT 1",
            "not declared, so not readable: public.jobs",
        ),
        (
            "CREATE POLICY own ON public.customers USING (true)",
            (
                "public.customers has policies of the application (own): they hold as before, and ours"
                " stand above them for the audiences"
            ),
        ),
        (
            (
                "ALTER TABLE public.refunds DROP CONSTRAINT refunds_payment_id_fkey; ALTER TABLE"
                " public.payments DROP CONSTRAINT payments_pkey; CREATE INDEX ON public.payments (id)"
            ),
            (
                "public.refunds: public.payments.id is not unique: a row belongs to every tenant that"
                " has a row with its value"
            ),
        ),
        (
            "CREATE POLICY own ON public.customers USING (true)",
            (
                "public.customers has policies, and its row security is off: adoption switches it on,"
                " and they stay without effect; drop those that the application does not need"
            ),
        ),
        (
            "SELECT 1",
            (
                "public.refunds: two joins or more: whole-table questions cost about 6 µs a row; a"
                " column for the tenant would make it none"
            ),
        ),
    ],
)
def test_what_a_check_warns_of(unadopted: Foreign, statement: str, words: str) -> None:
    # Without metrics: one of them is refused where a key is not unique.
    plain = unadopted.declared(unadopted.declaration.text.partition("[joins.")[0])
    found = findings(unadopted, statement, declaration=plain)
    assert words in found.warnings, found
