"""What a server on a person's own machine serves: the console in front of the endpoint."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import (
    LocalIssuer,
)
from zava.protocol.http.endpoint import Endpoint
from zava.retail.demo.granted_people import local_people
from zava.retail.demo.principals import DEMO_TENANT_ID
from zava.settings import Settings

if TYPE_CHECKING:
    from zava.protocol.console.console import Console, ConsolePerson, IssuedToken
    from zava.protocol.console.console_calls import ConsoleCalls

_CONSOLE_TOKEN_SECONDS = 3600


def local_site(
    endpoint: Endpoint,
    settings: Settings,
    port: int,
    *,
    make_calls: "Callable[[], ConsoleCalls]",
    administrator: str,
) -> "Console | Endpoint":
    """Return the handler that a server on a person's own machine serves on loopback.

    The console is in front if the local issuer signs. If a directory signs, no person could sign in
    to the console, and the endpoint is served alone. `administrator` is the connection string that
    reads who is granted access.
    """
    if settings.identity_issuer:
        return endpoint
    # What runs in the cloud never loads it.
    from zava.protocol.console.console import (
        Console,
        ConsolePerson,
        IssuedToken,
        loopback_hosts,
    )

    issuer = LocalIssuer(StateDirectory(settings.home), settings.port)

    def sign_in(person: "ConsolePerson") -> "IssuedToken":
        token = issuer.token(
            tenant_id=DEMO_TENANT_ID,
            object_id=UUID(person.id),
            name=person.name,
            ttl_seconds=_CONSOLE_TOKEN_SECONDS,
        )
        return IssuedToken(token, _CONSOLE_TOKEN_SECONDS)

    async def people() -> "Sequence[ConsolePerson]":
        granted = await asyncio.to_thread(local_people, administrator)
        return [
            ConsolePerson(str(each.caller.object_id), each.name, each.audience.name, each.stores)
            for each in granted
        ]

    return Console(
        endpoint,
        hosts=loopback_hosts(port),
        people=people,
        sign_in=sign_in,
        calls=make_calls(),
    )
