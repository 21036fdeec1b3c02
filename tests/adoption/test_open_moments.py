"""What may open an adopted table: each is closed at once, or named by the next proof."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import psycopg
import pytest

from tests.adoption.foreign import BILLING, RENTALS, Foreign, ForeignServer
from zava.model.core import Caller

FIRST = "SELECT id FROM organizations ORDER BY name LIMIT 1"
FOREIGN_INVOICES = "SELECT count(*) AS n FROM invoices WHERE organization_id <> ALL (ARRAY(SELECT id FROM organizations))"
# The commonest pattern: a tenant in a setting, read without a default, and a way around it.
OWN_POLICIES = """
ALTER TABLE public.invoices ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_setting ON public.invoices USING (organization_id = current_setting('app.tenant')::uuid);
CREATE POLICY bypass ON public.invoices USING (coalesce(current_setting('app.bypass', true), 'on') = 'on');
"""


@contextmanager
def asking(foreign: Foreign) -> Iterator[tuple[psycopg.Connection, Caller]]:
    with foreign.superuser() as superuser:
        row = superuser.execute(FIRST).fetchone()
    assert row is not None
    caller = foreign.grant("desk", row[0])
    with psycopg.connect(foreign.server, autocommit=True) as server:
        yield server, caller


def counted(foreign: Foreign, statement: str) -> int:
    with asking(foreign) as (server, caller):
        (row,) = foreign.ask(server, "desk", caller, statement)
    return int(json.loads(row)["n"])


@pytest.fixture(scope="module")
def opened(foreign_server: ForeignServer) -> Iterator[Foreign]:
    """An adopted database that tests open and close again."""
    with foreign_server.database(BILLING, "opened") as foreign:
        foreign.apply()
        yield foreign


@pytest.fixture(scope="module")
def partitioned(foreign_server: ForeignServer) -> Iterator[Foreign]:
    with foreign_server.database(RENTALS, "partitioned") as foreign:
        foreign.apply()
        yield foreign


def test_policies_of_the_application_with_a_bypass_show_no_foreign_row(
    foreign_server: ForeignServer,
) -> None:
    with foreign_server.database(BILLING, "mixed") as foreign:
        with foreign.application() as owner:
            owner.execute(OWN_POLICIES)
        foreign.apply()
        assert counted(foreign, FOREIGN_INVOICES) == 0
        assert counted(foreign, "SELECT count(*) AS n FROM invoices") == 100
        assert foreign.problems() == []
        # Where the application's own policies are wide, a lost restrictive one stops the runner.
        policy = next(each.policy for each in foreign.declaration.audiences if each.name == "desk")
        with foreign.application() as owner:
            owner.execute(f"DROP POLICY {policy} ON public.invoices")
        with pytest.raises(psycopg.Error) as refused:
            counted(foreign, "SELECT count(*) AS n FROM invoices")
        assert refused.value.sqlstate == "ZA010"
        foreign.apply()
        assert counted(foreign, FOREIGN_INVOICES) == 0


def test_policies_that_the_application_adds_later_widen_nothing_and_are_not_left_disarmed(
    foreign_server: ForeignServer,
) -> None:
    with foreign_server.database(BILLING, "later") as foreign:
        foreign.apply()
        with foreign.application() as owner:
            owner.execute(OWN_POLICIES)
        assert counted(foreign, FOREIGN_INVOICES) == 0
        assert (
            "policy bypass of public.invoices is disarmed by zava_others; run zava adopt --apply"
            in foreign.problems()
        )
        foreign.apply()
        assert foreign.problems() == []
        assert counted(foreign, FOREIGN_INVOICES) == 0


def test_row_security_that_is_switched_off_stops_the_next_call(opened: Foreign) -> None:
    with opened.application() as owner:
        owner.execute("ALTER TABLE public.invoices DISABLE ROW LEVEL SECURITY")
        with pytest.raises(psycopg.Error) as refused:
            counted(opened, "SELECT count(*) AS n FROM currencies")
        assert refused.value.sqlstate == "ZA010"
        assert any(
            problem.startswith("row security of public.invoices is off; run ALTER TABLE")
            for problem in opened.problems()
        )
        owner.execute("ALTER TABLE public.invoices ENABLE ROW LEVEL SECURITY")
    assert counted(opened, "SELECT count(*) AS n FROM invoices") == 100


@pytest.mark.parametrize(
    ("dropped", "table", "policy"),
    [
        ("ALTER TABLE public.customers DROP COLUMN organization_id CASCADE", "customers", "desk"),
        ("ALTER TABLE public.payments DROP COLUMN id CASCADE", "refunds", "desk"),
        ("DROP TABLE public.payments CASCADE", "refunds", "desk"),
        (
            "ALTER TABLE public.subscriptions DROP COLUMN deleted_at CASCADE",
            "subscriptions",
            "zz_filter",
        ),
    ],
)
def test_a_cascade_that_drops_the_policies_stops_the_next_call(
    foreign_server: ForeignServer, dropped: str, table: str, policy: str
) -> None:
    with foreign_server.database(BILLING, "cascade") as foreign:
        foreign.apply()
        with foreign.application() as owner:
            owner.execute(dropped.encode())
        with pytest.raises(psycopg.Error) as refused:
            counted(foreign, f"SELECT count(*) AS n FROM {table}")
        assert refused.value.sqlstate == "ZA010"
        missing = (
            f"policy zava_{policy} of public.{table} is missing or another; run zava adopt --apply"
        )
        assert missing in foreign.problems()


def test_a_policy_that_is_dropped_while_a_call_waits_for_its_table_shows_nothing(
    foreign_server: ForeignServer,
) -> None:
    answers: list[str] = []
    with foreign_server.database(BILLING, "waiting") as foreign:
        foreign.apply()
        with asking(foreign) as (server, caller), foreign.application() as owner:

            def ask() -> None:
                try:
                    answers.extend(foreign.ask(server, "desk", caller, "SELECT id FROM refunds"))
                except psycopg.Error as error:
                    answers.append(str(error.sqlstate))

            call = Thread(target=ask)
            with foreign.superuser() as superuser, owner.transaction():
                owner.execute("DROP TABLE public.payments CASCADE")
                call.start()
                while not waits(superuser, server):
                    assert call.is_alive(), answers  # it waits no longer than its lock_timeout
            call.join()
    assert answers == ["ZA002"]


def waits(superuser: psycopg.Connection, server: psycopg.Connection) -> bool:
    """Return whether a connection waits for a lock."""
    pid = server.info.backend_pid
    row = superuser.execute("SELECT cardinality(pg_blocking_pids(%s))", [pid]).fetchone()
    return row != (0,)


def test_a_condition_that_raises_an_error_has_seen_no_row_of_another_tenant(
    foreign_server: ForeignServer,
) -> None:
    # Of invoice_lines no index leads to a tenant: every condition is evaluated row by row.
    rule = 'via = ["invoice_id", "public.invoices", "id"]'
    with foreign_server.database(BILLING, "raising") as foreign:
        text = foreign.declaration.text.replace(rule, f'{rule}\nfilter = "description::int > 0"', 1)
        raising = Foreign(foreign.database, foreign.declared(text))
        raising.apply()
        own = _organization(raising)
        with raising.superuser() as superuser:
            lines = superuser.execute(
                "SELECT description FROM invoice_lines AS l JOIN invoices AS i ON i.id = invoice_id"
                " WHERE organization_id = %s",
                [own],
            ).fetchall()
        with psycopg.connect(raising.server, autocommit=True) as server:
            for audience in ("desk", "member"):
                caller = raising.grant(audience, own)
                with pytest.raises(psycopg.errors.InvalidTextRepresentation) as raised:
                    raising.ask(server, audience, caller, "SELECT count(*) FROM invoice_lines")
                assert str(raised.value).split('"')[1] in [line[0] for line in lines], audience


def test_a_table_that_the_application_drops_stops_nothing_else(
    foreign_server: ForeignServer,
) -> None:
    with foreign_server.database(BILLING, "dropped") as foreign:
        foreign.apply()
        with foreign.application() as owner:
            owner.execute("DROP TABLE public.refunds")
        assert counted(foreign, "SELECT count(*) AS n FROM invoices") == 100


def test_a_partition_with_grants_of_its_parent_is_named_and_closed_by_the_next_apply(
    partitioned: Foreign,
) -> None:
    role = partitioned.declaration.audiences[0].role
    with partitioned.application() as owner:
        owner.execute(
            "CREATE TABLE public.payment_2026_03 PARTITION OF public.payment"
            " FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')"
        )
        owner.execute(f"GRANT SELECT ON public.payment_2026_03 TO {role}")
    (problem,) = partitioned.problems()
    assert problem.startswith(
        f"partition public.payment_2026_03 is readable by {role}, and is not declared; run REVOKE"
    )
    partitioned.apply()
    assert partitioned.problems() == []


def test_the_stranger_of_each_audience_is_asked_about_every_table(opened: Foreign) -> None:
    """The catalog is as recorded, and yet rows show: no comparison of texts would find it."""

    def set_tenant(tenant: str) -> None:
        with opened.administrator() as connection, connection.transaction():
            connection.execute(f"SET LOCAL ROLE {opened.declaration.context_role}")
            connection.execute(
                "UPDATE zava.principals SET tenants = ARRAY[%s::uuid]"
                " WHERE display_name = 'stranger of member'",
                [tenant],
            )

    set_tenant(_organization(opened))
    assert opened.problems() == ["the stranger of member sees 8 rows; run zava adopt --apply"]
    set_tenant("00000000-0000-0000-0000-0000000000c3")
    assert opened.problems() == []


def _organization(foreign: Foreign) -> str:
    with foreign.superuser() as superuser:
        row = superuser.execute(FIRST).fetchone()
    return str(row[0]) if row else ""
