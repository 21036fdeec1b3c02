"""Makes, revokes and lists the grants of an adopted database, for an administrator.

Tenants are named by their labels. A change takes effect at the person's next call.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.conninfo import make_conninfo

from zava.adoption import seal_templates as seal
from zava.adoption.declared_values import (
    AdoptionDeclaration,
    AudienceScope,
    DeclaredAudience,
    literal,
    quoted,
    quoted_table,
)
from zava.infrastructure.postgres.access_grants import GrantRefused
from zava.model.core import Caller
from zava.protocol.sign_in.page import Choice
from zava.protocol.sign_in.parts import Person

LOCAL_DIRECTORY = UUID("6d1f0c8e-1f0a-4b7e-9a51-5f2d8c3b7a40")
"""The directory of people who were granted without the ids of another one."""

_CONNECT_SECONDS = 5
_LISTED = """
SELECT p.tenant_id, p.object_id, p.display_name, a.name, p.tenants::text[], p.active,
       EXISTS (SELECT FROM zava.valid_principals AS v
               WHERE v.tenant_id = p.tenant_id AND v.object_id = p.object_id)
FROM zava.principals AS p JOIN zava.audiences AS a ON a.role = p.audience
WHERE p.tenant_id <> %s
ORDER BY p.display_name, p.tenant_id, p.object_id
"""


@dataclass(frozen=True, slots=True)
class AdoptedPrincipal:
    """A person or application, the audience, and the labels of the granted tenants."""

    caller: Caller
    name: str
    audience: str
    tenants: tuple[str, ...]
    is_active: bool
    is_valid: bool


@dataclass(frozen=True, slots=True)
class GrantedTime:
    """From when until when a grant holds; None where nothing bounds it."""

    since: datetime | None = None
    until: datetime | None = None


def grant_adopted(
    connection: psycopg.Connection,
    declaration: AdoptionDeclaration,
    *,
    caller: Caller | None,
    name: str,
    audience: str,
    tenants: Sequence[str],
    is_application: bool = False,
    time: GrantedTime = GrantedTime(),  # a frozen value
) -> AdoptedPrincipal:
    """Grant access in place of an earlier grant, and return it.

    Without a caller the name means a person of before, or a new one of this machine.

    Raises:
        GrantRefused: an audience, a tenant or a time does not exist or does not fit the others.
    """
    declared = _audience(declaration, audience)
    if time.since and time.until and time.until <= time.since:
        raise GrantRefused("--until: expected a moment after --from")
    if caller is not None and caller.tenant_id == seal.NIL:
        raise GrantRefused("--tenant: the nil tenant belongs to no principal")
    keys = _chosen(connection, declaration, declared, tenants)
    known = _find(list_adopted(connection, declaration), name) if caller is None else None
    person = caller or (known and known.caller) or Caller(LOCAL_DIRECTORY, uuid4())
    with _as_owner(connection, declaration):
        connection.execute(
            """
            INSERT INTO zava.principals (tenant_id, object_id, display_name, kind, audience,
                                         tenants, active, valid_from, valid_until)
            VALUES (%(directory)s, %(person)s, %(name)s, %(kind)s, %(role)s, %(keys)s, true,
                    coalesce(%(since)s, '-infinity'::timestamptz),
                    coalesce(%(until)s, 'infinity'::timestamptz))
            ON CONFLICT (tenant_id, object_id) DO UPDATE SET
              display_name = excluded.display_name, kind = excluded.kind,
              audience = excluded.audience, tenants = excluded.tenants, active = true,
              valid_from = excluded.valid_from, valid_until = excluded.valid_until
            """,
            {
                "directory": person.tenant_id,
                "person": person.object_id,
                "name": name,
                "kind": "application" if is_application else "person",
                "role": declared.role,
                "keys": keys,
                "since": time.since,
                "until": time.until,
            },
        )
    return next(each for each in list_adopted(connection, declaration) if each.caller == person)


def revoke_adopted(
    connection: psycopg.Connection, declaration: AdoptionDeclaration, who: str | Caller
) -> AdoptedPrincipal:
    """End a principal's access; the row stays.

    Raises:
        GrantRefused: there is no such principal, or several have the name.
    """
    listed = list_adopted(connection, declaration)
    found = (
        _find(listed, who)
        if isinstance(who, str)
        else next((each for each in listed if each.caller == who), None)
    )
    if found is None:
        raise GrantRefused(f"--as: {who} was never granted access")
    with _as_owner(connection, declaration):
        connection.execute(
            "UPDATE zava.principals SET active = false WHERE tenant_id = %s AND object_id = %s",
            [found.caller.tenant_id, found.caller.object_id],
        )
    return next(
        each for each in list_adopted(connection, declaration) if each.caller == found.caller
    )


def list_adopted(
    connection: psycopg.Connection, declaration: AdoptionDeclaration
) -> list[AdoptedPrincipal]:
    """Return every principal that was ever granted access."""
    labels = {key: label for label, key in _labels(connection, declaration)}
    with _as_owner(connection, declaration):
        rows = connection.execute(_LISTED, [seal.NIL]).fetchall()
    return [
        AdoptedPrincipal(
            Caller(directory, person),
            name,
            audience,
            tuple(labels.get(key, key) for key in keys),
            is_active,
            is_valid,
        )
        for directory, person, name, audience, keys, is_active, is_valid in rows
    ]


def find_adopted(
    connection: psycopg.Connection, declaration: AdoptionDeclaration, name: str
) -> AdoptedPrincipal:
    """Return the principal of a name.

    Raises:
        GrantRefused: no principal has it, or several have.
    """
    listed = list_adopted(connection, declaration)
    found = _find(listed, name)
    if found is None:
        nearest = get_close_matches(name, [each.name for each in listed], n=3)
        perhaps = f"; perhaps {', '.join(nearest)}" if nearest else ""
        raise GrantRefused(f"--as: {name} was never granted access{perhaps}")
    return found


def local_choices(administrator: str, declaration: AdoptionDeclaration) -> list[Choice]:
    """Return the people of this machine whose grants hold, for the page of the sign-in."""
    conninfo = make_conninfo(administrator, connect_timeout=_CONNECT_SECONDS)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        listed = list_adopted(connection, declaration)
    return [
        Choice(
            Person(str(each.caller.tenant_id), str(each.caller.object_id), each.name),
            each.audience,
            each.tenants,
        )
        for each in listed
        if each.is_valid and each.caller.tenant_id == LOCAL_DIRECTORY
    ]


def _audience(declaration: AdoptionDeclaration, name: str) -> DeclaredAudience:
    for each in declaration.audiences:
        if each.name == name:
            return each
    names = ", ".join(each.name for each in declaration.audiences)
    raise GrantRefused(f"--audience: there is no audience {name}; expected one of {names}")


def _chosen(
    connection: psycopg.Connection,
    declaration: AdoptionDeclaration,
    audience: DeclaredAudience,
    tenants: Sequence[str],
) -> list[Any]:
    """Return the keys of the named tenants, in the type of the database.

    Raises:
        GrantRefused: a label is unknown or several tenants have it, or the audience takes others.
    """
    words = declaration.tenant
    if audience.scope is AudienceScope.ALL:
        if tenants:
            raise GrantRefused(f"--of: {audience.name} sees all {words.words}; name none")
        return []
    if audience.scope is AudienceScope.ONE and len(tenants) != 1:
        raise GrantRefused(
            f"--of: {audience.name} sees exactly one {words.word}, not {len(tenants)}"
        )
    if not tenants:
        raise GrantRefused(f"--of: name at least one {words.word} for {audience.name}")
    known = _labels(connection, declaration)
    chosen = []
    for wanted in dict.fromkeys(tenants):
        attribute, _, value = wanted.partition("=")
        by_key = f"{words.key}="
        keys = [key for label, key in known if wanted in (label, key, f"{by_key}{key}")]
        if not keys and attribute in words.attributes:
            chosen += _with_attribute(connection, declaration, attribute, value)
            continue
        if not keys:
            nearest = get_close_matches(wanted, [label for label, _ in known], n=3)
            perhaps = f"; perhaps {', '.join(nearest)}" if nearest else ""
            raise GrantRefused(f"--of: there is no {words.word} {wanted}{perhaps}")
        if len(keys) > 1:
            raise GrantRefused(
                f"--of: {len(keys)} {words.words} have the {words.label} {wanted};"
                f" name one by its key: --of {by_key}…"
            )
        chosen += keys
    if not chosen:
        raise GrantRefused(f"--of: no {words.word} has {', '.join(tenants)}")
    return list(dict.fromkeys(chosen))


def _with_attribute(
    connection: psycopg.Connection, declaration: AdoptionDeclaration, attribute: str, value: str
) -> list[str]:
    """Return the keys of the tenants that have a value of an attribute at this moment."""
    condition = f"{quoted(attribute)}::text = {literal(value)}"
    return [key for _, key in _labels(connection, declaration, f"WHERE {condition}")]


def _labels(
    connection: psycopg.Connection, declaration: AdoptionDeclaration, condition: str = ""
) -> list[tuple[str, str]]:
    """Return label and key of each tenant, read as the owner of their table."""
    tenant = declaration.tenant
    with connection.transaction():
        # By name: ::regclass needs USAGE on the schema, which an administrator may lack.
        owner = connection.execute(
            "SELECT pg_get_userbyid(c.relowner)::text FROM pg_class AS c"
            " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE (n.nspname, c.relname) = (%s, %s)",
            tenant.table.split(".", 1),
        ).fetchone()
        connection.execute(f"SET LOCAL ROLE {quoted(owner[0] if owner else '')}".encode())
        statement = (
            f"SELECT coalesce({quoted(tenant.label)}::text, ''), {quoted(tenant.key)}::text"
            f" FROM {quoted_table(tenant.table)} {condition} ORDER BY 1"  # names of the declaration
        )
        return connection.execute(statement.encode()).fetchall()


@contextmanager
def _as_owner(connection: psycopg.Connection, declaration: AdoptionDeclaration) -> Iterator[None]:
    with connection.transaction():
        connection.execute(f"SET LOCAL ROLE {quoted(declaration.context_role)}".encode())
        yield


def _find(listed: Sequence[AdoptedPrincipal], name: str) -> AdoptedPrincipal | None:
    """Return the principal of a name; several of one name need their ids."""
    found = [each for each in listed if each.name == name]
    if len(found) > 1:
        raise GrantRefused(f"--as: {len(found)} principals are called {name}; give their ids")
    return found[0] if found else None


def described(principal: AdoptedPrincipal) -> str:
    """Return a principal on one line."""
    state = "valid" if principal.is_valid else ("not now" if principal.is_active else "revoked")
    tenants = ", ".join(principal.tenants) or "all"
    return f"{principal.name}: {principal.audience}, {state}; {tenants}"
