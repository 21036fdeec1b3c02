"""Make, revoke, list and explain the grants in the database.

For an administrator's connection only. A change takes effect at the person's next call, because the
entry of every call reads it. The database logs the old grant, the new one, and who changed it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Literal
from uuid import UUID

import psycopg
from psycopg import sql

from zava.infrastructure.command_line import command
from zava.model.audiences import Audience, Breadth, ReadingRole
from zava.model.core import Caller
from zava.model.domain import Domain

_CONTEXT, _LOADER = "zava_context", "zava_loader"

Kind = Literal["person", "application"]

_PRINCIPALS = """
SELECT tenant_id, object_id, display_name, kind, audience, store_ids, active,
       nullif(valid_from, '-infinity'), nullif(valid_until, 'infinity'),
       EXISTS (SELECT FROM zava.valid_principals AS v
               WHERE v.tenant_id = p.tenant_id AND v.object_id = p.object_id) AS is_valid,
       issuer, subject, reads_personal
FROM zava.principals AS p
WHERE tenant_id <> '00000000-0000-0000-0000-000000000000'  -- the canaries are nobody
ORDER BY display_name, tenant_id, object_id
"""


class GrantRefused(Exception):
    """The grant cannot be made in this form; the message states what to write instead."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A person or application, what was granted, and whether it holds at this moment.

    `issuer` and `subject` name a person of another issuer than Microsoft Entra ID.
    `reads_personal`: names, e-mail and phone of customers are readable, too.
    """

    caller: Caller
    display_name: str
    kind: Kind
    audience: Audience
    stores: tuple[str, ...]
    is_active: bool
    valid_from: datetime | None
    valid_until: datetime | None
    is_valid: bool
    issuer: str | None = None
    subject: str | None = None
    reads_personal: bool = False

    @property
    def role(self) -> ReadingRole:
        """Return the database role in which the principal's statements run."""
        return self.audience.reading_role(reads_personal=self.reads_personal)


def grant(
    connection: psycopg.Connection,
    domain: Domain,
    *,
    caller: Caller,
    display_name: str,
    audience: str,
    stores: Sequence[str],
    kind: Kind = "person",
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    issuer: str | None = None,
    subject: str | None = None,
    reads_personal: bool = False,
    actor: str = "",
) -> Principal:
    """Grant a person or application access, in place of an earlier grant.

    `stores` are names with or without the domain's prefix. Without names an audience of all stores
    gets those of today; there may be no store yet. Granting the same again changes nothing.
    `reads_personal` adds names, e-mail and phone of customers; without it a grant takes them back.

    Raises:
        GrantRefused: an audience or a store is unknown, or they do not fit each other.
    """
    granted_audience = _audience(domain, audience)
    if caller.tenant_id == UUID(int=0):
        raise GrantRefused("--tenant: the nil tenant belongs to no principal")
    if valid_from is not None and valid_until is not None and valid_until <= valid_from:
        raise GrantRefused("--until: expected a moment after --from")
    with _acting(connection, actor):
        known = _stores(connection, domain)
        names = _chosen(stores, known, granted_audience, domain)
        if granted_audience.breadth is Breadth.ONE and len(names) != 1:
            raise GrantRefused(
                f"--store: {granted_audience} see exactly one store, not {len(names)}"
            )
        if not names and granted_audience.breadth is not Breadth.ALL:
            raise GrantRefused(f"--store: name at least one store for {granted_audience}")
        connection.execute("SET LOCAL ROLE zava_context")
        connection.execute(
            """
            INSERT INTO zava.principals AS p (tenant_id, object_id, display_name, kind, audience,
                                              store_ids, active, valid_from, valid_until,
                                              issuer, subject, reads_personal)
            VALUES (%s, %s, %s, %s, %s, %s, true, coalesce(%s, '-infinity'::timestamptz),
                    coalesce(%s, 'infinity'::timestamptz), %s, %s, %s)
            ON CONFLICT (tenant_id, object_id) DO UPDATE SET
              display_name = excluded.display_name, kind = excluded.kind,
              audience = excluded.audience, store_ids = excluded.store_ids, active = true,
              valid_from = excluded.valid_from, valid_until = excluded.valid_until,
              issuer = coalesce(excluded.issuer, p.issuer),
              subject = coalesce(excluded.subject, p.subject),
              reads_personal = excluded.reads_personal
            WHERE (p.display_name, p.kind, p.audience, p.store_ids, p.active, p.valid_from,
                   p.valid_until, p.reads_personal)
              IS DISTINCT FROM (excluded.display_name, excluded.kind, excluded.audience,
                                excluded.store_ids, true, excluded.valid_from,
                                excluded.valid_until, excluded.reads_personal)
            """,
            [
                caller.tenant_id,
                caller.object_id,
                display_name,
                kind,
                granted_audience.name,
                [known[name] for name in names],
                valid_from,
                valid_until,
                issuer,
                subject,
                reads_personal,
            ],
        )
        return _one(_principals(connection, domain), lambda principal: principal.caller == caller)


