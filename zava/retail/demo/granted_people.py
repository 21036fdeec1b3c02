"""The people whom the local issuer may sign in: those of its directory who are granted access."""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg.conninfo import make_conninfo

from zava.infrastructure.postgres.access_grants import list_access
from zava.model.audiences import Audience
from zava.model.core import Caller
from zava.retail.declaration import RETAIL
from zava.retail.demo.principals import DEMO_TENANT_ID, PRINCIPALS

_CONNECT_SECONDS = 5
_STORE_PREFIX = "Zava Retail "
_ORDER = tuple(reversed(RETAIL.audiences.all))


@dataclass(frozen=True, slots=True)
class LocalPerson:
    """A person of the local directory, with the audience and the stores of the grant."""

    caller: Caller
    name: str
    audience: Audience
    stores: tuple[str, ...]


def local_people(administrator: str) -> Sequence[LocalPerson]:
    """Return the people whose grants hold at this moment, the widest audience first, then by name.

    The server's own login reads no grants. With its connection string the list is that of the
    demo's people, whether or not their grants still hold; the database decides at each call.
    """
    try:
        people = _granted(administrator)
    except psycopg.Error:
        people = [
            LocalPerson(each.caller, each.name, each.audience, _short(each.stores))
            for each in PRINCIPALS
        ]
    return sorted(people, key=lambda person: (_ORDER.index(person.audience), person.name))


def _granted(administrator: str) -> list[LocalPerson]:
    conninfo = make_conninfo(administrator, connect_timeout=_CONNECT_SECONDS)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        listed = list_access(connection, RETAIL)
    return [
        LocalPerson(each.caller, each.display_name, each.audience, _short(each.stores))
        for each in listed
        if each.is_valid and each.kind == "person" and each.caller.tenant_id == DEMO_TENANT_ID
    ]


def _short(stores: Sequence[str]) -> tuple[str, ...]:
    return tuple(store.removeprefix(_STORE_PREFIX) for store in stores)
