"""What a second application of a declaration must not switch on, and must not overlook."""

import psycopg
import pytest

from tests.adoption.foreign import BILLING, WRITER, Foreign, ForeignServer
from zava.adoption.applying import catalog_of
from zava.adoption.checks.checking import CheckFindings, check_declaration
from zava.adoption.declaration_file import DeclarationRefused
from zava.adoption.plans.planning import plan
from zava.adoption.plans.steps import as_sql
from zava.adoption.removing import remove_adoption

REPORT = (
    "CREATE OR REPLACE FUNCTION public.report(integer) RETURNS bigint LANGUAGE sql SECURITY DEFINER"
    " AS '{}'"
)
COUNTED = "SELECT count(*) FROM public.customers"


def checked(foreign: Foreign) -> CheckFindings:
    with foreign.administrator() as connection:
        return check_declaration(foreign.declaration, catalog_of(connection, foreign.declaration))


def rows_of_writer(foreign: Foreign) -> int:
    with foreign.application(WRITER) as writer:
        row = writer.execute(COUNTED).fetchone()
    assert row is not None
    return int(row[0])


def test_policies_that_had_no_effect_before_get_none_by_any_apply(
    foreign_server: ForeignServer,
) -> None:
    with foreign_server.database(BILLING, "dormant") as foreign:
        with foreign.application() as owner:
            owner.execute("CREATE POLICY draft ON public.customers USING (false)")
        assert rows_of_writer(foreign) == 80
        foreign.apply()
        assert rows_of_writer(foreign) == 80
        assert foreign.problems() == []
        assert foreign.apply() == []
        assert rows_of_writer(foreign) == 80

        with foreign.application() as owner:
            owner.execute("CREATE POLICY later ON public.customers USING (true)")
        assert checked(foreign).refusals == (
            (
                "public.customers: later cannot get effect without draft, which had none before the"
                " adoption; drop those that the application does not need"
            ),
        )
        with pytest.raises(DeclarationRefused):
            foreign.apply()
        assert rows_of_writer(foreign) == 80
        with foreign.application() as owner:
            owner.execute("DROP POLICY later ON public.customers")
        with foreign.administrator() as connection:
            remove_adoption(connection)
        assert rows_of_writer(foreign) == 80, "row security is off again"


def test_a_trusted_function_that_is_replaced_is_named_until_it_is_read_and_applied(
    foreign_server: ForeignServer,
) -> None:
    with foreign_server.database(BILLING, "trusted") as unadopted:
        with unadopted.application() as owner:
            owner.execute(REPORT.format("SELECT 1::bigint"))
        text = unadopted.declaration.text.replace(
            'time_zone = "UTC"', 'time_zone = "UTC"\ntrusted_functions = ["report(integer)"]'
        )
        foreign = Foreign(unadopted.database, unadopted.declared(text))
        foreign.apply()
        assert foreign.problems() == []
        with foreign.application() as owner:
            owner.execute(REPORT.format(COUNTED))
        (problem,) = foreign.problems()
        assert problem.startswith("function public.report(integer) is not the one that was trusted")
        warned = "function public.report(integer) is not the one that was trusted; read it before"
        assert any(each.startswith(warned) for each in checked(foreign).warnings)
        assert foreign.apply()
        assert foreign.problems() == []


def test_a_plan_that_is_run_by_hand_waits_for_no_table_longer_than_the_command(
    foreign_server: ForeignServer,
) -> None:
    with (
        foreign_server.database(BILLING, "by_hand") as foreign,
        foreign.administrator() as connection,
    ):
        text = as_sql(plan(foreign.declaration, catalog_of(connection, foreign.declaration)))
        assert text.count("SET LOCAL lock_timeout = '3s';") == text.count("BEGIN;") > 1
        text = text.replace("lock_timeout = '3s'", "lock_timeout = '100ms'")
        with foreign.application(WRITER) as writer, writer.transaction():
            writer.execute("SELECT FROM public.payments")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                connection.execute(text.encode())
