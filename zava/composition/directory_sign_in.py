"""Join the sign-in of a deployment: the core, a directory, the database, the context keys.

It is loaded at the first request to sign in, and only where ZAVA_SIGN_IN is set.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from zava.data.redeemed_codes import SignInLedger
from zava.data.session.signed_context import ContextSigner
from zava.infrastructure.azure.entra_credentials import exchange_tokens
from zava.infrastructure.postgres.pool import DatabasePool
from zava.protocol.auth.permissions import scopes_of
from zava.protocol.auth.tokens import TrustedIssuer
from zava.protocol.http.addresses import CONSOLE_REDIRECT
from zava.protocol.http_responses import HttpResponse
from zava.protocol.sign_in.directory.access_tokens import OwnTokens
from zava.protocol.sign_in.directory.id_tokens import IdTokens
from zava.protocol.sign_in.directory.people import CALLBACK_PATH, STATE_SECONDS, DirectoryPeople
from zava.protocol.sign_in.directory.provider import Provider, by_assertion, by_secret
from zava.protocol.sign_in.directory.redirects import redirect_policy
from zava.protocol.sign_in.parts import Person, Rules, SignInRequest
from zava.protocol.sign_in.seal import Seal
from zava.protocol.sign_in.sign_in import Seals, SignIn
from zava.retail.access_rules import PERMISSIONS
from zava.settings import Settings

_CODE_SECONDS = 60
_SIGN_IN_SECONDS = 12 * 3600  # then the directory decides again who may sign in


class RecordedSignIns:
    """Used codes and refresh tokens, remembered in the database for all instances."""

    def __init__(self, pool: DatabasePool) -> None:
        self._ledger = SignInLedger(pool, seconds=_SIGN_IN_SECONDS)

    async def begin(self, sign_in: str, following: str, person: Person, client_name: str) -> bool:
        """Redeem a code, once; end the sign-in where it was redeemed before.

        Raises:
            Busy: the database does not answer.
        """
        return await self._ledger.begin(
            UUID(sign_in), following, UUID(person.tenant_id), UUID(person.object_id), client_name
        )

    async def turn(self, sign_in: str, given: str, following: str) -> bool:
        """Use a refresh token; end the sign-in where it is not the next one.

        Raises:
            Busy: the database does not answer.
        """
        return await self._ledger.turn(UUID(sign_in), given, following)


class DirectorySignIn:
    """The sign-in of a deployment, as the endpoint calls it."""

    def __init__(
        self,
        settings: Settings,
        own: TrustedIssuer,
        *,
        pool: DatabasePool,
        signer: ContextSigner,
        access_keys: Mapping[str, bytes],
        clock: Callable[[], float] = time.time,
    ) -> None:
        issuer, client_id = settings.sign_in_issuer, settings.sign_in_client_id or ""
        tickets = tuple(signer.derived_keys("sign-in tickets").values())

        def seal(purpose: str, seconds: int) -> Seal:
            # Deployments over one database share its keys. A ticket is good at its own issuer.
            of_issuer = f"{purpose} of {issuer}"
            return Seal(*tickets, purpose=of_issuer, seconds=seconds, clock=clock)

        secret = settings.sign_in_client_secret
        is_entra = settings.has_people_of_entra
        pages = seal("page", STATE_SECONDS)
        self._people = DirectoryPeople(
            Provider(
                settings.people_issuer,
                client_id,
                redirect=f"{issuer}{CALLBACK_PATH}",
                prove=by_secret(client_id, secret)
                if secret
                else by_assertion(exchange_tokens(settings).token),
                lets_select=is_entra,
            ),
            IdTokens(
                settings.people_issuer,
                client_id,
                tenants=frozenset(settings.allowed_tenants) if is_entra else None,
                subject_claim=settings.sign_in_subject_claim,
                clock=clock,
            ),
            issuer=issuer,
            states=seal("state", STATE_SECONDS),
            pages=pages,
        )
        key_id, key = next(iter(access_keys.items()))
        self._core = SignIn(
            deployment_rules(settings, own.audiences),
            people=self._people,
            sign_ins=RecordedSignIns(pool),
            tokens=OwnTokens(issuer, client_id, key_id=key_id, key=key, clock=clock),
            seals=Seals(
                pages=pages,
                codes=seal("code", _CODE_SECONDS),
                refreshes=seal("refresh", _SIGN_IN_SECONDS),
            ),
        )

    async def answer(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> HttpResponse:
        """Answer one request."""
        request = SignInRequest(method, path, query, headers, body)
        if path == CALLBACK_PATH:
            return await self._people.callback(request)
        return await self._core.handle(request)


def deployment_rules(settings: Settings, resources: Sequence[str]) -> Rules:
    """Return what a deployment accepts; each of its hosts is the same server."""
    named = (settings.scope_identifier,) if settings.scope_identifier else ()
    console = (f"{settings.sign_in_issuer}{CONSOLE_REDIRECT}",) if settings.console else ()
    hosts = [resource.partition("://")[2].partition("/")[0] for resource in resources]
    return Rules(
        issuer=settings.sign_in_issuer,
        hosts=frozenset(hosts),
        resources=tuple(resources),
        scopes={
            f"{identifier}/{name}": name
            for identifier in (*resources, *named)
            for name in scopes_of(PERMISSIONS)
        },
        allows_redirect=redirect_policy((*settings.sign_in_redirects, *console)),
    )
