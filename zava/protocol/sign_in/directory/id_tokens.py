"""Reads a provider's ID token: who signed in, as this server's tokens name them."""

import time
from collections.abc import Callable, Mapping
from hmac import compare_digest
from typing import Any
from uuid import UUID

from zava.model.core import caller_of_subject
from zava.protocol.auth.jwks import RemoteKeys, SigningKey
from zava.protocol.auth.tokens import as_uuid, is_moment
from zava.protocol.sign_in.clients import one_line
from zava.protocol.sign_in.directory.provider import ProviderFailed
from zava.protocol.sign_in.parts import Person, SignInRefused

_ALGORITHM = "RS256"
_LEEWAY_SECONDS = 60
_MAX_SUBJECT_CHARACTERS = 255


class IdTokens:
    """Verifies ID tokens of one issuer for one client.

    `tenants` are those of Microsoft Entra ID whose people may sign in. It is None for another
    provider, whose issuer and claim `subject_claim` name a person.
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        *,
        tenants: frozenset[UUID] | None,
        subject_claim: str = "sub",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._tenants = tenants
        self._subject_claim = subject_claim
        self._clock = clock

    async def person(self, token: str, *, nonce: str, keys: RemoteKeys) -> Person:
        """Return whom a token proves.

        Raises:
            ProviderFailed: the token does not hold.
            SignInRefused: it holds, and the person may not sign in here.
            Busy: the provider's keys are being fetched, and as many wait as may.
        """
        claims, key = await self._verified(token, keys)
        self._check(claims, nonce)
        shown = claims.get("name") or claims.get("preferred_username") or claims.get("email")
        name = one_line(shown if isinstance(shown, str) else "")
        if self._tenants is None:
            return self._of_subject(claims, name)
        tenant_id, object_id = _uuid(claims, "tid"), _uuid(claims, "oid")
        if claims["iss"] != self._issuer.replace("{tid}", str(tenant_id)):
            raise ProviderFailed("the ID token is another issuer's")
        if not key.signs_for(claims["iss"], tenant_id):
            raise ProviderFailed("the ID token's key belongs to another issuer")
        if tenant_id not in self._tenants:
            raise SignInRefused("People of this directory may not sign in here.")
        return Person(str(tenant_id), str(object_id), name)

    async def _verified(self, token: str, keys: RemoteKeys) -> tuple[dict[str, Any], SigningKey]:
        import jwt

        try:
            header = jwt.get_unverified_header(token)
            key_id = header.get("kid")
            if header.get("alg") != _ALGORITHM or not isinstance(key_id, str):
                raise ProviderFailed(
                    f"the ID token is not signed with {_ALGORITHM} and a named key"
                )
            key = await keys.key(key_id)
            if key is None:
                raise ProviderFailed("the ID token is signed with a key that is not published")
            claims: dict[str, Any] = jwt.decode(
                token,
                key.public_key,
                algorithms=[_ALGORITHM],
                audience=self._client_id,
                # Time is checked below, against the injected clock.
                options={
                    "require": ["exp", "iat", "iss", "aud", "sub"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise ProviderFailed(f"the ID token: {type(error).__name__}") from error
        return claims, key

    def _check(self, claims: Mapping[str, Any], nonce: str) -> None:
        expires, issued = claims["exp"], claims["iat"]
        not_before = claims.get("nbf", issued)
        if not all(map(is_moment, (expires, issued, not_before))):
            raise ProviderFailed("the ID token's times are not numbers")
        now = self._clock()
        if not max(issued, not_before) - _LEEWAY_SECONDS < now < expires + _LEEWAY_SECONDS:
            raise ProviderFailed("the ID token is not valid at this time")
        stated = claims.get("nonce")
        # ASCII alone: a lone surrogate, which JSON may write, has no bytes to compare.
        if not (isinstance(stated, str) and stated.isascii() and compare_digest(stated, nonce)):
            raise ProviderFailed("the ID token belongs to another sign-in")
        # OpenID Connect Core, 3.1.3.7: of several audiences one is who requested the token.
        audience = claims["aud"]
        is_alone = isinstance(audience, str) or len(audience) == 1
        if claims.get("azp", self._client_id if is_alone else None) != self._client_id:
            raise ProviderFailed("the ID token was issued to another client")

    def _of_subject(self, claims: Mapping[str, Any], name: str) -> Person:
        if claims["iss"] != self._issuer:
            raise ProviderFailed("the ID token is another issuer's")
        subject = claims.get(self._subject_claim)
        if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT_CHARACTERS:
            raise ProviderFailed(f"the ID token lacks the claim {self._subject_claim}")
        if not subject.isprintable():  # NUL and lone surrogates, which no grant can name
            raise ProviderFailed(f"the ID token's claim {self._subject_claim} is not printable")
        # At many providers anyone may enter any address. Some write `true` as a text.
        if self._subject_claim == "email" and claims.get("email_verified") not in (True, "true"):
            raise ProviderFailed("the ID token's claim email is not verified")
        caller = caller_of_subject(self._issuer, subject)
        return Person(str(caller.tenant_id), str(caller.object_id), name)


def _uuid(claims: Mapping[str, Any], name: str) -> UUID:
    read = as_uuid(claims.get(name))
    if read is None:
        raise ProviderFailed(f"the ID token's claim {name} is not a UUID")
    return read
