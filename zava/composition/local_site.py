"""What a server on a person's own machine serves: the console in front of the endpoint."""

from typing import TYPE_CHECKING

from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import (
    LocalIssuer,
)
from zava.protocol.http.endpoint import Endpoint
from zava.retail.demo.principals import PRINCIPALS
from zava.settings import Settings

if TYPE_CHECKING:
    from zava.protocol.console.console import Console

_CONSOLE_TOKEN_SECONDS = 3600


def local_site(endpoint: Endpoint, settings: Settings, port: int) -> "Console | Endpoint":
    """Return the handler that a server on a person's own machine serves on loopback.

    The console is in front if the local issuer signs. If a directory signs, no person could sign in
    to the console, and the endpoint is served alone.
    """
    if settings.identity_issuer:
        return endpoint
    # What runs in the cloud never loads it.
    from zava.protocol.console.console import Console, DemoPerson, IssuedToken

    issuer = LocalIssuer(StateDirectory(settings.home), settings.port)
    callers = {principal.name: principal.caller for principal in PRINCIPALS}

    def sign_in(name: str) -> IssuedToken:
        caller = callers[name]
        token = issuer.token(
            tenant_id=caller.tenant_id,
            object_id=caller.object_id,
            name=name,
            ttl_seconds=_CONSOLE_TOKEN_SECONDS,
        )
        return IssuedToken(token, _CONSOLE_TOKEN_SECONDS)

    return Console(
        endpoint,
        port=port,
        people=[DemoPerson(each.name, each.audience.name, each.stores) for each in PRINCIPALS],
        sign_in=sign_in,
    )
