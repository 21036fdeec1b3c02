"""Whom a token speaks for, and every way in which it speaks for nobody."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.suite.patience import patient
from zava.errors import AccessDenied, Busy
from zava.model.core import Caller
from zava.protocol.auth.jwks import RemoteKeys, StaticKeys
from zava.protocol.auth.tokens import TokenAuthenticator, TokenRefused
from zava.retail.access_rules import PERMISSIONS

NOW = 1_800_000_000
TENANT = UUID("11111111-2222-4333-8444-555555555555")
PERSON = UUID("66666666-7777-4888-8999-aaaaaaaaaaaa")
ISSUER = "https://login.microsoftonline.com/{tid}/v2.0"
AUDIENCES = ["api://zava", "99999999-0000-4000-8000-000000000000"]
CLIENT = "aebc6443-996d-45c2-90f0-388ff96faa56"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CLAIMS: dict[str, Any] = {
    "iss": ISSUER.replace("{tid}", str(TENANT)),
    "aud": AUDIENCES[0],
    "tid": str(TENANT),
    "oid": str(PERSON),
    "scp": "user_impersonation",
    "exp": NOW + 600,
    "nbf": NOW - 10,
}


def jwk(key: rsa.RSAPrivateKey, key_id: str) -> dict[str, Any]:
    public: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    return public | {"kid": key_id, "use": "sig"}


def sign(
    changed: dict[str, Any] | None = None,
    *,
    without: str = "",
    key: Any = KEY,
    algorithm: str = "RS256",
    kid: str | None = "k1",
) -> str:
    claims = {name: value for name, value in (CLAIMS | (changed or {})).items() if name != without}
    headers = {"kid": kid} if kid is not None else {}
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


def part(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def hs256_with_the_public_key() -> str:
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{part({'alg': 'HS256', 'kid': 'k1'})}.{part(CLAIMS)}"
    mac = hmac.new(public, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def replaced_payload() -> str:
    header, _, signature = sign().split(".")
    return f"{header}.{part(CLAIMS | {'oid': str(TENANT)})}.{signature}"


def tampered_signature() -> str:
    head, _, signature = sign().rpartition(".")
    return f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


REFUSED: list[tuple[str, Callable[[], str | None], str]] = [
    ("none", lambda: None, "required"),
    ("empty", lambda: "", "required"),
    ("basic", lambda: "Basic dTpw", "required"),
    ("token without scheme", sign, "required"),
    ("bearer alone", lambda: "Bearer ", "not a JWT"),
    ("garbage", lambda: "Bearer abc", "not a JWT"),
    ("three empty parts", lambda: "Bearer ..", "not a JWT"),
    ("four parts", lambda: f"Bearer {sign()}.x", "not a JWT"),
    ("10 KB", lambda: "Bearer a.b." + "c" * 10_000, "longer"),
    ("umlaut", lambda: "Bearer ä.ö.ü", "not a JWT"),
    ("deep header", lambda: f"Bearer {part('[' * 50)}.e30.x", "not a JWT"),
    ("algorithm none", lambda: f"Bearer {part({'alg': 'none'})}.{part(CLAIMS)}.", "RS256"),
    ("HS256 with the public key", lambda: f"Bearer {hs256_with_the_public_key()}", "RS256"),
    ("RS384", lambda: f"Bearer {sign(algorithm='RS384')}", "RS256"),
    ("PS256", lambda: f"Bearer {sign(algorithm='PS256')}", "RS256"),
    ("no kid", lambda: f"Bearer {sign(kid=None)}", "key that the issuer"),
    ("unknown kid", lambda: f"Bearer {sign(kid='k9')}", "key that the issuer"),
    ("kid is a path", lambda: f"Bearer {sign(kid='../../k1')}", "key that the issuer"),
    ("another key", lambda: f"Bearer {sign(key=OTHER_KEY)}", "does not hold"),
    ("replaced payload", lambda: f"Bearer {replaced_payload()}", "does not hold"),
    ("tampered signature", lambda: f"Bearer {tampered_signature()}", "does not hold"),
    ("wrong audience", lambda: f"Bearer {sign({'aud': 'api://other'})}", "another audience"),
    ("no audience", lambda: f"Bearer {sign(without='aud')}", "lacks the claim aud"),
    ("no issuer", lambda: f"Bearer {sign(without='iss')}", "lacks the claim iss"),
    ("no expiry", lambda: f"Bearer {sign(without='exp')}", "lacks the claim exp"),
    ("expired", lambda: f"Bearer {sign({'exp': NOW - 61})}", "expired"),
    ("not yet", lambda: f"Bearer {sign({'nbf': NOW + 61})}", "not valid yet"),
    ("expiry is text", lambda: f"Bearer {sign({'exp': 'tomorrow'})}", "not numbers"),
    ("expiry is true", lambda: f"Bearer {sign({'exp': True})}", "not numbers"),
    ("expiry beyond all numbers", lambda: f"Bearer {sign({'exp': 10**400})}", "not numbers"),
    ("endless expiry", lambda: f"Bearer {sign({'exp': float('inf')})}", "not numbers"),
    ("expiry is no number", lambda: f"Bearer {sign({'exp': float('nan')})}", "not numbers"),
    ("wrong issuer", lambda: f"Bearer {sign({'iss': 'https://evil.example'})}", "another issuer"),
    (
        "issuer of another tenant",
        lambda: f"Bearer {sign({'iss': ISSUER.replace('{tid}', str(PERSON))})}",
        "another issuer",
    ),
    (
        "tenant not allowed",
        lambda: "Bearer " + sign({"tid": str(PERSON), "iss": ISSUER.replace("{tid}", str(PERSON))}),
        "not allowed",
    ),
    (
        "nil tenant of the canaries",
        lambda: (
            "Bearer "
            + sign({"tid": str(UUID(int=0)), "iss": ISSUER.replace("{tid}", str(UUID(int=0)))})
        ),
        "not allowed",
    ),
    ("no tid", lambda: f"Bearer {sign(without='tid')}", "lacks the claim tid"),
    ("no oid", lambda: f"Bearer {sign(without='oid')}", "lacks the claim oid"),
    ("oid no UUID", lambda: f"Bearer {sign({'oid': 'seattle'})}", "not a UUID"),
    ("oid a number", lambda: f"Bearer {sign({'oid': 7})}", "not a UUID"),
]


def authenticator(
    keys: Any = None,
    clock: Callable[[], float] = lambda: NOW,
    allowed_clients: tuple[str, ...] = (),
) -> TokenAuthenticator:
    return TokenAuthenticator(
        permissions=PERMISSIONS,
        issuer=ISSUER,
        audiences=AUDIENCES,
        allowed_tenants=frozenset({TENANT, UUID(int=0)}),
        keys=keys or StaticKeys({"keys": [jwk(KEY, "k1")]}),
        clock=clock,
        allowed_clients=allowed_clients,
    )


@pytest.mark.requirement("S26")
@pytest.mark.parametrize(
    ("make", "said"),
    [(make, said) for _, make, said in REFUSED],
    ids=[name for name, *_ in REFUSED],
)
async def test_token_is_refused(make: Callable[[], str | None], said: str) -> None:
    header = make()
    with pytest.raises(TokenRefused, match=said) as caught:
        await authenticator().authenticate(header)
    assert caught.value.is_missing == (said == "required")
    if header and len(header) > 20:
        assert header[-20:] not in caught.value.description


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
@pytest.mark.parametrize("audience", AUDIENCES)
async def test_good_token_speaks_for_its_person(scheme: str, audience: str) -> None:
    header = f"{scheme} {sign({'aud': audience, 'exp': NOW - 30, 'nbf': NOW + 30})}"
    assert await authenticator().authenticate(header) == Caller(TENANT, PERSON)


@pytest.mark.parametrize("claim", ["azp", "appid"])
@pytest.mark.parametrize("listed", [(CLIENT,), ("another", CLIENT.upper())])
async def test_client_on_the_list_speaks_for_its_person(
    claim: str, listed: tuple[str, ...]
) -> None:
    caller = await authenticator(allowed_clients=listed).authenticate(
        f"Bearer {sign({claim: CLIENT})}"
    )
    assert caller == Caller(TENANT, PERSON)
    assert caller.client_id == CLIENT


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"azp": ""},
        {"azp": "another"},
        {"azp": f" {CLIENT}"},
        {"azp": f"{CLIENT},another"},
        {"azp": [CLIENT]},
        {"azp": "another", "appid": CLIENT},
        {"azp": CLIENT + "0" * 100},
        {"client_id": CLIENT},
    ],
)
async def test_client_that_is_not_on_the_list_is_denied(claims: dict[str, Any]) -> None:
    checked = authenticator(allowed_clients=(CLIENT,))
    for _ in range(2):  # the second time nothing is remembered of the first
        with pytest.raises(AccessDenied, match="This client may not call"):
            await checked.authenticate(f"Bearer {sign(claims)}")


async def test_token_that_does_not_hold_is_refused_before_its_client_is_looked_at() -> None:
    header = f"Bearer {sign({'azp': 'another', 'exp': NOW - 61})}"
    with pytest.raises(TokenRefused, match="expired"):
        await authenticator(allowed_clients=(CLIENT,)).authenticate(header)


async def test_verified_token_is_remembered_until_it_expires_and_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = float(NOW)
    checked = authenticator(clock=lambda: now)
    header = f"Bearer {sign()}"
    first = await checked.authenticate(header)
    with monkeypatch.context() as patch:
        patch.setattr("jwt.decode", None)  # not read again
        assert await checked.authenticate(header) == first
    now += 700
    with pytest.raises(TokenRefused):
        await checked.authenticate(header)


async def test_useless_entries_of_a_key_set_are_passed_over() -> None:
    entries: list[Any] = [
        7,
        {"kty": "EC", "kid": "e"},
        {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
        {"kty": "RSA", "kid": 7},
        jwk(KEY, "enc") | {"use": "enc"},
        jwk(KEY, "k1"),
    ]
    keys = StaticKeys({"keys": entries})
    assert await keys.key("k1") is not None
    assert [await keys.key(name) for name in ("e", "broken", "enc")] == [None] * 3
    assert await StaticKeys({"keys": "none"}).key("k1") is None
    assert await StaticKeys(["keys"]).key("k1") is None  # type: ignore[arg-type]  # hostile


class Directory:
    """A loopback directory whose answer the test writes."""

    def __init__(self) -> None:
        self.body = b"{}"
        self.asked = 0
        directory = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                directory.asked += 1
                self.send_response(200)
                self.end_headers()
                self.wfile.write(directory.body)

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/keys"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def directory() -> Iterator[Directory]:
    directory = Directory()
    yield directory
    directory.close()


async def test_rotated_key_is_fetched_once_a_minute_and_known_ones_outlive_the_directory(
    directory: Directory,
) -> None:
    now = 0.0
    keys = RemoteKeys(directory.url, clock=lambda: now)
    directory.body = json.dumps({"keys": [jwk(KEY, "k1")]}).encode()
    assert await keys.key("k1") is not None
    assert await keys.key("k2") is None  # asked a moment ago: not again
    assert directory.asked == 1
    now += 61
    directory.body = json.dumps({"keys": [jwk(KEY, "k1"), jwk(OTHER_KEY, "k2")]}).encode()
    assert await keys.key("k2") is not None
    for hostile in (b"not json", b"[]", b'{"keys": []}', b"[" * 100_000):
        now += 61
        directory.body = hostile
        assert await keys.key("k3") is None
        assert await keys.key("k1") is not None
    asked = directory.asked
    directory.close()
    directory.close = lambda: None  # type: ignore[method-assign]  # closed already
    now += 61
    assert await keys.key("k3") is None
    assert await keys.key("k2") is not None
    assert directory.asked == asked


async def test_many_at_once_ask_the_directory_once(directory: Directory) -> None:
    import asyncio

    directory.body = json.dumps({"keys": [jwk(KEY, "k1")]}).encode()
    keys = RemoteKeys(directory.url)
    found = await asyncio.gather(*(keys.key("k1") for _ in range(20)))
    assert all(found)
    assert directory.asked == 1


async def test_so_many_wait_for_the_directory_and_known_keys_never_do() -> None:
    import asyncio

    answers = threading.Event()
    body = json.dumps({"keys": [jwk(KEY, "k1")]}).encode()
    now = 0.0

    def fetch(_: str) -> bytes:
        answers.wait(patient(20))
        return body

    keys = RemoteKeys("https://directory.example/keys", fetch=fetch, clock=lambda: now)
    waiting = [asyncio.ensure_future(keys.key("k1")) for _ in range(64)]
    await asyncio.wait(waiting, timeout=0)
    with pytest.raises(Busy, match="being fetched"):
        await keys.key("k1")
    answers.set()
    assert all(await asyncio.gather(*waiting))
    answers.clear()
    now = 61.0
    waiting = [asyncio.ensure_future(keys.key("unknown")) for _ in range(64)]
    await asyncio.wait(waiting, timeout=0)
    assert await keys.key("k1") is not None
    answers.set()
    assert not any(await asyncio.gather(*waiting))


async def test_keys_come_over_https_or_from_this_machine_only() -> None:
    assert await RemoteKeys("http://directory.example/keys").key("k1") is None
    entra = RemoteKeys.of_issuer("https://login.microsoftonline.com/{tid}/v2.0")
    assert entra.url == "https://login.microsoftonline.com/common/discovery/v2.0/keys"


async def test_withdrawn_key_and_tokens_already_seen_hold_for_an_hour_at_most(
    directory: Directory,
) -> None:
    now = 0.0
    keys = RemoteKeys(directory.url, clock=lambda: now)
    directory.body = json.dumps({"keys": [jwk(KEY, "k1")]}).encode()
    checked = authenticator(keys=keys)
    header = f"Bearer {sign()}"
    assert await checked.authenticate(header) == Caller(TENANT, PERSON)
    directory.body = json.dumps({"keys": [jwk(OTHER_KEY, "k2")]}).encode()
    now += 3599
    assert await checked.authenticate(header) == Caller(TENANT, PERSON)
    assert directory.asked == 1
    now += 1
    with pytest.raises(TokenRefused, match="does not have"):
        await checked.authenticate(header)
    assert directory.asked == 2


async def test_key_that_is_replaced_under_its_id_ends_the_tokens_of_the_old_one(
    directory: Directory,
) -> None:
    now = 0.0
    keys = RemoteKeys(directory.url, clock=lambda: now)
    directory.body = json.dumps({"keys": [jwk(KEY, "k1")]}).encode()
    checked = authenticator(keys=keys)
    header = f"Bearer {sign()}"
    assert await checked.authenticate(header) == Caller(TENANT, PERSON)
    directory.body = json.dumps({"keys": [jwk(OTHER_KEY, "k1")]}).encode()
    now += 3600
    with pytest.raises(TokenRefused, match="does not hold"):
        await checked.authenticate(header)


async def test_keys_of_an_hour_ago_serve_while_the_directory_is_down_and_one_caller_a_minute_waits(
    directory: Directory,
) -> None:
    now = 0.0
    keys = RemoteKeys(directory.url, clock=lambda: now)
    directory.body = json.dumps({"keys": [jwk(KEY, "k1")]}).encode()
    assert await keys.key("k1") is not None
    directory.body = b"not json"
    now += 4000
    for _ in range(3):
        assert await keys.key("k1") is not None
    assert directory.asked == 2
    now += 60
    assert await keys.key("k1") is not None
    assert directory.asked == 3
