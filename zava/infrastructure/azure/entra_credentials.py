"""Microsoft Entra ID instead of passwords: one credential a process, and tokens for PostgreSQL.

A token is the password of a connection. The server checks it only when a connection is made. So one
token serves every connection until shortly before it expires, and no call waits for a token that is
held already.
"""

import asyncio
import logging
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from zava.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

logger = logging.getLogger(__name__)

T = TypeVar("T")

DATABASE_SCOPE = "https://ossrdbms-aad.database.windows.net/.default"
_EXCHANGE_SCOPE = "api://AzureADTokenExchange/.default"
_RENEW_BEFORE_SECONDS = 300
# Under the pool's own patience, so that a silent identity endpoint shows as a failed attempt.
_FETCH_TIMEOUT_SECONDS = 8.0
_RENEWAL_TIMEOUT_SECONDS = 1.0  # while the token that is held still does


class NoToken(Exception):
    """Microsoft Entra ID gave no token; the cause goes to the log, not into the message."""

    def __init__(self, cause: BaseException, purpose: str) -> None:
        super().__init__(
            f"Microsoft Entra ID gave no token for {purpose} ({type(cause).__name__}); "
            "on a workstation sign in with `azd auth login` or `az login`, on Azure look whether "
            "AZURE_CLIENT_ID names an identity of this app"
        )


def azure_credential(settings: Settings) -> "TokenCredential":
    """Return the credential that everything of this process shares.

    The managed identity on Azure's machines, the developer's own sign-in on a workstation.
    """
    tenant_id = str(settings.tenant_id or "")
    return _credential(settings.client_id, tenant_id, is_on_azure=settings.is_on_azure)


@cache
def _credential(client_id: str | None, tenant_id: str, *, is_on_azure: bool) -> "TokenCredential":
    # At first use: 0.2 s of imports that a process with a password never needs.
    from azure.identity import (
        AzureCliCredential,
        AzureDeveloperCliCredential,
        ChainedTokenCredential,
        ManagedIdentityCredential,
    )

    # At its own level azure.core logs each request that it makes.
    logging.getLogger("azure").setLevel(logging.WARNING)
    if is_on_azure:
        # Its own repetitions go on for minutes; who needs the token comes back by itself.
        return ManagedIdentityCredential(client_id=client_id, retry_total=2, retry_backoff_max=1)
    return ChainedTokenCredential(
        AzureDeveloperCliCredential(tenant_id=tenant_id), AzureCliCredential(tenant_id=tenant_id)
    )


def authenticated(conninfo: str) -> str:
    """Have libpq check who the server is before it sends a token, which anybody could use.

    `sslrootcert=system` would do where libpq comes with the system. The one inside psycopg's
    wheel looks into a directory of its own that no machine has, so the file is named.
    """
    roots = conninfo_to_dict(conninfo).get("sslrootcert") or _trusted_roots()
    return make_conninfo(conninfo, sslmode="verify-full", sslrootcert=roots)


def _trusted_roots() -> str:
    import certifi

    # SSL_CERT_FILE, else the system's file; a system that only has a directory is no use to libpq.
    return ssl.get_default_verify_paths().cafile or certifi.where()


class EntraTokens:
    """Tokens of one scope: the one held, renewed before it expires, one request at a time.

    `purpose` names in errors what a token is for.
    """

    def __init__(
        self,
        credential: Callable[[], "TokenCredential"],
        scope: str,
        purpose: str,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._credential = credential
        self._scope = scope
        self._purpose = purpose
        self._clock = clock
        self._held: AccessToken | None = None
        self._renewing = asyncio.Lock()
        self._fetching: Future[AccessToken] | None = None

    async def token(self) -> str:
        """Return the token that is held, or a new one.

        Raises:
            NoToken: none is held and none could be had.
        """
        async with self._renewing:
            return await self._token()

    async def _token(self) -> str:
        held, now = self._held, self._clock()
        if held is not None and now < held.expires_on - _RENEW_BEFORE_SECONDS:
            return held.token
        is_needed = held is None or now >= held.expires_on
        try:
            self._held = await self._fetched(
                _FETCH_TIMEOUT_SECONDS if is_needed else _RENEWAL_TIMEOUT_SECONDS
            )
        except NoToken as error:
            if held is None or is_needed:
                raise
            logger.warning("the token for %s is not renewed yet: %s", self._purpose, error)
            return held.token
        return self._held.token

    async def _fetched(self, patience_seconds: float) -> "AccessToken":
        # A question that is still out is waited for again, not asked again beside it.
        if self._fetching is None or self._fetching.done():
            self._fetching = _on_a_thread(self._fetch)
        answer = asyncio.wrap_future(self._fetching)
        # Also where the caller leaves before it comes.
        answer.add_done_callback(lambda late: late.cancelled() or late.exception())
        await asyncio.wait({answer}, timeout=patience_seconds)
        if not answer.done():
            raise NoToken(TimeoutError(), self._purpose)
        return answer.result()

    def _fetch(self) -> "AccessToken":
        try:
            return self._credential().get_token(self._scope)
        except Exception as error:  # each credential has its own; the caller knows one
            raise NoToken(error, self._purpose) from error


class DatabaseTokens(EntraTokens):
    """Passwords for new connections."""

    def __init__(
        self,
        credential: Callable[[], "TokenCredential"],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(credential, DATABASE_SCOPE, "the database", clock=clock)

    async def arguments(self) -> dict[str, Any]:
        """Return a new connection's password, and the callback for a refusal by the server.

        Raises:
            NoToken: none is held and none could be had.
        """
        token = await self.token()
        return {"password": token, "refused": partial(self._forget, token)}

    def password(self) -> str:
        """Return a token for one connection of the command line.

        Raises:
            NoToken: none could be had.
        """
        return self._fetch().token

    def _forget(self, token: str) -> None:
        """Drop a token that the server does not accept, though its time is not over."""
        if self._held is not None and self._held.token == token:
            self._held = None


def _on_a_thread(work: Callable[[], T]) -> "Future[T]":
    """Run a function that waits for HTTP or a child process, on a thread of its own.

    The credentials of azure.identity repeat a failing request for minutes. A thread of its own
    delays no other work, and as a daemon it keeps no process alive.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except NoToken as error:
            future.set_exception(error)

    future.set_running_or_notify_cancel()  # from here on nobody who leaves takes it along
    threading.Thread(target=run, name="entra", daemon=True).start()
    return future


def exchange_tokens(settings: Settings) -> EntraTokens:
    """Return the source of the tokens with which the app's registration proves itself."""
    return EntraTokens(lambda: azure_credential(settings), _EXCHANGE_SCOPE, "the sign-in")


def database_tokens(settings: Settings) -> DatabaseTokens | None:
    """Return the source of tokens if the database uses Entra, None if it uses a password."""
    if settings.database_auth == "password":
        return None
    return DatabaseTokens(lambda: azure_credential(settings))
