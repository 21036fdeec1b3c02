"""What may open an adopted table: each is closed at once, or named by the next proof."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import psycopg
import pytest

from tests.adoption.foreign import BILLING, OWNER, RENTALS, Foreign, ForeignServer
from zava.adoption.proving import catalog_problems
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


def problems_after(foreign: Foreign, *statements: str) -> list[str]:
    """Return what the proof finds after statements of a superuser, which are then undone."""
    with foreign.superuser() as connection, connection.transaction(force_rollback=True):
        for statement in statements:
            connection.execute(statement.encode())
        return catalog_problems(connection, foreign.declaration.context_role)


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
        assert refused.value.sqlstate == "ZA008"
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
        assert refused.value.sqlstate == "ZA008"
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
        assert refused.value.sqlstate == "ZA008"
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


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            (
                "CREATE VIEW public.all_invoices AS SELECT * FROM public.invoices;"
                " GRANT SELECT ON public.all_invoices TO PUBLIC"
            ),
            (
                "public.all_invoices is readable by {desk}, and is not declared; run REVOKE SELECT ON"
                " public.all_invoices FROM PUBLIC, {desk}"
            ),
        ),
        (
            (
                "CREATE MATERIALIZED VIEW public.kept AS SELECT * FROM public.invoices;"
                " GRANT SELECT ON public.kept TO PUBLIC"
            ),
            "public.kept is readable by {desk}, and is not declared",
        ),
        (
            (
                f"SET ROLE {OWNER}; CREATE FUNCTION public.round(double precision, integer) RETURNS bigint"
                " LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM public.organizations'; RESET ROLE"
            ),
            (
                f"function public.round(double precision,integer) runs with the rights of {OWNER}, and"
                " {desk} may call it; run REVOKE EXECUTE ON FUNCTION"
            ),
        ),
        (
            "GRANT SELECT ON public.jobs TO {desk}",
            "public.jobs is readable by {desk}, and is not declared",
        ),
        (
            "GRANT SELECT (api_key) ON public.organizations TO PUBLIC",
            "public.organizations.api_key is readable by {desk}, and is hidden or new",
        ),
        (
            "GRANT INSERT ON public.invoices TO PUBLIC",
            "role {desk} can write public.invoices",
        ),
        (
            "GRANT CREATE ON SCHEMA public TO PUBLIC",
            "role {desk} may create in schema public",
        ),
        (
            "ALTER TABLE public.invoices OWNER TO {desk}",
            "role {desk} owns table public.invoices",
        ),
        (
            "ALTER ROLE {desk} BYPASSRLS",
            "role {desk} is superuser, bypasses row security, or may create or replicate",
        ),
        ("ALTER ROLE {desk} LOGIN", "role {desk} may log in; run ALTER ROLE {desk} NOLOGIN"),
        (f"GRANT {OWNER} TO {{desk}}", f"role {{desk}} is a member of {OWNER}"),
        (f"GRANT {{desk}} TO {OWNER}", f"role {OWNER} can act as {{desk}}"),
        (
            (
                "DROP POLICY zava_desk ON public.invoices;"
                " CREATE POLICY zava_desk ON public.invoices AS RESTRICTIVE FOR SELECT TO {desk} USING (true)"
            ),
            "policy zava_desk of public.invoices is missing or another; run zava adopt --apply",
        ),
        (
            "CREATE POLICY zava_more ON public.invoices USING (true)",
            "policy zava_more of public.invoices is not one of the adoption; run DROP POLICY",
        ),
        (
            (
                "CREATE OR REPLACE FUNCTION zava.my_tenant(reader name) RETURNS uuid LANGUAGE sql STABLE"
                " SECURITY DEFINER AS 'SELECT id FROM public.organizations LIMIT 1'"
            ),
            "function zava.my_tenant(name) is not as the adoption made it; run zava adopt --apply",
        ),
        (
            "GRANT EXECUTE ON FUNCTION zava.my_tenant(name) TO PUBLIC",
            "role PUBLIC may execute zava.my_tenant(name)",
        ),
        ("GRANT SELECT ON zava.principals TO {desk}", "role {desk} reads zava.principals"),
        (
            "GRANT SELECT ON zava.keyring TO {server}",
            "the login {server} reads zava.keyring directly",
        ),
        (
            "ALTER TABLE public.invoices RENAME TO bills",
            "public.invoices is called public.bills now; change the declaration",
        ),
        (
            "DROP TABLE public.refunds; CREATE TABLE public.refunds (id uuid)",
            "public.refunds does not exist any more; change the declaration",
        ),
        (
            f"GRANT {{context}} TO {OWNER}",
            f"role {OWNER} can act as {{context}}, which owns the keys",
        ),
        (
            f"GRANT INSERT ON zava.principals TO {OWNER}",
            f"{OWNER} has privileges on zava.principals, which is the seal's; run REVOKE ALL ON",
        ),
        (
            f"ALTER TABLE zava.keyring OWNER TO {OWNER}",
            f"zava.keyring belongs to {OWNER}; run ALTER TABLE zava.keyring OWNER TO {{context}}",
        ),
        (
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT SELECT ON TABLES TO PUBLIC",
            (
                f"each table that {OWNER} makes is readable by PUBLIC; run ALTER DEFAULT PRIVILEGES FOR"
                f" ROLE {OWNER} REVOKE SELECT ON TABLES FROM PUBLIC"
            ),
        ),
        (
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA public GRANT SELECT ON TABLES TO {{desk}}",
            f"each table that {OWNER} makes in public is readable by {{desk}}; run ALTER DEFAULT",
        ),
        (
            "GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO PUBLIC",
            "sequence public.jobs_id_seq is readable by PUBLIC; run REVOKE SELECT ON SEQUENCE",
        ),
        (
            "SELECT lo_create(4242); GRANT SELECT ON LARGE OBJECT 4242 TO PUBLIC",
            "large object 4242 is readable by PUBLIC; run REVOKE SELECT ON LARGE OBJECT 4242",
        ),
        ("SET LOCAL lo_compat_privileges = on", "every role reads every large object; set"),
        (
            (
                "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER other FOREIGN DATA WRAPPER w;"
                " GRANT USAGE ON FOREIGN SERVER other TO PUBLIC"
            ),
            "foreign server other is usable by PUBLIC; run REVOKE USAGE ON FOREIGN SERVER other",
        ),
        (
            "CREATE TABLE public.all_currencies () INHERITS (public.currencies)",
            (
                "rows of public.all_currencies are read through public.currencies, by the rule of that"
                " one; run ALTER TABLE public.all_currencies NO INHERIT public.currencies"
            ),
        ),
        (
            (
                "CREATE TABLE public.more () INHERITS (public.currencies);"
                " ALTER TABLE public.invoices ADD code text NOT NULL DEFAULT '', ADD name text NOT NULL"
                " DEFAULT ''; ALTER TABLE public.invoices INHERIT public.more"
            ),
            (
                "rows of public.invoices are read through public.currencies, by the rule of that one;"
                " run ALTER TABLE public.invoices NO INHERIT public.more"
            ),
        ),
        (
            (
                "CREATE TABLE public.every (LIKE public.currencies) PARTITION BY LIST (code);"
                " ALTER TABLE public.every ATTACH PARTITION public.currencies DEFAULT"
            ),
            "public.currencies is a partition of public.every now, whose rule decides about its rows",
        ),
        (
            "ALTER ROLE {server} IN DATABASE {database} SET row_security = off",
            "the settings of {server} in this database are others",
        ),
    ],
)
def test_the_proof_names_what_is_open_and_what_to_run(
    opened: Foreign, statement: str, words: str
) -> None:
    names = {
        "desk": next(each.role for each in opened.declaration.audiences if each.name == "desk"),
        "server": opened.declaration.server_role,
        "context": opened.declaration.context_role,
        "database": opened.database.name,
    }
    found = problems_after(opened, statement.format(**names))
    assert any(problem.startswith(words.format(**names)) for problem in found), found


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
