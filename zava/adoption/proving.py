"""Proves that an adopted database isolates its tenants: its catalog, canaries and strangers."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import psycopg

from zava.adoption import seal_templates as seal
from zava.adoption.declared_values import (
    AdoptionDeclaration,
    DeclaredAudience,
    TableRule,
    quoted,
    quoted_table,
)
from zava.adoption.foreign_catalog import READING, SEAL, Ledger
from zava.data.session import sqlstate
from zava.data.session.signed_context import ContextSigner, SignedCall
from zava.model.core import Caller

_MAX_ROWS, _MAX_BYTES = 10, 10_000
_SONG = "SELECT tenant FROM zava.canary"
FIRST = Caller(seal.NIL, seal.FIRST_CANARY)
SECOND = Caller(seal.NIL, seal.SECOND_CANARY)
"""The two canaries: principals whom no token can name."""
_APPLY = "run zava adopt --apply"


@dataclass(frozen=True, slots=True)
class _Request:
    """One call, and what it must bring: these rows, or this SQLSTATE."""

    what: str
    audience: DeclaredAudience
    call: SignedCall
    rows: tuple[str, ...] = ()
    state: str | None = None

    def problem(self, server: psycopg.Connection) -> str | None:
        try:
            rows = run(server, self.audience.runner, self.call)
        except psycopg.Error as error:
            if error.sqlstate == self.state:
                return None
            return f"{self.what}: {error.sqlstate}; {_APPLY}"
        if self.state is None and tuple(rows) == self.rows:
            return None
        return f"{self.what} sees {len(rows)} rows; {_APPLY}"


def prove(
    administrator: psycopg.Connection,
    server: str,
    declaration: AdoptionDeclaration,
    signer: ContextSigner,
) -> list[str]:
    """Return every way in which isolation does not hold, as sentences; empty when it does.

    `server` is the connection string of the server's login.

    Raises:
        psycopg.Error: the database did not answer.
    """
    problems = catalog_problems(administrator, declaration.context_role)
    key = _key_type(administrator, declaration)
    try:
        with psycopg.connect(server, autocommit=True) as connection:
            for probe in _probes(declaration, key, signer):
                problem = probe.problem(connection)
                if problem is not None:
                    problems.append(problem)
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        problems.append(f"the login {declaration.server_role} cannot connect: {reason}; {_APPLY}")
    return problems


def catalog_problems(administrator: psycopg.Connection, context_role: str) -> list[str]:
    """Return what the catalog shows to be open or changed."""
    with administrator.transaction():
        for setting in READING:
            administrator.execute(setting.encode())
        administrator.execute(f"SET LOCAL ROLE {quoted(context_role)}".encode())
        return [row[0] for row in administrator.execute((SEAL / "proof.sql").read_bytes())]


def run(server: psycopg.Connection, runner: str, call: SignedCall) -> list[str]:
    """Run a signed call as the server does, and return the rows behind the scope.

    Raises:
        psycopg.Error: the runner refused the call, or the statement failed.
    """
    try:
        server.execute("BEGIN READ ONLY")
        rows = server.execute(
            f"SELECT * FROM zava.{quoted(runner)}(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)".encode(),
            [
                int(call.key_id),
                call.tenant_id,
                call.object_id,
                int(call.expires),
                call.nonce,
                call.mac,
                call.statement,
                call.params,
                _MAX_ROWS,
                _MAX_BYTES,
            ],
        ).fetchall()
    finally:
        if not server.closed:
            server.execute("ROLLBACK")
    return [row[0] for row in rows[1:]]


def text_problems(declaration: AdoptionDeclaration, ledger: Ledger) -> list[str]:
    """Return whether the file is another one than what was applied."""
    if ledger.checksum == seal.digest(declaration.text):
        return []
    return [f"the declaration differs from the applied one; {_APPLY}, or restore the file"]


def _key_type(administrator: psycopg.Connection, declaration: AdoptionDeclaration) -> str:
    with administrator.transaction():
        administrator.execute(f"SET LOCAL ROLE {quoted(declaration.context_role)}".encode())
        row = administrator.execute(
            "SELECT facts ->> 'key' FROM zava.declaration ORDER BY number DESC LIMIT 1"
        ).fetchone()
    return str(row[0]) if row else "uuid"


def _probes(
    declaration: AdoptionDeclaration, key: str, signer: ContextSigner
) -> Iterator[_Request]:
    audience = declaration.sealed_audiences[0]
    first, second, _ = seal.CANARY_KEYS[key]
    own = signer.sign(FIRST, _SONG)
    forged = (
        "WITH forged AS MATERIALIZED (SELECT set_config('zava.context', repeat('0', 64)"
        f" || '{second}', true)) {_SONG}, forged"
    )
    yield _Request("the first canary", audience, own, rows=(_row(first, key),))
    other = signer.sign(SECOND, _SONG)
    yield _Request("the second canary", audience, other, rows=(_row(second, key),))
    yield _Request(
        "a forged setting",
        audience,
        signer.sign(FIRST, forged),
        state=sqlstate.CONTEXT_ALTERED,
    )
    refused = sqlstate.CONTEXT_REFUSED
    wrong = replace(own, mac=bytes(len(own.mac)))
    yield _Request("a forged signature", audience, wrong, state=refused)
    yield _Request("a missing signature", audience, replace(own, mac=b""), state=refused)
    changed = replace(own, statement=f"{_SONG} WHERE true")
    yield _Request("a changed statement", audience, changed, state=refused)
    for reader, call in stranger_calls(declaration, signer):
        yield _Request(f"the stranger of {reader.name}", reader, call)


def stranger_calls(
    declaration: AdoptionDeclaration, signer: ContextSigner
) -> Iterator[tuple[DeclaredAudience, SignedCall]]:
    """Yield a call of a principal whose tenant no one has: it finds no row in any table."""
    questions = [
        f"SELECT {_text(rule.name)} AS sees WHERE EXISTS (SELECT FROM {quoted_table(rule.name)}"
        f"{_only_tenants(rule)})"
        for rule in declaration.tables.values()
        if not rule.shared
    ]
    if not questions:
        return
    statement = " UNION ALL ".join(questions)
    for number, audience in enumerate(declaration.sealed_audiences):
        caller = Caller(seal.NIL, seal.stranger(number))
        yield audience, signer.sign(caller, statement)


def _only_tenants(rule: TableRule) -> str:
    return f" WHERE {quoted(rule.tenant or '')} IS NOT NULL" if rule.null_is_shared else ""


def _row(key: str, kind: str) -> str:
    return f'{{"tenant":{key}}}' if kind == "bigint" else f'{{"tenant":"{key}"}}'


def _text(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
