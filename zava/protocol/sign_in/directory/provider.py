"""The OpenID provider that proves who people are: its documents and its token endpoint.

Only an ID token is taken from it. The rest of its answer is dropped unread.
"""

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from zava.infrastructure.azure.entra_credentials import NoToken
from zava.protocol.auth.jwks import RemoteKeys
from zava.protocol.auth.remote_documents import is_safe, read_document
from zava.protocol.sign_in.directory.redemption_limit import MAX_AT_ONCE, RedemptionLimit

_MAX_AGE_SECONDS = 3600.0
_REST_SECONDS = 10.0  # after a failure
_SECONDS = 8.0  # clients give a sign-in at most ten
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class ProviderFailed(Exception):
    """The provider did not answer as OpenID Connect defines, or refused the request."""


class Proof(NamedTuple):
    """What proves to the provider that a request is this server's: form fields and headers."""

    fields: Mapping[str, str]
    headers: Mapping[str, str]


class Documents(NamedTuple):
    """What the provider publishes about itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    keys: RemoteKeys
    secret_methods: tuple[str, ...]
    lets_select: bool
    """Whether it supports a choice between the accounts of a browser."""
    names_issuer: bool = False
    """Whether each of its answers states its issuer (RFC 9207)."""


class Provider:
    """Sends people to the provider and redeems what they come back with.

    `issuer` may contain `{tid}`, where a directory signs for each of its tenants. `lets_select`
    states that the provider supports a choice of the account, which its documents may not name.
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        *,
        redirect: str,
        prove: Callable[[Documents], Awaitable[Proof]],
        lets_select: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self._redirect = redirect
        self._prove = prove
        self._lets_select = lets_select
        self._clock = clock
        self._documents: Documents | None = None
        self._read_at = self._failed_at = float("-inf")
        self._failure = ""
        self._reading: asyncio.Task[None] | None = None
        # Threads of its own: anyone can begin a sign-in, and a slow provider would hold those on
        # which the process does its other work. One more reads the documents.
        self._threads = ThreadPoolExecutor(MAX_AT_ONCE + 1, thread_name_prefix="sign-in")
        self._limit = RedemptionLimit()

    async def sign_in_address(self, *, state: str, nonce: str, challenge: str) -> str:
        """Return where the browser goes to sign in.

        Raises:
            ProviderFailed: the provider's documents cannot be read.
        """
        documents = await self.documents()
        # No scope of an API and no resource: the token for those is this server's own.
        sent = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": self._redirect,
            "scope": "openid profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if documents.lets_select:
            # A provider may refuse a prompt that it does not support.
            sent["prompt"] = "select_account"
        separator = "&" if urlsplit(documents.authorization_endpoint).query else "?"
        return f"{documents.authorization_endpoint}{separator}{urlencode(sent)}"

    async def redeem(self, code: str, verifier: str, network: str) -> str:
        """Return the ID token for a code that came from a network.

        A redemption holds its place until its thread ends, also after its requester has left.

        Raises:
            TooManySignIns: the network has as many redemptions under way as it may.
            ProviderFailed: the provider refuses the code, or does not answer.
        """
        documents = await self.documents()
        self._limit.enter(network)
        sending: Future[bytes] | None = None
        try:
            # The proof, too, and the whole answer: a provider may send it byte by byte.
            async with asyncio.timeout(_SECONDS):
                proof = await self._prove(documents)
                sending = self._threads.submit(self._send, documents, code, verifier, proof)
                body = await asyncio.wrap_future(sending)
        except NoToken as error:
            raise ProviderFailed(str(error)) from error
        except TimeoutError as error:
            raise ProviderFailed("its token endpoint: no answer in time") from error
        finally:
            if sending is None:
                self._limit.leave(network)
            else:
                sending.add_done_callback(lambda _: self._limit.leave(network))
        token = _object(body).get("id_token")
        if not isinstance(token, str):
            raise ProviderFailed("no ID token came")
        return token

    async def documents(self) -> Documents:
        """Return the provider's documents, read again after an hour.

        Raises:
            ProviderFailed: they cannot be read, or are another issuer's.
        """
        now = self._clock()
        is_old = self._documents is None or now - self._read_at >= _MAX_AGE_SECONDS
        if is_old and now - self._failed_at >= _REST_SECONDS:
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(self._renew())
            # It goes on though the browser leaves: the next one begins no second reading.
            await asyncio.shield(self._reading)
        if self._documents is None:
            raise ProviderFailed(self._failure)
        return self._documents

    async def _renew(self) -> None:
        """Read the documents anew; known ones are used on while the provider does not answer."""
        try:
            self._documents = await self._read(self._documents)
            self._read_at = self._clock()
        except ProviderFailed as failure:
            self._failed_at = self._clock()
            self._failure = str(failure)

    async def _read(self, known: Documents | None) -> Documents:
        base = self.issuer.replace("{tid}", "organizations").rstrip("/")
        try:
            async with asyncio.timeout(_SECONDS):
                body = await asyncio.wrap_future(
                    self._threads.submit(read_document, f"{base}/.well-known/openid-configuration")
                )
        except (OSError, ValueError) as error:
            raise ProviderFailed(f"its metadata: {type(error).__name__}") from error
        metadata = _object(body)
        if metadata.get("issuer") != self.issuer.replace("{tid}", "{tenantid}"):
            raise ProviderFailed("its metadata name another issuer")
        addresses = [
            metadata.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
        ]
        if not all(isinstance(each, str) and is_safe(each) for each in addresses):
            raise ProviderFailed("its metadata lack an https address")
        authorization, token, keys = map(str, addresses)
        methods = metadata.get("token_endpoint_auth_methods_supported")
        prompts = metadata.get("prompt_values_supported")
        return Documents(
            self.issuer,
            authorization,
            token,
            # The same object while the address is: it remembers the keys.
            known.keys if known and known.keys.url == keys else RemoteKeys(keys),
            tuple(map(str, methods)) if isinstance(methods, list) else ("client_secret_basic",),
            self._lets_select or (isinstance(prompts, list) and "select_account" in prompts),
            metadata.get("authorization_response_iss_parameter_supported") is True,
        )

    def _send(self, documents: Documents, code: str, verifier: str, proof: Proof) -> bytes:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect,
            "client_id": self.client_id,
            "code_verifier": verifier,
            **proof.fields,
        }
        try:
            return read_document(
                documents.token_endpoint, urlencode(form).encode(), headers=proof.headers
            )
        except (OSError, ValueError) as error:
            # By its kind alone: the provider's words may name people.
            raise ProviderFailed(f"its token endpoint: {type(error).__name__}") from error


def by_assertion(
    assertion: Callable[[], Awaitable[str]],
) -> Callable[[Documents], Awaitable[Proof]]:
    """Prove each request with a token of an identity that the registration trusts (RFC 7523)."""

    async def prove(_: Documents) -> Proof:
        fields = {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": await assertion()}
        return Proof(fields, {})

    return prove


def by_secret(client_id: str, secret: str) -> Callable[[Documents], Awaitable[Proof]]:
    """Prove each request with a client secret, in the way that the provider supports."""

    async def prove(documents: Documents) -> Proof:
        if "client_secret_basic" in documents.secret_methods:
            pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
            return Proof({}, {"authorization": f"Basic {b64encode(pair.encode()).decode()}"})
        return Proof({"client_secret": secret}, {})

    return prove


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise ProviderFailed("it answers no JSON object")
    return content
