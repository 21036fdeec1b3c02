"""Patterns that put the tenant into a transaction of a shared login, as tutorials have them."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from bench.cluster import Ground
from bench.isolation.answers import Answer, Session, Subject, Tenant
from bench.isolation.databases import SHARED, Databases, signed

_MAX_ROWS = 1000
Statements = tuple[tuple[str, tuple[str, ...]], ...]


class Pattern:
    """A connection on which each call is one read-only transaction after these statements."""

    def __init__(
        self, login: str, before: Mapping[Tenant, Statements], *, one_statement: bool
    ) -> None:
        self._login = login
        self._before = before
        self._one_statement = one_statement
        self._connection = self._connect()

    def run(self, tenant: Tenant, sql: str) -> Answer:
        """Run a statement in a transaction of its own."""
        if self._connection.closed:
            self._connection = self._connect()
        try:
            self._connection.execute("BEGIN READ ONLY")
            for statement, values in self._before[tenant]:
                self._connection.execute(statement.encode(), values)
            # The extended protocol takes one statement, the simple one takes several.
            cursor = self._connection.execute(sql.encode(), binary=self._one_statement)
            return Answer(json.dumps(list(_results(cursor)), default=str, ensure_ascii=False))
        except (psycopg.Error, ValueError, NotImplementedError) as error:
            return Answer(str(error), is_error=True)
        finally:
            with suppress(psycopg.Error):
                self._connection.execute("COMMIT")
            if self._connection.info.transaction_status != TransactionStatus.IDLE:
                self._connection.close()  # as a pool does

    def tools(self) -> str | None:
        """Return None: this is no server."""
        return None

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()

    def _connect(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self._login, autocommit=True, prepare_threshold=None)


def _results(cursor: "psycopg.Cursor[Any]") -> Iterator[list[Any]]:
    """Yield the rows of each statement's result."""
    while True:
        if cursor.description is not None:
            yield cursor.fetchmany(_MAX_ROWS)
        if not cursor.nextset():
            return


@contextmanager
def start(
    login: str,
    before: Callable[[str, Tenant], Statements],
    databases: Databases,
    *,
    one_statement: bool = False,
) -> Iterator[Session]:
    """Open the shared login's connection."""
    stores = store_ids(databases.ground)
    statements: dict[Tenant, Statements] = {
        tenant: before(store, tenant) for tenant, store in stores.items()
    }
    pattern = Pattern(databases.login(login), statements, one_statement=one_statement)
    try:
        yield pattern
    finally:
        pattern.close()


def store_ids(ground: Ground) -> dict[Tenant, str]:
    """Return the store of each tenant."""
    with psycopg.connect(ground.superuser) as connection:
        stores: dict[str, object] = dict(
            connection.execute("SELECT store_name, store_id FROM retail.stores")
        )
    return {
        "attacker": str(stores["Zava Retail Seattle"]),
        "neighbour": str(stores["Zava Retail Redmond"]),
    }


def no_tenant(_store: str, _tenant: Tenant) -> Statements:
    """The model is instructed to add the tenant's condition; the database has none."""
    return ()


def by_setting(store: str, _tenant: Tenant) -> Statements:
    """Row security compares with a setting of the transaction."""
    return (("SELECT set_config('app.store_id', %s, true)", (store,)),)


def by_role(_store: str, tenant: Tenant) -> Statements:
    """Row security follows the tenant's role."""
    return ((f"SET LOCAL ROLE iso_role_{tenant}", ()),)


def by_claims(store: str, _tenant: Tenant) -> Statements:
    """Row security reads the claims of a token that the server verified, as PostgREST has it."""
    claims = json.dumps({"role": "iso_web_user", "store_id": store})
    return (
        ("SET LOCAL ROLE iso_web_user", ()),
        ("SELECT set_config('request.jwt.claims', %s, true)", (claims,)),
    )


def by_signature(store: str, _tenant: Tenant) -> Statements:
    """Row security accepts a setting only with a signature, read as another role."""
    return (
        ("SET LOCAL ROLE iso_signed_reader", ()),
        ("SELECT set_config('app.context', %s, true)", (signed(store),)),
    )


def _pattern(
    name: str,
    deployment: str,
    login: str,
    before: Callable[[str, Tenant], Statements],
    facts: Mapping[str, str],
    *,
    one_statement: bool = False,
) -> Subject:
    return Subject(
        name=name,
        version="this repository",
        deployment=deployment,
        start=partial(start, login, before, one_statement=one_statement),
        neighbour_login=lambda databases: databases.login(login),
        database=SHARED,
        is_ours=True,
        facts={"login": login} | dict(facts),
    )


SUBJECTS = (
    _pattern(
        "one-login",
        "one login; the prompt names the tenant; read-only transaction",
        "iso_one_login",
        no_tenant,
        {},
    ),
    _pattern(
        "setting",
        "one login; row security over a setting; read-only transaction",
        "iso_setting",
        by_setting,
        {"context": "app.store_id", "forged": "{other}"},
    ),
    _pattern(
        "set-role",
        "one login; SET LOCAL ROLE to the tenant's role; read-only transaction",
        "iso_set_role",
        by_role,
        {"context": "role", "forged": "iso_role_neighbour", "role": "iso_role_neighbour"},
    ),
    _pattern(
        "claims",
        "one login; SET LOCAL ROLE and claims in a setting, as PostgREST has them",
        "iso_authenticator",
        by_claims,
        {
            "context": "request.jwt.claims",
            "forged": '{"role": "iso_web_user", "store_id": "{other}"}',
            "role": "iso_authenticator",
        },
    ),
    _pattern(
        "signed-setting",
        "one login; SET LOCAL ROLE and a signed setting; one statement",
        "iso_signed",
        by_signature,
        {"context": "app.context", "forged": "{other}.0000", "role": "iso_signed"},
        one_statement=True,
    ),
)
