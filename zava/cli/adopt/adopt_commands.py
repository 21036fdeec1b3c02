"""Commands that adopt a database of another application, prove it, and take it out again."""

from pathlib import Path
from typing import Annotated

import typer

from zava.adoption.applying import apply_declaration, catalog_of
from zava.adoption.checks.checking import check_declaration
from zava.adoption.declaration_file import (
    DeclarationRefused,
    parse_declaration,
    read_declaration,
)
from zava.adoption.declared_values import AdoptionDeclaration, printable
from zava.adoption.drafting import draft as drafted
from zava.adoption.foreign_catalog import read_catalog
from zava.adoption.plans.planning import plan as planned
from zava.adoption.plans.steps import as_sql
from zava.adoption.proving import prove, text_problems
from zava.adoption.removing import remove_adoption
from zava.cli.terminal import administered, console
from zava.data.session.signed_context import ContextKey, ContextSigner
from zava.errors import ZavaError
from zava.infrastructure.local.database import LocalDatabase
from zava.infrastructure.local.state_dir import StateDirectory
from zava.settings import SettingsError, settings

_DECLARATION = "ZAVA_DECLARATION"


def adopt(
    file: Annotated[Path | None, typer.Argument(help="File that --draft or --plan writes.")] = None,
    *,
    draft: Annotated[
        bool, typer.Option("--draft", help="Write a declaration from the foreign keys.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Print refusals and warnings; change nothing.")
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Print the SQL; change nothing.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Adopt the database.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take the adoption out again.")] = False,
    tenant: Annotated[
        str | None, typer.Option(help="With --draft: the table of the tenants, schema.table.")
    ] = None,
    column: Annotated[
        str | None, typer.Option(help="With --draft: the tenants' column where no key marks it.")
    ] = None,
    declaration: Annotated[
        Path | None, typer.Option(help="The declaration; default: ZAVA_DECLARATION.")
    ] = None,
) -> None:
    """Isolate the tenants of another application's database, and leave the application as it is."""
    if [draft, check, plan, apply, remove].count(True) != 1:
        raise SettingsError("adopt: give one of --draft, --check, --plan, --apply and --remove")
    setting = settings().declaration
    named = declaration or (Path(setting) if setting else None)
    with administered() as database:
        if draft:
            _draft(database, tenant, column, file or named)
        elif remove:
            _remove(database, named)
        elif named is None:
            raise SettingsError(f"{_DECLARATION}: name the declaration, or write it with --draft")
        elif check:
            _check(database, read_declaration(named))
        elif plan:
            if file is not None and file.resolve() == named.resolve():
                raise SettingsError(f"{file} is the declaration; name another file for the plan")
            _plan(database, read_declaration(named), file)
        else:
            _apply(database, read_declaration(named))


def verify_adopted(database: LocalDatabase) -> bool:
    """Prove the isolation of an adopted database; return False where nothing was adopted.

    Raises:
        DeclarationRefused: a declaration is named, and the database is neither adopted nor Zava's.
        ZavaError: isolation does not hold; the problems are printed.
    """
    with database.administration() as connection:
        catalog = read_catalog(connection)
    ledger = catalog.ledger
    if ledger is None:
        if settings().declaration and catalog.seal_owner is None:
            raise DeclarationRefused(["this database is not adopted; run zava adopt --apply"])
        return False
    applied = parse_declaration(ledger.text, "the applied declaration")
    problems = []
    if settings().declaration:
        problems += text_problems(read_declaration(Path(settings().declaration or "")), ledger)
    _report(problems + _problems(database, applied))
    return True


def _draft(
    database: LocalDatabase, tenant: str | None, column: str | None, file: Path | None
) -> None:
    if tenant is None:
        raise SettingsError("--tenant: name the table of the tenants, such as public.organizations")
    with database.administration() as connection:
        catalog = read_catalog(connection)
    found = drafted(catalog, tenant, column=column)
    path = file or Path(f"{catalog.database}.toml")
    try:
        with path.open("x", encoding="utf-8") as output:
            output.write(found.text)
    except FileExistsError:
        raise DeclarationRefused([f"{path} exists; name another file"]) from None
    for each in found.undecided:
        _print(f"undecided: {each}")
    _print(f"{path}: {found.text.count('[tables.') - len(found.undecided)} tables declared")


def _check(database: LocalDatabase, declaration: AdoptionDeclaration) -> None:
    with database.administration() as connection:
        findings = check_declaration(declaration, catalog_of(connection, declaration))
    if findings.refusals:
        raise DeclarationRefused(findings.refusals)
    for warning in findings.warnings:
        _print(f"warning: {warning}")
    _print(f"{len(declaration.tables)} tables can be adopted")


def _plan(database: LocalDatabase, declaration: AdoptionDeclaration, file: Path | None) -> None:
    with database.administration() as connection:
        catalog = catalog_of(connection, declaration)
        findings = check_declaration(declaration, catalog)
        if findings.refusals:
            raise DeclarationRefused(findings.refusals)
        text = as_sql(planned(declaration, catalog))
    if file is None:
        console.out(text, highlight=False)
    else:
        file.write_text(text, encoding="utf-8")
        _print(f"{file}: {text.count('BEGIN;')} transactions")


def _apply(database: LocalDatabase, declaration: AdoptionDeclaration) -> None:
    home = StateDirectory(settings().home)
    keys = [ContextKey.parse(text) for text in _context_keys()]
    password = home.secret(declaration.server_role) if database.tokens is None else None
    with database.administration() as connection:
        groups = apply_declaration(
            connection,
            declaration,
            keys=[(key.key_id, key.secret) for key in keys],
            password=password,
            report=_print,
        )
    _print(f"{len(declaration.tables)} tables are adopted" if groups else "Up to date")
    _report(_problems(database, declaration))


def _remove(database: LocalDatabase, file: Path | None) -> None:
    declaration = read_declaration(file) if file else None
    with database.administration() as connection:
        remove_adoption(connection, declaration, report=_print)
    _print("Removed; the application's tables are as before.")


def _problems(database: LocalDatabase, declaration: AdoptionDeclaration) -> list[str]:
    signer = ContextSigner([ContextKey.parse(text) for text in _context_keys()])
    role = declaration.server_role
    password = StateDirectory(settings().home).secret(role)
    with database.administration() as connection:
        return prove(connection, database.login(role, password), declaration, signer)


def _report(problems: list[str]) -> None:
    for problem in problems:
        _print(f"isolation: {problem}")
    if problems:
        raise ZavaError(f"isolation check failed; problems listed above: {len(problems)}")
    _print("Isolation holds: catalog, canaries and strangers agree.")


def _context_keys() -> tuple[str, ...]:
    return settings().context_keys or StateDirectory(settings().home).context_keys()


def _print(text: str) -> None:
    # Names come from the application: one of them may contain what a terminal obeys.
    console.print(printable(text), highlight=False, markup=False)
