"""Join the sign-in of a laptop: the core, the local issuer, the people who are granted access.

It is loaded at the first request to sign in, and only where the local issuer may exist.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from uuid import UUID

from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import (
    LOCAL_AUDIENCE,
    LocalIssuer,
    LocalIssuerRefused,
    local_issuer_url,
)
from zava.model.audiences import Permissions
from zava.protocol.auth.permissions import scopes_of
from zava.protocol.http.addresses import MCP_PATH
from zava.protocol.http_responses import HttpResponse
from zava.protocol.sign_in.clients import stays_on_this_machine
from zava.protocol.sign_in.laptop import ListedPeople, RememberedSignIns
from zava.protocol.sign_in.page import Choice
from zava.protocol.sign_in.parts import Person, Rules, SignInRequest
from zava.protocol.sign_in.seal import Seal
from zava.protocol.sign_in.sign_in import Seals, SignIn

KEY_FILE = "sign-in-key"

_LEAST_KEY_BYTES = 32  # as the state directory draws it
_ACCESS_SECONDS = 3600
_CODE_SECONDS = 60
_PAGE_SECONDS = 3600
_REFRESH_SECONDS = 30 * 24 * 3600


class IssuedTokens:
    """Access tokens of the local issuer, of the same shape as `zava token` prints."""

    seconds = _ACCESS_SECONDS

    def __init__(self, issuer: LocalIssuer) -> None:
        self._issuer = issuer

    def issue(self, person: Person, scopes: tuple[str, ...], resource: str) -> str:
        """Return an access token; every resource of a laptop is the same server."""
        del resource
        return self._issuer.token(
            tenant_id=UUID(person.tenant_id),
            object_id=UUID(person.object_id),
            name=person.name,
            ttl_seconds=self.seconds,
            scopes=" ".join(scopes),
        )


class LocalSignIn:
    """The sign-in of a laptop, in the shape that the endpoint calls."""

    def __init__(
        self,
        home: StateDirectory,
        port: int,
        administrator: str,
        clock: Callable[[], float] = time.time,
        *,
        choices: Callable[[str], list[Choice]] | None = None,
        permissions: Permissions | None = None,
    ) -> None:
        """`choices` and `permissions` are another domain's; without them the shipped one's."""
        choices = choices or _choices
        # Refresh tokens outlive a restart by this file; a code ends with the process.
        secret = home.secret(KEY_FILE).encode()
        if len(secret) < _LEAST_KEY_BYTES:
            raise LocalIssuerRefused(f"{KEY_FILE} in ZAVA_HOME is empty or cut; delete it")
        # One home may serve on several ports in turn; a ticket is good at its own issuer alone.
        of_issuer = f"of {local_issuer_url(port)}"
        self._core = SignIn(
            local_rules(port, permissions),
            people=ListedPeople(lambda: asyncio.to_thread(choices, administrator)),
            sign_ins=RememberedSignIns(_REFRESH_SECONDS),
            tokens=IssuedTokens(LocalIssuer(home, port)),
            seals=Seals(
                pages=Seal(secret, purpose=f"page {of_issuer}", seconds=_PAGE_SECONDS, clock=clock),
                codes=Seal(
                    secrets.token_bytes(32),
                    purpose=f"code {of_issuer}",
                    seconds=_CODE_SECONDS,
                    clock=clock,
                ),
                refreshes=Seal(
                    secret, purpose=f"refresh {of_issuer}", seconds=_REFRESH_SECONDS, clock=clock
                ),
            ),
        )

    async def answer(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> HttpResponse:
        """Answer one request."""
        return await self._core.handle(SignInRequest(method, path, query, headers, body))


def local_rules(port: int, permissions: Permissions | None = None) -> Rules:
    """Return what a laptop accepts: the loopback's names, and redirects that stay on it."""
    if permissions is None:
        from zava.retail.access_rules import PERMISSIONS

        permissions = PERMISSIONS
    issuer = local_issuer_url(port)
    own = issuer.removeprefix("http://")
    hosts = [own.replace("127.0.0.1", name) for name in ("127.0.0.1", "localhost", "[::1]")]
    resources = tuple(f"http://{host}{MCP_PATH}" for host in hosts)
    return Rules(
        issuer=issuer,
        hosts=frozenset(hosts),
        resources=resources,
        scopes={
            f"{base}/{name}": name
            for base in (*resources, LOCAL_AUDIENCE)
            for name in scopes_of(permissions)
        },
        allows_redirect=stays_on_this_machine,
    )


def _choices(administrator: str) -> list[Choice]:
    from zava.retail.demo.granted_people import local_people

    return [
        Choice(
            Person(str(each.caller.tenant_id), str(each.caller.object_id), each.name),
            each.audience.name,
            each.stores,
        )
        for each in local_people(administrator)
    ]
