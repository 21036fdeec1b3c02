"""The sign-ins at this server, for an administrator's connection: who, through what, and an end."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import psycopg

# Those that an administrator may still end, the latest use first.
_LIVING = """
SELECT s.sign_in_id, coalesce(p.display_name, s.tenant_id || '/' || s.object_id), s.client_name,
       s.begun_at, s.used_at, s.expires_at
FROM zava.sign_ins AS s LEFT JOIN zava.principals AS p USING (tenant_id, object_id)
WHERE s.ended_at IS NULL AND s.expires_at > statement_timestamp()
ORDER BY s.used_at DESC, s.sign_in_id
"""
_END = """
UPDATE zava.sign_ins SET ended_at = statement_timestamp(), ended_because = 'administrator'
WHERE sign_in_id = %s AND ended_at IS NULL AND expires_at > statement_timestamp()
"""


class SignInUnknown(Exception):
    """No sign-in of this id lives; the message states where ids are listed."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One sign-in that lives; `client` is what the client calls itself."""

    sign_in_id: UUID
    who: str
    client: str
    since: datetime
    last_used: datetime
    until: datetime


def list_sign_ins(connection: psycopg.Connection) -> list[SignedIn]:
    """Return the sign-ins that live, the one that was used last first."""
    with connection.transaction():
        connection.execute("SET LOCAL ROLE zava_context")
        return [SignedIn(*row) for row in connection.execute(_LIVING)]


def end_sign_in(connection: psycopg.Connection, sign_in_id: UUID, *, actor: str = "") -> None:
    """Refuse the next refresh of a sign-in; its last access token lives ten minutes at most.

    Raises:
        SignInUnknown: no sign-in of this id lives.
    """
    with connection.transaction():
        connection.execute("SELECT set_config('zava.actor', %s, true)", [actor])
        connection.execute("SET LOCAL ROLE zava_context")
        if connection.execute(_END, [sign_in_id]).rowcount == 0:
            raise SignInUnknown(f"no sign-in {sign_in_id} lives; see `zava sign-ins`")
