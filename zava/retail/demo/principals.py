"""The people of the demo: who they are in the local directory and which stores are theirs."""

from dataclasses import dataclass
from uuid import UUID, uuid5

import psycopg

from zava.model.audiences import Audience
from zava.model.core import Caller
from zava.retail.access_rules import HEAD_OFFICE, REGIONAL_MANAGERS, STORE_MANAGERS
from zava.retail.demo.stores import STORES, store_id

DEMO_TENANT_ID = UUID("5a7a0000-0000-4000-8000-00000000de30")
"""The local issuer's directory; no real one has this id."""


@dataclass(frozen=True, slots=True)
class DemoPrincipal:
    """A person of the demo, under the name that `--as` takes."""

    name: str
    audience: Audience
    stores: tuple[str, ...]

    @property
    def caller(self) -> Caller:
        """Return the person as a verified token would name them."""
        return Caller(DEMO_TENANT_ID, uuid5(DEMO_TENANT_ID, self.name))


PRINCIPALS = (
    *(DemoPrincipal(store.short_name.lower(), STORE_MANAGERS, (store.name,)) for store in STORES),
    DemoPrincipal("eastside", REGIONAL_MANAGERS, ("Bellevue", "Redmond", "Kirkland")),
    DemoPrincipal("head-office", HEAD_OFFICE, tuple(store.name for store in STORES)),
)


def demo_callers() -> dict[str, Caller]:
    """Return the demo's people by name."""
    return {principal.name: principal.caller for principal in PRINCIPALS}


def grant_demo_principals(connection: psycopg.Connection) -> None:
    """Grant the demo's people their stores; a grant that was changed by hand stays as it is.

    The demo's customers are invented, so its people read their names.

    `connection` is an administrator's.
    """
    with connection.transaction():
        connection.execute("SET LOCAL ROLE zava_context")
        for principal in PRINCIPALS:
            connection.execute(
                """
                INSERT INTO zava.principals
                  (tenant_id, object_id, display_name, audience, store_ids, reads_personal)
                VALUES (%s, %s, %s, %s, %s, true)
                ON CONFLICT (tenant_id, object_id) DO NOTHING
                """,
                [
                    principal.caller.tenant_id,
                    principal.caller.object_id,
                    principal.name,
                    principal.audience.name,
                    [store_id(name) for name in principal.stores],
                ],
            )
