"""Tokens of the server's own sign-in stand beside those of the directory, and neither is the other."""

import jwt
import pytest

from tests.unit.test_identity import (
    AUDIENCES,
    CLAIMS,
    CLIENT,
    ISSUER,
    KEY,
    NOW,
    PERSON,
    TENANT,
    jwk,
    part,
    sign,
)
from zava.data.session.signed_context import ContextKey, ContextSigner
from zava.errors import AccessDenied
from zava.model.core import Caller, caller_of_subject
from zava.protocol.auth.jwks import SharedKeys, StaticKeys
from zava.protocol.auth.tokens import TokenAuthenticator, TokenRefused, TrustedIssuer
from zava.protocol.sign_in.directory.access_tokens import OwnTokens
from zava.protocol.sign_in.parts import Person
from zava.retail.access_rules import PERMISSIONS, SALES_READ

OWN = "https://zava.example"
RESOURCE = f"{OWN}/mcp"
SECRETS = {"2": b"2" * 32, "1": b"1" * 32}
SOMEBODY = Person(str(TENANT), str(PERSON), "A person")
OWN_CLAIMS = CLAIMS | {"iss": OWN, "aud": RESOURCE}


def authenticator(secrets: dict[str, bytes] = SECRETS, **given: str) -> TokenAuthenticator:
    keys = SharedKeys(secrets)
    own = TrustedIssuer(OWN, (RESOURCE,), frozenset({TENANT}), keys, "HS256")
    return TokenAuthenticator(
        permissions=PERMISSIONS,
        issuer=ISSUER,
        audiences=AUDIENCES,
        allowed_tenants={TENANT},
        keys=StaticKeys({"keys": [jwk(KEY, "k1")]}),
        clock=lambda: NOW,
        own=own,
        allowed_clients=list(given.values()),
    )


def issued(key_id: str = "2", scopes: tuple[str, ...] = ("user_impersonation",)) -> str:
    tokens = OwnTokens(OWN, CLIENT, key_id=key_id, key=SECRETS[key_id], clock=lambda: NOW)
    return tokens.issue(SOMEBODY, scopes, RESOURCE)


def own(**changed: object) -> str:
    """A token as the server signs it; a claim that is changed to None is left out."""
    claims = {name: value for name, value in (OWN_CLAIMS | changed).items() if value is not None}
    return jwt.encode(claims, SECRETS["2"], algorithm="HS256", headers={"kid": "2"})


async def test_each_issuer_s_token_is_verified_with_its_own_algorithm_and_keys() -> None:
    checked = authenticator()
    for token in (issued("2"), issued("1"), sign(), issued("2"), sign()):
        assert await checked.authenticate(f"Bearer {token}") == Caller(TENANT, PERSON)
    narrow = await checked.authenticate(f"Bearer {issued(scopes=('sales.read',))}")
    assert narrow.permissions == {SALES_READ}
    assert narrow.client_id == CLIENT


async def test_clients_find_the_server_itself() -> None:
    assert authenticator().authorization_servers == [OWN]


async def test_key_that_is_withdrawn_ends_its_tokens() -> None:
    token = issued("1")
    assert await authenticator().authenticate(f"Bearer {token}")
    checked = authenticator({"3": b"3" * 32, "2": SECRETS["2"]})
    with pytest.raises(TokenRefused, match="key that the issuer does not have"):
        await checked.authenticate(f"Bearer {token}")


async def test_list_of_clients_holds_for_own_tokens_too() -> None:
    assert await authenticator(client=CLIENT).authenticate(f"Bearer {issued()}")
    with pytest.raises(AccessDenied):
        await authenticator(client="another").authenticate(f"Bearer {issued()}")


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        # Of this server's name, with what the directory's tokens are verified with.
        (sign({"iss": OWN, "aud": RESOURCE}), "not signed with HS256"),
        (f"{part({'alg': 'none', 'kid': '2'})}.{part(OWN_CLAIMS)}.", "not signed with HS256"),
        (f"{part({'alg': 'HS512', 'kid': '2'})}.{part(OWN_CLAIMS)}.eA", "not signed with HS256"),
        (jwt.encode(OWN_CLAIMS, b"9" * 32, headers={"kid": "2"}), "does not hold"),
        (jwt.encode(OWN_CLAIMS, b"2" * 32, headers={"kid": "1"}), "does not hold"),
        (jwt.encode(OWN_CLAIMS, b"2" * 32, headers={"kid": "k1"}), "key that the issuer"),
        (jwt.encode(OWN_CLAIMS, b"2" * 32), "key that the issuer"),
        # Of the directory's name, with this server's key.
        (jwt.encode(CLAIMS, b"2" * 32, headers={"kid": "2"}), "not signed with RS256"),
        (sign(kid="2"), "key that the issuer"),
        # For another resource, audience, tenant, time.
        (own(aud="https://zava.example/other"), "another audience"),
        (own(aud=AUDIENCES[0]), "another audience"),
        (own(aud=[RESOURCE]), "another audience"),
        (sign({"aud": RESOURCE}), "another audience"),
        (own(tid="22222222-2222-4333-8444-555555555555"), "tenant that is not allowed"),
        (own(exp=NOW - 61), "expired"),
        # Of nobody, of an application, without a scope.
        (own(oid=None), "lacks the claim oid"),
        (own(scp=None, roles=["sales.read"]), "no access token"),
        (own(scp=["user_impersonation"]), "does not fit"),
        # No claims at all.
        (f"{part({'alg': 'HS256', 'kid': '2'})}.W10.x", "not a JWT"),
        (f"{part({'alg': 'HS256', 'kid': '2'})}.%.x", "not a JWT"),
        ("abc.def.ghi", "not a JWT"),
    ],
)
async def test_token_that_belongs_to_neither_is_refused(token: str, reason: str) -> None:
    with pytest.raises(TokenRefused, match=reason):
        await authenticator().authenticate(f"Bearer {token}")


def test_each_context_key_derives_another_key_for_each_purpose() -> None:
    keys = [ContextKey(2, b"2" * 32), ContextKey(1, b"1" * 32)]
    signer = ContextSigner(keys)
    derived = signer.derived_keys("sign-in access tokens")
    assert list(derived) == ["2", "1"], "the key in use comes first"
    assert derived["2"] == signer.derived_key("sign-in access tokens")
    assert derived["1"] == ContextSigner(keys[1:]).derived_key("sign-in access tokens")
    others = signer.derived_keys("sign-in tickets")
    assert len({*derived.values(), *others.values(), b"2" * 32, b"1" * 32}) == 6


def test_people_of_another_issuer_have_ids_of_their_own() -> None:
    person = caller_of_subject("https://accounts.example", "1234")
    same = caller_of_subject("https://accounts.example", "1234")
    other = caller_of_subject("https://accounts.example", "12345")
    foreign = caller_of_subject("https://accounts.example/", "1234")
    assert person == same
    assert person.tenant_id == other.tenant_id != foreign.tenant_id
    assert len({person.object_id, other.object_id, foreign.object_id, person.tenant_id}) == 4
    for made in (person.tenant_id, person.object_id):
        assert made.version == 8
        assert made.variant == "specified in RFC 4122"
