"""What the application's owner opens while the server runs, and what the server then does."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.adoption.foreign import BILLING, Foreign, ForeignServer
from tests.adoption.serving.served import Served
from zava.adoption.serving.server_proof import PROOF_SECONDS

COUNTED = "SELECT count(*) FROM invoices"
OPEN_DEFINER = (
    "CREATE FUNCTION public.round(double precision, integer) RETURNS text LANGUAGE sql"
    " SECURITY DEFINER AS 'SELECT string_agg(name, '','') FROM public.organizations'"
)


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def opened(
    foreign_server: ForeignServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Served, Clock]]:
    with foreign_server.database(BILLING, "meanwhile") as foreign:
        foreign.apply()
        served = Served(foreign, tmp_path)
        served.grant("ana", "member", "Alder")
        clock = Clock()
        # No public name leads to this part: the test sets its time.
        monkeypatch.setattr(served.app.verification, "_clock", clock)
        assert (await served.ask("ana", COUNTED)).rows == [[100]]
        yield served, clock
        await served.app.close()


async def test_row_security_that_is_switched_off_is_refused_at_once(
    opened: tuple[Served, Clock],
) -> None:
    served, _ = opened
    with served.foreign.application() as owner:
        owner.execute("ALTER TABLE public.invoices DISABLE ROW LEVEL SECURITY")
        refused = await served.ask("ana", "SELECT count(*) FROM customers")
        assert refused.error["message"] == "A table has lost its row security, so nothing is read."
        owner.execute("ALTER TABLE public.invoices ENABLE ROW LEVEL SECURITY")
    assert (await served.ask("ana", COUNTED)).rows == [[100]]


async def test_what_the_catalog_shows_to_be_open_is_refused_after_ten_seconds(
    opened: tuple[Served, Clock],
) -> None:
    served, clock = opened
    with served.foreign.application() as owner:
        owner.execute("GRANT SELECT ON public.jobs TO PUBLIC")
        clock.now += PROOF_SECONDS
        assert (await served.ask("ana", COUNTED)).rows == [[100]], "the proof still holds"
        clock.now += 1
        refused = await served.ask("ana", COUNTED)
        assert refused.error["message"].startswith("Tenant isolation could not be proven")
        owner.execute("REVOKE SELECT ON public.jobs FROM PUBLIC")
    assert (await served.ask("ana", COUNTED)).rows == [[100]], "and proven again"
    assert await served.app.verification.problems() == []


async def test_a_function_that_hides_postgresqls_own_is_not_called_by_its_bare_name(
    foreign_server: ForeignServer, tmp_path: Path
) -> None:
    with foreign_server.database(BILLING, "hiding") as foreign:
        with foreign.application() as owner:
            owner.execute(OPEN_DEFINER)
            owner.execute("REVOKE EXECUTE ON FUNCTION public.round(double precision, integer) FROM PUBLIC")  # fmt: skip
        foreign.apply()
        with foreign.application() as owner:  # before the next proof
            owner.execute("GRANT EXECUTE ON FUNCTION public.round(double precision, integer) TO PUBLIC")  # fmt: skip
        served = await _served_unproven(foreign, tmp_path)
        for statement in ("SELECT round(1.5::float8, 1)", "SELECT (1.5::float8).round"):
            refused = await served.ask("ana", statement)
            assert refused.error["code"] == "QUERY_REFUSED"
            assert "Birch" not in refused.text
        hint = (await served.ask("ana", "SELECT round(1.5, 1)")).error["hint"]
        assert hint == "Write pg_catalog.round(…)."
        assert (await served.ask("ana", "SELECT pg_catalog.round(1.25, 1)")).rows == [[1.3]]
        await served.app.close()


async def test_a_trusted_function_may_hide_postgresqls_own(
    foreign_server: ForeignServer, tmp_path: Path
) -> None:
    with foreign_server.database(BILLING, "trusting") as unadopted:
        with unadopted.application() as owner:
            owner.execute(
                "CREATE FUNCTION public.round(text) RETURNS text LANGUAGE sql AS 'SELECT $1'"
            )
        text = unadopted.declaration.text.replace(
            'time_zone = "UTC"', 'time_zone = "UTC"\ntrusted_functions = ["round(text)"]'
        )
        foreign = Foreign(unadopted.database, unadopted.declared(text))
        foreign.apply()
        served = Served(foreign, tmp_path)
        served.grant("ana", "member", "Alder")
        assert (await served.ask("ana", "SELECT round(1.25, 1), round('x'::text)")).rows == [
            [1.3, "x"]
        ]
        await served.app.close()


async def _served_unproven(foreign: Foreign, home: Path) -> Served:
    """Serve as in the seconds between an opening and the next proof."""
    served = Served(foreign, home)
    served.grant("ana", "member", "Alder")
    with foreign.application() as owner:
        owner.execute("REVOKE EXECUTE ON FUNCTION public.round(double precision, integer) FROM PUBLIC")  # fmt: skip
        assert (await served.ask("ana", COUNTED)).rows == [[100]]
        owner.execute("GRANT EXECUTE ON FUNCTION public.round(double precision, integer) TO PUBLIC")
    return served


async def test_another_declaration_than_the_applied_one_is_not_served(
    opened: tuple[Served, Clock], tmp_path: Path
) -> None:
    served, _ = opened
    changed = served.foreign.declared(served.foreign.declaration.text + "\n# changed\n")
    other = Served(served.foreign, tmp_path, declaration=changed)
    assert await other.app.verification.problems() == [
        "the declaration differs from the applied one; run zava adopt --apply, or restore the file"
    ]
    other.people = served.people
    refused = await other.ask("ana", COUNTED)
    assert refused.error["message"].startswith("Tenant isolation could not be proven")
    await other.app.close()
