"""Names that an application or a declaration chooses reach no statement and no terminal as they are."""

import json
from collections.abc import Iterator

import psycopg
import pytest

from tests.adoption.foreign import BILLING, Foreign, ForeignServer
from zava.adoption.applying import catalog_of
from zava.adoption.declaration_file import DeclarationRefused, parse_declaration
from zava.adoption.drafting import draft
from zava.adoption.plans.planning import plan
from zava.adoption.plans.steps import as_sql
from zava.cli.adopt import adopt_commands
from zava.cli.terminal import console

# A new line ends a comment, the second name is a placeholder of a template, the third ends a text.
NAMES = (
    "evil\nDROP TABLE public.customers; --",
    "evil{{rendered}}{{oid}}",
    """evil'; DROP TABLE public.customers; -- "$$\\""",
    "evil\x1b[2J\u202e",
    "é" * 31,
)


@pytest.fixture(scope="module")
def evil(foreign_server: ForeignServer) -> Iterator[Foreign]:
    """A database of an application with such names, not yet adopted."""
    with foreign_server.database(BILLING, "evil") as foreign:
        with foreign.application() as owner:
            for name in NAMES:
                table = psycopg.sql.Identifier("public", name)
                owner.execute(
                    psycopg.sql.SQL(
                        "CREATE TABLE {} ({} uuid NOT NULL REFERENCES public.organizations, {} int)"
                    ).format(
                        table,
                        psycopg.sql.Identifier(f"of {name}"[:50]),
                        psycopg.sql.Identifier(name),
                    )
                )
                owner.execute(
                    psycopg.sql.SQL("INSERT INTO {} SELECT id, 1 FROM public.organizations").format(
                        table
                    )
                )
        with foreign.administrator() as connection:
            text = draft(catalog_of(connection, foreign.declaration), "public.organizations").text
        yield Foreign(foreign.database, foreign.declared(text))


def test_a_draft_of_such_names_is_a_declaration_that_is_applied_and_proven(evil: Foreign) -> None:
    assert {f"public.{name}" for name in NAMES} <= evil.declaration.tables.keys()
    with evil.administrator() as connection:
        text = as_sql(plan(evil.declaration, catalog_of(connection, evil.declaration)))
    assert "DROP TABLE" in text
    comments = [line for line in text.splitlines() if line.startswith("-- ")]
    assert any("evil\\nDROP TABLE" in line for line in comments)
    # A plan runs as a whole, so a statement out of a name would drop the table.
    with evil.administrator() as connection:
        connection.execute(text.encode())
    assert evil.apply() == []
    (row,) = _asked(evil, f"SELECT count(*) AS n FROM {_spelled(NAMES[2])}")
    assert json.loads(row) == {"n": 1}
    with evil.superuser() as superuser:
        assert superuser.execute("SELECT count(*) FROM public.customers").fetchone() == (80,)


def _asked(foreign: Foreign, statement: str) -> list[str]:
    with foreign.superuser() as superuser:
        row = superuser.execute("SELECT id FROM public.organizations LIMIT 1").fetchone()
    assert row is not None
    with psycopg.connect(foreign.server, autocommit=True) as server:
        return foreign.ask(server, "member", foreign.grant("member", row[0]), statement)


def _spelled(name: str) -> str:
    return f'public."{name.replace(chr(34), chr(34) * 2)}"'


def test_what_a_terminal_obeys_is_printed_as_its_escape() -> None:
    with console.capture() as written:
        # The one function through which the commands print a name.
        adopt_commands._print(f"warning: {NAMES[3]} {NAMES[4]}")
    assert written.get() == f"warning: evil\\x1b[2J\\u202e {NAMES[4]}\n"
    assert str(DeclarationRefused([NAMES[3]])) == "adopt: evil\\x1b[2J\\u202e"


def test_texts_are_read_as_the_check_read_them_whatever_the_database_sets(
    foreign_server: ForeignServer,
) -> None:
    # With the other setting the backslash would end the text later, and the rest be SQL.
    condition = r"'\' <> ') OR (true' OR deleted_at IS NULL"
    with foreign_server.database(BILLING, "quoting") as foreign:
        with foreign.superuser() as superuser:
            superuser.execute(
                f"ALTER DATABASE {foreign.database.name} SET standard_conforming_strings = off"
            )
        text = foreign.declaration.text.replace(
            '"deleted_at IS NULL"', f'"""{condition}"""'.replace("\\", "\\\\")
        )
        declared = Foreign(foreign.database, foreign.declared(text))
        declared.apply()
        assert declared.problems() == []


OTHER = parse_declaration(BILLING[1].read_text(encoding="utf-8"), "billing.toml").text


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("others", "audiences.others: the seal uses this name for its own policies; choose another"),
        ("readers", "audiences.readers: the seal uses this name for its own policies; choose another"),
        ("zz_filter", "audiences.zz_filter: the seal uses this name for its own policies; choose another"),
        ("context", "audiences.context.role: zava_billing_context ends like a role of the seal itself; choose another"),
        ("eu_server", "audiences.eu_server.role: zava_billing_eu_server ends like a role of the seal itself; choose another"),
        ('desk]\nrole = "app_owner"\n[audiences.x', "audiences.desk.role: expected a name that begins with zava_billing_"),
        ('desk]\nrole = "zava_billing_server"\n[audiences.x', "audiences.desk.role: zava_billing_server ends like a role of the seal itself; choose another"),
    ],
)  # fmt: skip
def test_an_audience_takes_no_name_of_the_seal_or_of_the_application(
    name: str, problem: str
) -> None:
    text = OTHER.replace("[audiences.desk]", f"[audiences.{name}]")
    with pytest.raises(DeclarationRefused) as refused:
        parse_declaration(text, "shop.toml")
    assert f"shop.toml: {problem}" in refused.value.problems
