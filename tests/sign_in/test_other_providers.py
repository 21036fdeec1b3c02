"""People of Auth0, Google, Keycloak and Okta sign in at a deployment without Microsoft Entra ID."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import orjson
import psycopg
import pytest

from tests.sign_in.broker import HOST, ISSUER, Browser, Client, lead
from tests.sign_in.open_id_provider import (
    CLIENT_ID,
    KINDS,
    SECRET,
    OpenIdProvider,
    open_id_provider,
)
from tests.sign_in.test_broker import call, is_without_access, stores
from tests.support.servers.database import Database
from zava.app import Application, compose
from zava.infrastructure.postgres import access_grants
from zava.model.core import caller_of_subject
from zava.retail.declaration import RETAIL
from zava.settings import Settings

CALLBACK = f"{ISSUER}/oauth/callback"


@asynccontextmanager
async def deployed(
    provider: OpenIdProvider, database: Database, context_keys: list[str], **more: str
) -> AsyncIterator[Application]:
    settings = Settings.model_validate(
        {
            "ZAVA_ALLOWED_HOSTS": HOST,
            "ZAVA_SIGN_IN": "true",
            "ZAVA_SIGN_IN_DIRECTORY": provider.issuer,
            "ZAVA_SIGN_IN_CLIENT_ID": CLIENT_ID,
            "ZAVA_SIGN_IN_CLIENT_SECRET": SECRET,
            "ZAVA_SIGN_IN_SUBJECT_CLAIM": provider.kind.subject_claim,
            **more,
        }
    )
    application = compose(settings, conninfo=database.server, context_keys=context_keys)
    yield application
    await application.close()


@pytest.fixture(params=list(KINDS))
def provider(request: pytest.FixtureRequest) -> Iterator[OpenIdProvider]:
    with open_id_provider(request.param, CALLBACK) as served:
        yield served


@pytest.fixture
def keycloak() -> Iterator[OpenIdProvider]:
    with open_id_provider("keycloak", CALLBACK) as served:
        yield served


async def test_person_signs_in_and_sees_what_issuer_and_subject_are_granted(
    provider: OpenIdProvider, database: Database, context_keys: list[str]
) -> None:
    person = caller_of_subject(provider.issuer, provider.kind.subject)
    async with deployed(provider, database, context_keys) as application:
        path = "/.well-known/oauth-protected-resource/mcp"
        answer = await application.endpoint.handle("GET", path, {"host": HOST}, b"")
        assert orjson.loads(answer.body)["authorization_servers"] == [ISSUER]
        token = (await Client(application.endpoint).sign_in())["access_token"]
        assert await is_without_access(application, token), "a proof is no grant"
        with psycopg.connect(database.admin, autocommit=True) as connection:
            access_grants.grant(
                connection,
                RETAIL,
                caller=person,
                display_name=f"ann of {provider.issuer}",
                audience="store_managers",
                stores=["Tacoma"],
                issuer=provider.issuer,
                subject=provider.kind.subject,
            )
            try:
                assert await stores(application, token) == ["Zava Retail Tacoma"]
            finally:
                connection.execute("SET ROLE zava_context")
                connection.execute(
                    "DELETE FROM zava.principals WHERE tenant_id = %s", [person.tenant_id]
                )
    methods = provider.kind.methods or ("client_secret_basic",)
    preferred = "client_secret_basic"
    assert provider.proofs == [preferred if preferred in methods else "client_secret_post"]


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://attacker.example"},
        {"aud": ["another", CLIENT_ID], "azp": "another"},
        {"aud": "another"},
        {"azp": "another"},
        {"sub": ""},
        {"sub": 7},
        {"sub": "s" * 256},
        {"sub": "s\0"},
        {"sub": "\ud800"},
        {"nbf": 4_000_000_000},
        {"nonce": "another"},
    ],
)
async def test_id_token_that_proves_no_one_to_this_server_is_refused(
    keycloak: OpenIdProvider, database: Database, context_keys: list[str], changed: dict[str, str]
) -> None:
    keycloak.changed |= changed
    async with deployed(keycloak, database, context_keys) as application:
        client = Client(application.endpoint)
        page = await Browser(application.endpoint).open(await client.address())
        assert page.status == 502
        assert lead(page).startswith("The directory did not confirm who you are.")


@pytest.mark.parametrize(
    ("verified", "status"), [(True, 200), ("true", 200), (False, 502), ("false", 502), (None, 502)]
)
async def test_address_that_names_a_person_is_one_that_the_provider_has_verified(
    keycloak: OpenIdProvider,
    database: Database,
    context_keys: list[str],
    verified: object,
    status: int,
) -> None:
    keycloak.changed |= {"email": "ann@example.com"}
    keycloak.changed |= {} if verified is None else {"email_verified": verified}
    claim = {"ZAVA_SIGN_IN_SUBJECT_CLAIM": "email"}
    async with deployed(keycloak, database, context_keys, **claim) as application:
        client = Client(application.endpoint)
        page = await Browser(application.endpoint).open(await client.address())
        assert page.status == status


@pytest.mark.parametrize(("is_stated", "status"), [(True, 200), (False, 502)])
async def test_provider_that_always_states_its_issuer_has_not_given_an_answer_without(
    keycloak: OpenIdProvider,
    database: Database,
    context_keys: list[str],
    is_stated: bool,
    status: int,
) -> None:
    keycloak.states_issuer = is_stated
    async with deployed(keycloak, database, context_keys) as application:
        client = Client(application.endpoint)
        page = await Browser(application.endpoint).open(await client.address())
        assert page.status == status


async def test_wrong_secret_or_wrong_issuer_signs_no_one_in(
    keycloak: OpenIdProvider, database: Database, context_keys: list[str]
) -> None:
    for changed in (
        {"ZAVA_SIGN_IN_CLIENT_SECRET": "another"},
        {"ZAVA_SIGN_IN_DIRECTORY": f"{keycloak.issuer}/"},
        {"ZAVA_SIGN_IN_DIRECTORY": f"{keycloak.base}/realms/other"},
        {"ZAVA_SIGN_IN_DIRECTORY": "http://127.0.0.1:1"},
    ):
        async with deployed(keycloak, database, context_keys, **changed) as application:
            client = Client(application.endpoint)
            page = await Browser(application.endpoint).open(await client.address())
            assert page.status == 502, changed


async def test_tokens_of_the_provider_itself_are_not_accepted(
    keycloak: OpenIdProvider, database: Database, context_keys: list[str]
) -> None:
    import jwt

    from tests.support.answers.entra import KEY

    person = caller_of_subject(keycloak.issuer, keycloak.kind.subject)
    claims = {
        "iss": keycloak.issuer,
        "aud": f"{ISSUER}/mcp",
        "tid": str(person.tenant_id),
        "oid": str(person.object_id),
        "scp": "user_impersonation",
        "exp": 4_000_000_000,
    }
    async with deployed(keycloak, database, context_keys) as application:
        for issuer in (keycloak.issuer, ISSUER):
            token = jwt.encode(
                claims | {"iss": issuer}, KEY, algorithm="RS256", headers={"kid": "k1"}
            )
            assert (await call(application, token))[0] == 401


async def test_setting_allows_more_redirects(
    keycloak: OpenIdProvider, database: Database, context_keys: list[str]
) -> None:
    more = {"ZAVA_SIGN_IN_REDIRECTS": "https://client.example/back,https://other.example/of/"}
    async with deployed(keycloak, database, context_keys, **more) as application:
        for redirect in ("https://client.example/back", "https://other.example/of/anyone"):
            told = await Client(application.endpoint, redirect).sign_in()
            assert told["token_type"] == "Bearer"
        refused = Client(application.endpoint, "https://client.example/back/more")
        assert (await refused.register())[0] == 400
