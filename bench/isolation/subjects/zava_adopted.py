"""Zava's seal on a database of another application, without the guard and with it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import psycopg

from bench.isolation.answers import Answer, Session, Subject, Tenant
from bench.isolation.databases import BILLING, Databases
from zava import __version__
from zava.adoption.proving import run
from zava.data.guard.guard import Guard
from zava.data.named_queries import statement
from zava.data.sql_query.statement_text import check_characters, plain_statement
from zava.data.syntax.limits import check_limits
from zava.data.syntax.outside_text import OutsideText
from zava.data.syntax.parser import parsing_thread
from zava.errors import ZavaError


class Adopted:
    """The runner of an audience; with a guard it runs what the guard lets pass."""

    def __init__(self, databases: Databases, guard: Guard | None) -> None:
        self._databases = databases
        self._guard = guard
        role = databases.adopted.server_role
        self._login = databases.login(role, BILLING)
        self._connection = self._connect()
        self._runner = next(
            each.runner for each in databases.adopted.audiences if each.name == "member"
        )

    def run(self, tenant: Tenant, sql: str) -> Answer:
        """Run a signed statement as a member of the tenant's organization."""
        if self._connection.closed:
            self._connection = self._connect()
        try:
            if self._guard is not None:
                sql = plain_statement(sql)
                check_limits(sql)
                check_characters(sql)
                parsing_thread().submit(self._guard.judge, sql).result().enforce()
            caller = self._databases.billing_callers[tenant]
            call = self._databases.ground.signer.sign(caller, sql)
            rows = run(self._connection, self._runner, call)
        except ZavaError as error:
            return Answer(str(error.to_dict()), is_error=True)
        except (psycopg.Error, ValueError) as error:
            return Answer(str(error), is_error=True)
        finally:
            with suppress(psycopg.Error):  # as the executor does behind each call
                self._connection.execute("SELECT pg_advisory_unlock_all()")
        return Answer(json.dumps(rows, ensure_ascii=False))

    def tools(self) -> str | None:
        """Return None: this is no server."""
        return None

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()

    def _connect(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self._login, autocommit=True)


def _guard(databases: Databases) -> Guard:
    names = statement("field_names")
    with psycopg.connect(databases.superuser(BILLING)) as owner:
        row = owner.execute(
            names.replace("$1", "%s::jsonb").replace("%s", "%(schema)s").encode(),
            {"schema": json.dumps({"schema": "public"})},
        ).fetchone()
    columns, _, calling = row or ([], {}, [])
    tables = frozenset(name.removeprefix("public.") for name in databases.adopted.tables)
    text = OutsideText({"customers": ("name",)})
    return Guard("public", tables, frozenset(columns), frozenset(calling), text)


@contextmanager
def start(databases: Databases, *, with_guard: bool) -> Iterator[Session]:
    """Connect as the login of the adoption."""
    session = Adopted(databases, _guard(databases) if with_guard else None)
    try:
        yield session
    finally:
        session.close()


def _neighbour(databases: Databases) -> str:
    return databases.login(databases.adopted.server_role, BILLING)


def _adopted(name: str, deployment: str, *, with_guard: bool) -> Subject:
    return Subject(
        name=name,
        version=__version__,
        deployment=deployment,
        start=partial(start, with_guard=with_guard),
        neighbour_login=_neighbour,
        domain="billing",
        database=BILLING,
        is_ours=True,
        facts={
            "context": "zava.context",
            "forged": "0" * 64 + "{other}",
            "role": "zava_billing_auditor",
            "login": "zava_billing_server",
        },
    )


SUBJECTS = (
    _adopted(
        "adopted-seal", "`zava/examples/billing.sql` adopted; the guard off", with_guard=False
    ),
    _adopted("adopted", "`zava/examples/billing.sql` adopted; seal and guard", with_guard=True),
)
