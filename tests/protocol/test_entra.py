"""The resource server before a directory on loopback: every token's status, challenge and reach.

Each row goes through the whole endpoint of an application of its own, whose pool tells whether
anything reached the database.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import psycopg
import pytest
from cryptography.hazmat.primitives.serialization import PublicFormat

from tests.support.answers import entra as directory
from tests.support.answers.entra import (
    CALLING_CLIENT,
    CLIENT_ID,
    KEY,
    KEYS_PATH,
    NOW,
    OTHER_KEY,
    OTHER_TENANT,
    PERSON,
    RESOURCE,
    SHORT_KEY,
    TENANT,
    Entra,
    jwk,
    part,
)
from tests.support.answers.rpc import LEGACY, MODERN, request
from tests.support.servers.database import Database
from zava.app import Application, compose
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.postgres.access_grants import grant
from zava.model.core import Caller
from zava.protocol.auth import tokens
from zava.protocol.http_responses import HttpResponse
from zava.retail.declaration import RETAIL
from zava.settings import Settings

METADATA = "/.well-known/oauth-protected-resource/mcp"
HOSTS = {"ZAVA_ALLOWED_HOSTS": "func-sample.azurewebsites.net,mcp.contoso.com"}
SCOPE_NAMES = (
    "user_impersonation",
    "sales.read",
    "products.read",
    "customers.read",
    "sql.query",
    "chain.compare",
)
STORES = {"postgresql_query": "SELECT store_name FROM retail.stores"}


@pytest.fixture
def entra() -> Iterator[Entra]:
    with directory.entra() as made:
        yield made


@pytest.fixture
async def make(
    database: Database,
    home: StateDirectory,
    context_keys: list[str],
    entra: Entra,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Callable[..., Application]]:
    """Joins an application that trusts the directory, at the moment of its tokens."""
    made: list[Application] = []

    def join(*, server: str = database.server, **more: Any) -> Application:
        settings = Settings.model_validate(
            {
                "ZAVA_HOME": home.path,
                "ZAVA_IDENTITY_ISSUER": entra.issuer,
                "ZAVA_IDENTITY_AUDIENCE": f"{CLIENT_ID},{RESOURCE}",
                "ZAVA_ALLOWED_TENANTS": f"{TENANT},{UUID(int=0)}",
            }
            | more
        )
        made.append(compose(settings, conninfo=server, context_keys=context_keys))
        # No public name leads to this part: the test changes its sources or calls it alone.
        authenticator: Any = made[-1].endpoint._authenticator
        # The parts of a composed app take no clock from outside.
        monkeypatch.setattr(authenticator, "_clock", lambda: NOW)
        return made[-1]

    yield join
    for application in made:
        await application.close()


async def post(
    application: Application,
    authorization: str | None,
    method: str = "tools/list",
    params: dict[str, Any] | None = None,
    extra: list[tuple[str, str]] | None = None,
    era: str = MODERN,
) -> HttpResponse:
    headers, body = request(era, method, params)
    pairs = [*headers.items(), *(extra or [])]
    if authorization is not None:
        pairs.append(("Authorization", authorization))
    return await application.endpoint.handle("POST", "/mcp", pairs, body)


@dataclass(frozen=True)
class Refused:
    """A request that is refused at the edge; `header` makes its Authorization header."""

    name: str
    header: Callable[[Entra], str | None]
    status: int = 401
    error: str | None = "invalid_token"
    said: str = ""
    extra: list[tuple[str, str]] = field(default_factory=list)
    prepare: Callable[[Entra], None] | None = None


def bearer(make: Callable[[Entra], str]) -> Callable[[Entra], str]:
    return lambda entra: f"Bearer {make(entra)}"


def changed(**claims: Any) -> Callable[[Entra], str]:
    return lambda entra: f"Bearer {entra.token(**claims)}"


def application(**claims: Any) -> Callable[[Entra], str]:
    return lambda entra: f"Bearer {entra.application_token(**claims)}"


def tampered(entra: Entra) -> str:
    head, _, signature = entra.token().rpartition(".")
    return f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def publish(**answer: Any) -> Callable[[Entra], None]:
    def prepare(entra: Entra) -> None:
        for name, value in answer.items():
            setattr(entra, name, value)

    return prepare


def redirect(entra: Entra) -> None:
    entra.status, entra.location = 302, f"{entra.base}/elsewhere"


LATER = {"tid": str(OTHER_TENANT)}
REFUSED = [
    # Nothing that is a bearer token: the challenge names no error.
    Refused("no header", lambda _: None, error=None, said="required"),
    Refused("empty header", lambda _: "", error=None, said="required"),
    Refused("basic", lambda _: "Basic dTpw", error=None, said="required"),
    Refused("a bare token", lambda entra: entra.token(), error=None, said="required"),
    Refused("negotiate", lambda _: "Negotiate abc", error=None, said="required"),
    # Not a JWT, or none that we read.
    Refused("bearer alone", lambda _: "Bearer ", said="not a JWT"),
    Refused("garbage", lambda _: "Bearer abc", said="not a JWT"),
    Refused("three empty parts", lambda _: "Bearer ..", said="not a JWT"),
    Refused("four parts", bearer(lambda entra: f"{entra.token()}.x"), said="not a JWT"),
    Refused("five parts, as encrypted ones have", lambda _: "Bearer a.b.c.d.e", said="not a JWT"),
    Refused("10 KB", lambda _: "Bearer a.b." + "c" * 10_240, said="longer"),
    Refused("10 KB of claims", changed(name="x" * 10_240), said="longer"),
    Refused("umlauts", lambda _: "Bearer ä.ö.ü", said="not a JWT"),
    Refused("deep header", lambda _: f"Bearer {part('[' * 2000)}.e30.x", said="not a JWT"),
    # Signatures.
    Refused(
        "algorithm none", bearer(lambda e: e.unsigned({"alg": "none", "kid": "k1"})), said="RS256"
    ),
    Refused(
        "algorithm nOnE", bearer(lambda e: e.unsigned({"alg": "nOnE", "kid": "k1"})), said="RS256"
    ),
    Refused("no algorithm", bearer(lambda e: e.unsigned({"kid": "k1"})), said="RS256"),
    Refused(
        "HS256 with the public key",
        bearer(lambda e: e.hs256_with_the_public_key(PublicFormat.SubjectPublicKeyInfo)),
        said="RS256",
    ),
    Refused(
        "HS256 with the public key, PKCS 1",
        bearer(lambda e: e.hs256_with_the_public_key(PublicFormat.PKCS1)),
        said="RS256",
    ),
    Refused("RS384", changed(algorithm="RS384"), said="RS256"),
    Refused("PS256", changed(algorithm="PS256"), said="RS256"),
    Refused("no kid", bearer(lambda e: e.unsigned({"alg": "RS256"})), said="key that the issuer"),
    Refused(
        "kid is a list",
        bearer(lambda e: e.unsigned({"alg": "RS256", "kid": ["k1"]})),
        said="not a JWT",
    ),
    Refused("unknown kid", changed(headers={"kid": "k9"}), said="key that the issuer"),
    Refused("kid is a path", changed(headers={"kid": "../k1"}), said="key that the issuer"),
    Refused("kid is SQL", changed(headers={"kid": "k1' OR '1'='1"}), said="key that the issuer"),
    Refused("another key", changed(key=OTHER_KEY), said="does not hold"),
    Refused(
        "another key, brought along",
        changed(key=OTHER_KEY, headers={"jwk": jwk(OTHER_KEY, "k1")}),
        said="does not hold",
    ),
    Refused(
        "another key, by its address",
        changed(key=OTHER_KEY, headers={"jku": "http://127.0.0.1:1/keys"}),
        said="does not hold",
    ),
    Refused(
        "key of another issuer",
        changed(key=OTHER_KEY, headers={"kid": "personal"}),
        said="another issuer",
    ),
    Refused("unknown critical extension", changed(headers={"crit": ["exp"]}), said="not a JWT"),
    Refused(
        "unencoded payload",
        bearer(lambda e: e.unsigned({"alg": "RS256", "kid": "k1", "b64": False, "crit": ["b64"]})),
        said="not a JWT|does not hold",
    ),
    Refused(
        "replaced payload",
        bearer(lambda e: e.with_payload(part(e.claims(oid=str(TENANT))))),
        said="does not hold",
    ),
    Refused("tampered signature", bearer(tampered), said="does not hold"),
    Refused(
        "no signature", bearer(lambda e: e.token().rpartition(".")[0] + "."), said="does not hold"
    ),
    Refused("payload is a list", bearer(lambda e: e.signed_text("[]")), said="does not hold"),
    Refused("payload is deep", bearer(lambda e: e.signed_text("[" * 2000)), said="does not hold"),
    # Audience, issuer, tenant.
    Refused("another audience", changed(aud="api://other"), said="another audience"),
    Refused(
        "audience of Graph", changed(aud="https://graph.microsoft.com"), said="another audience"
    ),
    Refused(
        "ours is a part of it", changed(aud=f"{RESOURCE}.evil.example"), said="another audience"
    ),
    Refused("several audiences", changed(aud=[CLIENT_ID, "api://other"]), said="another audience"),
    Refused("no audience", changed(aud=None), said="lacks the claim aud"),
    Refused("no issuer", bearer(lambda e: e.token(iss=None)), said="lacks the claim iss"),
    Refused("another issuer", changed(iss="https://evil.example/v2.0"), said="another issuer"),
    Refused(
        "version 1 issuer", changed(iss=f"https://sts.windows.net/{TENANT}/"), said="another issuer"
    ),
    Refused(
        "issuer of another tenant",
        bearer(lambda e: e.token(iss=f"{e.base}/{OTHER_TENANT}/v2.0")),
        said="another issuer",
    ),
    Refused("tenant not allowed", changed(**LATER), said="not allowed"),
    Refused("nil tenant of the canaries", changed(tid=str(UUID(int=0))), said="not allowed"),
    # Times.
    Refused("expired", changed(exp=NOW - 61), said="expired"),
    Refused("not yet valid", changed(nbf=NOW + 61), said="not valid yet"),
    Refused("no expiry", changed(exp=None), said="lacks the claim exp"),
    Refused("expiry is text", changed(exp="tomorrow"), said="does not hold|not numbers"),
    Refused("expiry is true", changed(exp=True), said="not numbers"),
    Refused(
        "expiry is endless",
        bearer(
            lambda e: e.signed_text(orjson.dumps(e.claims(exp=7)).decode().replace(":7", ":1e999"))
        ),
        said="not numbers",
    ),
    Refused("starts at NaN", changed(nbf=float("nan")), said="not numbers"),
    # Who.
    Refused("no oid", changed(oid=None), said="lacks the claim oid"),
    Refused("oid is a name", changed(oid="seattle"), said="not a UUID"),
    Refused("oid in braces", changed(oid=f"{{{PERSON}}}"), said="not a UUID"),
    Refused("oid is a number", changed(oid=7), said="not a UUID"),
    Refused(
        "no tid",
        bearer(lambda e: e.token(iss=f"{e.base}/{TENANT}/v2.0", tid=None)),
        said="lacks the claim tid",
    ),
    # What kind of token.
    Refused("ID token", changed(scp=None, azp=None), said="no access token"),
    Refused(
        "ID token with a person's roles",
        changed(scp=None, azp=None, roles=["sql.query"]),
        said="no access token",
    ),
    Refused(
        "neither scopes nor an application",
        changed(scp=None, roles=["sql.query"]),
        said="no access token",
    ),
    Refused("application without a role", application(roles=None), said="no role"),
    Refused("application's roles are text", application(roles="sql.query"), said="no role"),
    Refused(
        "application with a person's scope",
        application(idtyp="app", scp="user_impersonation"),
        said="scp",
    ),
    Refused("scopes are a list", changed(scp=["user_impersonation"]), said="scp"),
    # Headers that decide come once.
    Refused(
        "two Authorization headers",
        lambda entra: f"Bearer {entra.token()}",
        status=400,
        error=None,
        extra=[("authorization", "Bearer a.b.c")],
    ),
    # Built-in authentication's headers, where nobody vouches for them.
    Refused(
        "identity headers alone",
        lambda _: None,
        error=None,
        said="required",
        extra=[
            ("X-MS-CLIENT-PRINCIPAL-ID", str(PERSON)),
            ("X-MS-CLIENT-PRINCIPAL", part({"oid": str(PERSON)})),
        ],
    ),
    # The directory is down, or somebody else answers in its place.
    Refused(
        "keys are down", changed(), said="key that the issuer", prepare=lambda entra: entra.close()
    ),
    Refused("keys answer 500", changed(), said="key that the issuer", prepare=publish(status=500)),
    Refused(
        "keys are no JSON", changed(), said="key that the issuer", prepare=publish(body=b"<html>")
    ),
    Refused("keys are a list", changed(), said="key that the issuer", prepare=publish(body=b"[]")),
    Refused(
        "keys nest", changed(), said="key that the issuer", prepare=publish(body=b"[" * 100_000)
    ),
    Refused(
        "keys without end",
        changed(),
        said="key that the issuer",
        prepare=publish(body=b'{"x":"' + b"y" * 1_100_000 + b'","keys":[]}'),
    ),
    Refused("keys are redirected", changed(), said="key that the issuer", prepare=redirect),
    Refused(
        "a short key is published",
        changed(key=SHORT_KEY, headers={"kid": "short"}),
        said="key that the issuer",
        prepare=publish(keys=[jwk(SHORT_KEY, "short")]),
    ),
    Refused(
        "a shared secret is published",
        changed(algorithm="HS256", key="s" * 32, headers={"kid": "oct"}),
        said="RS256",
        prepare=publish(keys=[{"kty": "oct", "kid": "oct", "k": part("s" * 32)}]),
    ),
    Refused(
        "an encryption key is published",
        changed(),
        said="key that the issuer",
        prepare=publish(keys=[jwk(KEY, "k1", use="enc")]),
    ),
]


@pytest.mark.requirement("S127")
@pytest.mark.filterwarnings("ignore:The (RSA|HMAC) key is:jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("case", REFUSED, ids=[case.name for case in REFUSED])
async def test_token_is_refused_and_nothing_reaches_the_database(
    make: Callable[..., Application], entra: Entra, case: Refused
) -> None:
    header = case.header(entra)
    if case.prepare is not None:
        case.prepare(entra)
    served = make()
    answer = await post(
        served,
        header,
        "tools/call",
        {"name": "execute_sales_query", "arguments": STORES},
        case.extra,
    )
    assert answer.status == case.status
    assert served.pool.times_opened == 0
    assert served.endpoint.sdk_bridge.times_started == 0
    if case.status != 401:
        return
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith("Bearer ")
    assert 'scope="http://localhost:7071/mcp/user_impersonation"' in challenge
    assert (
        'resource_metadata="http://localhost:7071/.well-known/oauth-protected-resource/mcp"'
        in challenge
    )
    assert ('error="' in challenge) == (case.error is not None)
    if case.error:
        assert f'error="{case.error}"' in challenge
    assert any(said in answer.body.decode() for said in case.said.split("|"))
    if header and len(header) > 30:
        assert header[-20:] not in answer.body.decode() + challenge


def test_table_is_as_long_as_promised() -> None:
    assert len({case.name for case in REFUSED}) == len(REFUSED) >= 40


@pytest.mark.parametrize("era", [LEGACY[-1], MODERN])
@pytest.mark.parametrize("listed", ["another", f"another,{CLIENT_ID}"])
async def test_client_that_is_not_on_the_list_gets_403_and_no_challenge(
    make: Callable[..., Application], entra: Entra, era: str, listed: str
) -> None:
    served = make(ZAVA_ALLOWED_CLIENTS=listed)
    for token in (entra.token(), entra.application_token()):
        answer = await post(served, f"Bearer {token}", era=era)
        assert answer.status == 403
        # A challenge would send the client to sign in again, for a token with the same id.
        assert "www-authenticate" not in answer.headers
        error = orjson.loads(answer.body)["error"]
        assert error["message"] == "This client may not call this server."
        assert error["data"]["code"] == "AUTHORIZATION_ERROR"
        assert listed not in answer.body.decode()
    assert served.pool.times_opened == 0
    assert served.endpoint.sdk_bridge.times_started == 0


async def test_client_on_the_list_is_served(make: Callable[..., Application], entra: Entra) -> None:
    served = make(ZAVA_ALLOWED_CLIENTS=f" another , {CALLING_CLIENT.upper()} ")
    for token in (entra.token(), entra.application_token(), entra.token(azp=None, appid="Another")):
        assert (await post(served, f"Bearer {token}")).status == 200


# What sales.read allows, and nothing else.
SALES = {
    *("get_current_utc_date", "query_metrics", "get_store_performance", "show_sales_chart"),
}

GOOD: list[tuple[str, Callable[[Entra], str], set[str]]] = [
    ("client id as audience", changed(), {"execute_sales_query", "get_current_utc_date"}),
    ("Application ID URI as audience", changed(aud=RESOURCE), {"execute_sales_query"}),
    ("a minute of skew", changed(exp=NOW - 30, nbf=NOW + 30), {"execute_sales_query"}),
    ("upper-case ids", changed(oid=str(PERSON).upper()), {"execute_sales_query"}),
    ("any case of the scheme", lambda e: f"bearer {e.token()}", {"execute_sales_query"}),
    ("narrow scope", changed(scp="sales.read openid"), SALES),
    ("free SQL", changed(scp="sql.query"), {"execute_sales_query", "get_current_utc_date"}),
    ("foreign scope alone", changed(scp="Mail.Read"), set()),
    (
        "a person's roles add nothing",
        changed(scp="sales.read", roles=["sql.query"]),
        SALES,
    ),
    ("application", application(), SALES),
    ("application by idtyp", application(idtyp="app", sub="x"), SALES),
    ("application has no whole scope", application(roles=["user_impersonation"]), set()),
    (
        "unknown kid before, published since",
        changed(key=OTHER_KEY, headers={"kid": "k2"}),
        {"execute_sales_query"},
    ),
]


@pytest.mark.parametrize(
    ("header", "tools"), [rest for _, *rest in GOOD], ids=[name for name, *_ in GOOD]
)
async def test_good_token_lists_the_tools_that_it_allows(
    make: Callable[..., Application],
    entra: Entra,
    header: Callable[[Entra], str],
    tools: set[str],
) -> None:
    entra.keys.append(jwk(OTHER_KEY, "k2"))
    answer = await post(make(), header(entra))
    assert answer.status == 200, answer.body
    listed = {tool["name"] for tool in orjson.loads(answer.body)["result"]["tools"]}
    assert listed >= tools
    if "execute_sales_query" not in tools:
        assert listed == tools
    assert entra.asked == [KEYS_PATH]


@pytest.mark.requirement("S97")
@pytest.mark.requirement("S127")
@pytest.mark.parametrize("era", [LEGACY[-1], MODERN])
async def test_call_beyond_the_token_is_a_step_up_challenge_that_names_the_scope(
    make: Callable[..., Application], entra: Entra, era: str
) -> None:
    served = make()
    token = entra.token(scp="sales.read")
    answer = await post(
        served,
        f"Bearer {token}",
        "tools/call",
        {"name": "execute_sales_query", "arguments": STORES},
        era=era,
    )
    assert answer.status == 403
    challenge = answer.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="http://localhost:7071/mcp/sql.query"' in challenge
    assert "resource_metadata=" in challenge
    content = orjson.loads(answer.body)
    assert content["id"] == 7
    assert content["error"]["data"]["code"] == "AUTHORIZATION_ERROR"
    assert served.pool.times_opened == 0
    allowed = await post(
        served,
        f"Bearer {token}",
        "tools/call",
        {"name": "get_current_utc_date", "arguments": {}},
        era=era,
    )
    assert allowed.status == 200


async def test_person_of_the_directory_sees_what_was_granted(
    make: Callable[..., Application], entra: Entra, seeded_clone: Database
) -> None:
    served = make(server=seeded_clone.server)
    ask = {"name": "execute_sales_query", "arguments": STORES}
    stranger = await post(served, f"Bearer {entra.token()}", "tools/call", ask)
    assert stranger.status == 200
    assert orjson.loads(stranger.body)["result"]["isError"] is True
    assert "www-authenticate" not in stranger.headers
    with psycopg.connect(seeded_clone.admin, autocommit=True) as admin:
        grant(
            admin,
            RETAIL,
            caller=Caller(TENANT, PERSON),
            display_name="p",
            audience="store_managers",
            stores=["Everett"],
        )
    known = await post(served, f"Bearer {entra.token()}", "tools/call", ask)
    rows = orjson.loads(known.body)["result"]["structuredContent"]["rows"]
    assert rows == [["Zava Retail Everett"]]


async def test_client_of_the_token_travels_with_the_caller(
    make: Callable[..., Application], entra: Entra
) -> None:
    authenticator = make().endpoint._authenticator
    assert (await authenticator.authenticate(f"Bearer {entra.token()}")).client_id == CALLING_CLIENT
    long = await authenticator.authenticate(f"Bearer {entra.token(azp='x' * 500)}")
    assert len(long.client_id) == 100


async def metadata_of(served: Application, host: str) -> Any:
    answer = await served.endpoint.handle("GET", METADATA, {"host": host}, b"")
    return orjson.loads(answer.body)


async def challenge_of(served: Application, host: str) -> str:
    answer = await served.endpoint.handle("POST", "/mcp", {"host": host}, b"")
    assert answer.status == 401
    return answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("host", "resource"),
    [
        ("localhost:7071", "http://localhost:7071/mcp"),
        ("127.0.0.1:80", "http://127.0.0.1/mcp"),
        ("[::1]:7071", "http://[::1]:7071/mcp"),
        ("func-sample.azurewebsites.net", "https://func-sample.azurewebsites.net/mcp"),
        ("FUNC-Sample.azurewebsites.net:443", "https://func-sample.azurewebsites.net/mcp"),
        ("mcp.contoso.com", "https://mcp.contoso.com/mcp"),
        ("mcp.contoso.com:8443", "https://mcp.contoso.com:8443/mcp"),
    ],
)
async def test_scopes_belong_to_the_resource_that_is_named_with_them(
    make: Callable[..., Application], host: str, resource: str
) -> None:
    served = make(**HOSTS)
    metadata = await metadata_of(served, host)
    assert metadata["resource"] == resource
    assert metadata["scopes_supported"] == [f"{resource}/{name}" for name in SCOPE_NAMES]
    challenge = await challenge_of(served, host)
    assert f'scope="{resource}/user_impersonation"' in challenge
    assert f'resource_metadata="{resource.removesuffix("/mcp")}{METADATA}"' in challenge


@pytest.mark.parametrize(
    ("audiences", "identifier"),
    [
        (f"{CLIENT_ID},{RESOURCE}/", RESOURCE),
        (f"https://mcp.contoso.com/mcp,{CLIENT_ID},{RESOURCE}", RESOURCE),
        (f"{CLIENT_ID},https://contoso.com/zava", "https://contoso.com/zava"),
        (CLIENT_ID, CLIENT_ID),
    ],
)
async def test_scopes_of_old_clients_are_under_the_application_id_uri(
    make: Callable[..., Application], audiences: str, identifier: str
) -> None:
    served = make(ZAVA_SCOPE_STYLE="api", ZAVA_IDENTITY_AUDIENCE=audiences, **HOSTS)
    metadata = await metadata_of(served, "mcp.contoso.com")
    assert metadata["resource"] == "https://mcp.contoso.com/mcp"
    assert metadata["scopes_supported"] == [f"{identifier}/{name}" for name in SCOPE_NAMES]
    challenge = await challenge_of(served, "mcp.contoso.com")
    assert f'scope="{identifier}/user_impersonation"' in challenge


async def test_metadata_names_the_issuer_of_each_tenant_without_a_placeholder(
    make: Callable[..., Application], entra: Entra
) -> None:
    tenants = f"{OTHER_TENANT},{TENANT},{OTHER_TENANT},{UUID(int=0)}"
    many = await metadata_of(make(ZAVA_ALLOWED_TENANTS=tenants), "localhost")
    named = [f"{entra.base}/{tenant}/v2.0" for tenant in (OTHER_TENANT, TENANT)]
    assert many["authorization_servers"] == named
    one = await metadata_of(
        make(ZAVA_IDENTITY_ISSUER=named[0], ZAVA_ALLOWED_TENANTS=tenants), "localhost"
    )
    assert one["authorization_servers"] == named[:1]


ON_AZURE = {"WEBSITE_INSTANCE_ID": "1", "WEBSITE_AUTH_ENABLED": "True"}
SAME = ("X-MS-CLIENT-PRINCIPAL-ID", str(PERSON).upper())
OTHER = ("X-MS-CLIENT-PRINCIPAL-ID", str(TENANT))


@pytest.mark.parametrize(
    ("more", "headers", "with_token", "status"),
    [
        ({}, [OTHER], True, 200),  # written by the client: passed over
        ({"WEBSITE_AUTH_ENABLED": "True"}, [OTHER], True, 200),  # says somebody's own machine
        ({"WEBSITE_INSTANCE_ID": "1"}, [OTHER], True, 200),
        (ON_AZURE, [SAME], True, 200),
        (ON_AZURE, [OTHER], True, 401),  # two persons in one request
        (ON_AZURE, [SAME], False, 401),  # the header alone is nobody
        (ON_AZURE, [SAME, SAME], True, 400),
    ],
)
async def test_headers_of_the_platform_are_read_only_where_it_vouches_for_them(
    make: Callable[..., Application],
    entra: Entra,
    more: dict[str, str],
    headers: list[tuple[str, str]],
    with_token: bool,
    status: int,
) -> None:
    served = make(**more)
    authorization = f"Bearer {entra.token()}" if with_token else None
    assert (await post(served, authorization, extra=headers)).status == status


@pytest.mark.parametrize(("more", "status"), [({}, 401), (ON_AZURE, 200)])
async def test_token_that_the_platform_brings_is_checked_like_any_other(
    make: Callable[..., Application], entra: Entra, more: dict[str, str], status: int
) -> None:
    served = make(**more)
    brought = [("X-MS-TOKEN-AAD-ACCESS-TOKEN", entra.token()), SAME]
    assert (await post(served, None, extra=brought)).status == status
    expired = [("X-MS-TOKEN-AAD-ACCESS-TOKEN", entra.token(exp=NOW - 100)), SAME]
    assert (await post(served, None, extra=expired)).status == 401


async def test_known_keys_outlive_the_directory(
    make: Callable[..., Application], entra: Entra
) -> None:
    served = make()
    assert (await post(served, f"Bearer {entra.token()}")).status == 200
    entra.status, entra.body = 503, b""
    again = f"Bearer {entra.token(sub='another token')}"
    assert (await post(served, again)).status == 200
    # An unknown key asks at most once a minute, however many tokens name one.
    for number in range(5):
        unknown = entra.token(key=OTHER_KEY, headers={"kid": f"x{number}"})
        assert (await post(served, f"Bearer {unknown}")).status == 401
    assert entra.asked == [KEYS_PATH]


def test_longest_accepted_token_is_shorter_than_what_servers_take_as_a_header() -> None:
    assert tokens.MAX_TOKEN_BYTES <= 8192
