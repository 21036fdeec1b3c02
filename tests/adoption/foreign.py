"""Databases of other applications, which the tests adopt: each is cloned from a filled template."""

import itertools
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid5

import psycopg
from psycopg import sql

from tests.support.servers.database import CONTEXT_KEY, Cluster, Database
from zava.adoption.applying import apply_declaration
from zava.adoption.declaration_file import parse_declaration
from zava.adoption.declared_values import AdoptionDeclaration
from zava.adoption.proving import prove, run
from zava.data.session.signed_context import ContextKey, ContextSigner
from zava.infrastructure.local.database import LocalDatabase
from zava.model.core import Caller

EXAMPLES = Path(__file__).parents[2] / "zava" / "examples"
HERE = Path(__file__).parent
OWNER = "app_owner"
WRITER = "app_writer"
PASSWORD = "the-server-of-an-adoption"
DIRECTORY = UUID("11111111-1111-4111-8111-111111111111")
SIGNER = ContextSigner([ContextKey(*CONTEXT_KEY)])
BILLING = (EXAMPLES / "billing.sql", EXAMPLES / "billing.toml")
RENTALS = (HERE / "rentals.sql", HERE / "rentals.toml")


@dataclass(frozen=True)
class Foreign:
    """One database of an application, its administrator, and its declaration under a name."""

    database: Database
    declaration: AdoptionDeclaration

    @property
    def server(self) -> str:
        local = LocalDatabase(self.database.admin, "", is_embedded=False)
        return local.login(self.declaration.server_role, PASSWORD)

    @contextmanager
    def administrator(self) -> Iterator[psycopg.Connection]:
        with psycopg.connect(self.database.admin, autocommit=True) as connection:
            yield connection

    @contextmanager
    def superuser(self) -> Iterator[psycopg.Connection]:
        with psycopg.connect(self.database.owner, autocommit=True) as connection:
            yield connection

    @contextmanager
    def application(self, role: str = OWNER) -> Iterator[psycopg.Connection]:
        with self.superuser() as connection:
            connection.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(role)))
            yield connection

    def declared(self, text: str) -> AdoptionDeclaration:
        """Return a declaration under this database's name."""
        return parse_declaration(renamed(text, self.declaration.name), "test.toml")

    def apply(self, declaration: AdoptionDeclaration | None = None) -> list[str]:
        with self.administrator() as connection:
            groups = apply_declaration(
                connection, declaration or self.declaration, keys=[CONTEXT_KEY], password=PASSWORD
            )
        return [group.title for group in groups]

    def problems(self) -> list[str]:
        with self.administrator() as connection:
            return prove(connection, self.server, self.declaration, SIGNER)

    def grant(self, audience: str, *tenants: object) -> Caller:
        """Grant an audience with these tenants to a person, and return the person."""
        role = next(each.role for each in self.declaration.audiences if each.name == audience)
        caller = Caller(DIRECTORY, uuid5(DIRECTORY, f"{audience} {tenants}"))
        with self.administrator() as connection, connection.transaction():
            context = sql.Identifier(self.declaration.context_role)
            connection.execute(sql.SQL("SET LOCAL ROLE {}").format(context))
            connection.execute(
                "INSERT INTO zava.principals (tenant_id, object_id, display_name, audience, tenants)"
                " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                [caller.tenant_id, caller.object_id, audience, role, list(tenants)],
            )
        return caller

    def ask(
        self, server: psycopg.Connection, audience: str, caller: Caller, statement: str
    ) -> list[str]:
        """Run a statement as the server does for a caller: signed, in the audience's runner."""
        runner = next(each.runner for each in self.declaration.audiences if each.name == audience)
        return run(server, runner, SIGNER.sign(caller, statement))


def renamed(text: str, name: str) -> str:
    """Return a declaration under another name, so that it has roles of its own."""
    lines = text.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("name = "))
    lines[at] = f'name = "{name}"'
    return "\n".join(lines) + "\n"


class ForeignServer:
    """Makes databases of applications on one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._superuser = cluster.superuser
        self._run = secrets.token_hex(3)
        self._numbers = itertools.count(1)
        self._templates: dict[Path, Database] = {}
        with psycopg.connect(self._superuser, autocommit=True) as connection:
            for role, rights in ((OWNER, ""), (WRITER, "")):
                connection.execute(
                    f"DO $$ BEGIN IF to_regrole('{role}') IS NULL THEN"
                    f" CREATE ROLE {role} LOGIN {rights}; END IF; END $$"
                )
            connection.execute(f"GRANT {OWNER} TO zava_admin WITH INHERIT FALSE, SET TRUE")

    @contextmanager
    def database(self, application: tuple[Path, Path], label: str) -> Iterator[Foreign]:
        """Lend a copy of an application's database, with roles of its own."""
        statements, declaration = application
        template = self._template(statements)
        name = f"{label}_{next(self._numbers)}"
        database = self._create(name, template)
        text = renamed(declaration.read_text(encoding="utf-8"), name)
        try:
            yield Foreign(database, parse_declaration(text, declaration.name))
        finally:
            self._drop(database, name)

    def end(self) -> None:
        for template in self._templates.values():
            self._drop(template, "")

    def _template(self, statements: Path) -> Database:
        if statements not in self._templates:
            template = self._create(f"of_{statements.stem}", None)
            with psycopg.connect(template.owner, autocommit=True) as connection:
                connection.execute(f"GRANT ALL ON SCHEMA public TO {OWNER}")
                connection.execute(f"SET SESSION AUTHORIZATION {OWNER}")
                connection.execute(statements.read_bytes())
                connection.execute(
                    f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {WRITER}"
                )
            self._templates[statements] = template
        return self._templates[statements]

    def _create(self, name: str, template: Database | None) -> Database:
        database = Database(self._superuser, f"foreign_{self._run}_{name}")
        with psycopg.connect(self._superuser, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY file_copy").format(
                    sql.Identifier(database.name),
                    sql.Identifier(OWNER),
                    sql.Identifier(template.name if template else "template0"),
                )
            )
            connection.execute(
                sql.SQL("GRANT CREATE ON DATABASE {} TO zava_admin").format(
                    sql.Identifier(database.name)
                )
            )
        return database

    def _drop(self, database: Database, name: str) -> None:
        with psycopg.connect(self._superuser, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database.name))
            )
            if name:
                rows = connection.execute(
                    "SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)", [f"zava_{name}_"]
                ).fetchall()
                for (role,) in rows:
                    connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def truth(connection: psycopg.Connection, questions: Mapping[str, str]) -> dict[str, int]:
    """Return what a superuser counts by each of these statements."""
    found = {}
    for name, question in questions.items():
        row = connection.execute(question.encode()).fetchone()
        found[name] = int(row[0]) if row else 0
    return found
