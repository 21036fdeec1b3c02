"""From a database to its adoption and back, with the commands alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.adoption.foreign import BILLING, Foreign, ForeignServer
from tests.support.generators.golden_schema import dump
from zava.cli.commands import app
from zava.settings import settings


class Commands:
    """The command line on one database; the declaration is in ZAVA_DECLARATION."""

    def __init__(self, declaration: Path) -> None:
        self.declaration = declaration

    def run(self, *arguments: str) -> Result:
        settings.cache_clear()
        return CliRunner().invoke(app, list(arguments))

    def good(self, *arguments: str) -> str:
        result = self.run(*arguments)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output

    def bad(self, *arguments: str) -> str:
        result = self.run(*arguments)
        assert result.exit_code == 1, result.output
        return f"{result.output}{result.exception}"


@pytest.fixture
def foreign(foreign_server: ForeignServer) -> Iterator[Foreign]:
    with foreign_server.database(BILLING, "commanded") as found:
        yield found


@pytest.fixture
def commands(
    foreign: Foreign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Commands]:
    declaration = tmp_path / "shop.toml"
    monkeypatch.setenv("DATABASE_URL", foreign.database.admin)
    monkeypatch.setenv("ZAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZAVA_DECLARATION", str(declaration))
    yield Commands(declaration)
    settings.cache_clear()


def test_a_database_is_drafted_checked_planned_adopted_proven_and_left(
    foreign: Foreign, commands: Commands, tmp_path: Path
) -> None:
    before = dump(foreign.database)
    drafted = commands.good("adopt", "--draft", "--tenant", "public.organizations")
    assert "undecided: public.jobs: no key leads to a tenant" in drafted
    assert "undecided: public.currencies: " in drafted
    text = commands.declaration.read_text(encoding="utf-8")
    assert 'hide = ["api_key"]' in text
    assert 'via = ["invoice_id", "public.invoices", "id"]' in text
    assert "exists; name another file" in commands.bad(
        "adopt", "--draft", "--tenant", "public.organizations"
    )

    name = f'name = "{foreign.declaration.name}"'
    lines = [name if line.startswith("name = ") else line for line in text.splitlines()]
    commands.declaration.write_text("\n".join(lines), encoding="utf-8")
    checked = commands.good("adopt", "--check")
    assert "warning: not declared, so not readable: public.currencies, public.jobs" in checked
    plan = tmp_path / "plan.sql"
    commands.good("adopt", "--plan", str(plan))
    assert "CREATE POLICY" in plan.read_text(encoding="utf-8")
    assert "CREATE POLICY" in commands.good("adopt", "--plan")
    assert "is the declaration" in commands.bad("adopt", "--plan", str(commands.declaration))
    assert dump(foreign.database) == before, "until here nothing was changed"

    adopted = commands.good("adopt", "--apply")
    assert "8 tables are adopted" in adopted
    assert "Isolation holds: catalog, canaries and strangers agree." in adopted
    assert "Up to date" in commands.good("adopt", "--apply")
    assert "Isolation holds" in commands.good("verify")
    commands.declaration.write_text("\n".join([*lines, ""]), encoding="utf-8")
    assert "the declaration differs from the applied one" in commands.bad("verify")

    with foreign.application() as owner:
        owner.execute("ALTER TABLE public.invoices DISABLE ROW LEVEL SECURITY")
    assert "row security of public.invoices is off" in commands.bad("verify")
    assert "Removed" in commands.good("adopt", "--remove")
    assert "this database is not adopted; run zava adopt --apply" in commands.bad("verify")
    assert dump(foreign.database) == before


def test_what_the_command_needs_is_named(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "give one of --draft" in commands.bad("adopt")
    assert "--tenant: name the table" in commands.bad("adopt", "--draft")
    assert "there is no table public.shops" in commands.bad(
        "adopt", "--draft", "--tenant", "public.shops"
    )
    assert "cannot be read" in commands.bad("adopt", "--check")
    commands.declaration.write_text(
        BILLING[1].read_text(encoding="utf-8").replace('"id"]', '"no"]')
    )
    assert "has no column no" in commands.bad("adopt", "--check")
    assert "has no column no" in commands.bad("adopt", "--plan")
    monkeypatch.setenv("ZAVA_DECLARATION", "")
    assert "ZAVA_DECLARATION: name the declaration" in commands.bad("adopt", "--apply")
    assert "this database is not adopted" in commands.bad("adopt", "--remove")