def revoke(
    connection: psycopg.Connection, domain: Domain, who: str | Caller, *, actor: str = ""
) -> Principal:
    """End a principal's access; the row and its history stay.

    Raises:
        GrantRefused: no principal or several have this name.
    """
    with _acting(connection, actor):
        meant = find(_principals(connection, domain), who)
        connection.execute("SET LOCAL ROLE zava_context")
        connection.execute(
            "UPDATE zava.principals SET active = false WHERE tenant_id = %s AND object_id = %s",
            [meant.caller.tenant_id, meant.caller.object_id],
        )
        return find(_principals(connection, domain), meant.caller)


def list_access(connection: psycopg.Connection, domain: Domain) -> list[Principal]:
    """Return everybody who was ever granted access, by name."""
    with connection.transaction():
        return _principals(connection, domain)


def find(principals: Sequence[Principal], who: str | Caller) -> Principal:
    """Return the principal of a name or of a directory's ids.

    Raises:
        GrantRefused: no principal or several have this name; the hint has the nearest names.
    """
    if isinstance(who, Caller):
        return _one(principals, lambda principal: principal.caller == who)
    return _one(principals, lambda principal: principal.display_name == who, who)


def _one(
    principals: Sequence[Principal], is_meant: Callable[[Principal], bool], name: str = ""
) -> Principal:
    meant = [principal for principal in principals if is_meant(principal)]
    if len(meant) > 1:
        raise GrantRefused(f"--as: {len(meant)} principals are named {name}; give --object, too")
    if not meant:
        nearest = get_close_matches(name, [principal.display_name for principal in principals], n=3)
        offered = f"; perhaps {', '.join(nearest)}" if nearest else ""
        raise GrantRefused(
            f"--as: no principal is named {name or 'by these ids'}{offered};"
            f" see `{command('list-access')}`"
        )
    return meant[0]


@contextmanager
def _acting(connection: psycopg.Connection, actor: str) -> Iterator[None]:
    with connection.transaction():
        connection.execute("SELECT set_config('zava.actor', %s, true)", [actor])
        yield


def _role(name: str) -> str:
    return f"SET LOCAL ROLE {name}"


def _stores(connection: psycopg.Connection, domain: Domain) -> dict[str, UUID]:
    # The loader's policy shows every store, also to an administrator who is no superuser.
    connection.execute(_role(_LOADER))
    rows = connection.execute(
        sql.SQL("SELECT store_name, store_id FROM {}.stores ORDER BY store_name").format(
            sql.Identifier(domain.schema)
        )
    ).fetchall()
    return dict(rows)


def _principals(connection: psycopg.Connection, domain: Domain) -> list[Principal]:
    names = {store_id: name for name, store_id in _stores(connection, domain).items()}
    connection.execute(_role(_CONTEXT))
    return [
        Principal(
            Caller(tenant_id, object_id),
            display_name,
            kind,
            domain.audiences.named(audience),
            tuple(sorted(names.get(store_id, str(store_id)) for store_id in store_ids)),
            active,
            valid_from,
            valid_until,
            is_valid,
            issuer,
            subject,
            reads_personal,
        )
        for (
            tenant_id,
            object_id,
            display_name,
            kind,
            audience,
            store_ids,
            active,
            valid_from,
            valid_until,
            is_valid,
            issuer,
            subject,
            reads_personal,
        ) in connection.execute(_PRINCIPALS)
    ]


def _audience(domain: Domain, name: str) -> Audience:
    try:
        return domain.audiences.named(name)
    except ValueError:
        names = ", ".join(each.name for each in domain.audiences.all)
        raise GrantRefused(f"--audience: expected one of {names}") from None


def _chosen(
    stores: Sequence[str], known: dict[str, UUID], audience: Audience, domain: Domain
) -> list[str]:
    if not stores and audience.breadth is Breadth.ALL:
        return list(known)
    by_short_name = {domain.short_name(name): name for name in known}
    chosen = []
    for store in stores:
        short_name = domain.short_name(store)
        if short_name not in by_short_name:
            nearest = get_close_matches(short_name, by_short_name, n=3) or list(by_short_name)
            offered = ", ".join(by_short_name[name] for name in nearest)
            raise GrantRefused(f"--store: there is no store {store}; perhaps {offered}")
        chosen.append(by_short_name[short_name])
    return list(dict.fromkeys(chosen))
