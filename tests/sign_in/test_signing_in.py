"""Signing in, step by step: documents, registration, page, code, tokens, refresh."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import psycopg
import pytest

from tests.sign_in.client import (
    HOST,
    ISSUER,
    REDIRECT,
    RESOURCE,
    WHOLE,
    SigningClient,
    answered,
)
from tests.support.answers.rpc import ERAS, LEGACY, MODERN, ask
from tests.support.servers.database import Database
from zava.app import Application, compose
from zava.composition.local_sign_in import KEY_FILE
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.postgres import access_grants
from zava.infrastructure.postgres.access_grants import Kind
from zava.model.core import Caller
from zava.retail.access_rules import STORE_MANAGERS
from zava.retail.declaration import RETAIL
from zava.retail.demo.principals import DEMO_TENANT_ID, demo_callers
from zava.settings import Settings

COUNT = {"postgresql_query": "SELECT count(*) AS orders FROM retail.orders"}


async def stores(application: Application, token: str, era: str = MODERN) -> Sequence[str]:
    call = {"name": "execute_sales_query", "arguments": COUNT}
    status, body = await ask(application, token, era, "tools/call", call)
    assert status == 200, body
    seen: list[str] = body["result"]["structuredContent"]["scope"]["stores"]
    return seen


async def test_resource_names_the_issuer_and_every_address_of_its_metadata_answers(
    client: SigningClient,
) -> None:
    resource = await client.send("GET", "/.well-known/oauth-protected-resource/mcp")
    assert orjson.loads(resource.body)["authorization_servers"] == [ISSUER]
    answer = await client.send("GET", "/.well-known/oauth-authorization-server")
    metadata = orjson.loads(answer.body)
    assert metadata["issuer"] == ISSUER
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["token_endpoint_auth_methods_supported"] == ["none"]
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert "client_id_metadata_document_supported" not in metadata
    for name in ("authorization_endpoint", "token_endpoint", "registration_endpoint"):
        path = metadata[name].removeprefix(ISSUER)
        assert path != metadata[name]
        assert (await client.send("GET", path)).status in {400, 405}


async def test_challenge_leads_to_a_scope_that_the_metadata_lists(client: SigningClient) -> None:
    refused = await client.send(
        "POST", "/mcp", {"host": HOST, "content-type": "application/json"}, b"{}"
    )
    assert f'scope="{WHOLE}"' in refused.headers["www-authenticate"]
    answer = await client.send("GET", "/.well-known/oauth-authorization-server")
    assert WHOLE in orjson.loads(answer.body)["scopes_supported"]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(("name", "count"), [("redmond", 1), ("eastside", 3), ("head-office", 8)])
async def test_token_speaks_for_the_person_who_was_picked(
    client: SigningClient, signing_app: Application, name: str, count: int, era: str
) -> None:
    told = await client.sign_in(name)
    assert told["token_type"] == "Bearer"
    assert told["expires_in"] == 3600
    assert told["scope"] == WHOLE
    assert len(await stores(signing_app, told["access_token"], era)) == count


async def test_answer_names_state_and_issuer(client: SigningClient) -> None:
    told = answered(await client.pick(await client.ask(), "redmond"))
    assert told.keys() == {"code", "state", "iss"}
    assert (told["state"], told["iss"]) == ("s&=?#", ISSUER)
    assert "state" not in answered(await client.pick(await client.ask(state=None), "redmond"))


async def test_person_who_says_no_is_told_to_the_client(client: SigningClient) -> None:
    told = answered(await client.pick(await client.ask(), None))
    assert told == {"error": "access_denied", "state": "s&=?#", "iss": ISSUER}


async def test_page_names_client_place_and_people_with_their_stores(client: SigningClient) -> None:
    client.name = "Claude Code"
    page = (await client.ask()).body.decode()
    assert "<bdi>Claude Code</bdi>" in page
    assert "a program on this computer (127.0.0.1:33418)" in page
    assert "Choose only if you have just asked for this." in page
    assert page.count('class="person"') == len(demo_callers())
    assert "<b>Eastside</b><span" in page
    assert ">Bellevue, Kirkland, Redmond</span>" in page
    assert page.index("Head office") < page.index("Regional managers") < page.index("Seattle")


@pytest.mark.parametrize(
    ("redirect", "place"),
    [
        ("http://[::1]:8/x", "a program on this computer ([::1]:8)"),
        (
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "the extension anysphere.cursor-mcp of cursor on this computer",
        ),
        (
            "vscode://publisher.extension/x",
            "the extension publisher.extension of vscode on this computer",
        ),
        ("https://vscode.dev/redirect", "vscode.dev"),
        ("https://insiders.vscode.dev/redirect", "insiders.vscode.dev"),
    ],
)
async def test_page_names_where_the_answer_goes(
    client: SigningClient, redirect: str, place: str
) -> None:
    client.redirect = redirect
    page = await client.ask()
    assert f'<b id="goes-to">{place}</b>' in page.body.decode()
    location = orjson.loads((await client.pick(page, "redmond")).body)["location"]
    assert location.startswith(f"{redirect}?code=")


@pytest.mark.parametrize("base", [RESOURCE, RESOURCE.replace("127.0.0.1", "localhost")])
async def test_scope_of_the_challenge_is_granted_whatever_name_the_client_calls(
    client: SigningClient, base: str
) -> None:
    host = base.removeprefix("http://").removesuffix("/mcp")
    headers = {"host": host, "content-type": "application/json"}
    refused = await client.send("POST", "/mcp", headers, b"{}")
    (scope,) = re.findall(r'scope="([^"]+)"', refused.headers["www-authenticate"])
    assert scope == f"{base}/user_impersonation"
    assert (await client.sign_in(scope=scope))["scope"] == scope


@pytest.mark.parametrize("scope", [None, "openid offline_access", "user_impersonation"])
async def test_client_that_names_no_scope_of_ours_gets_the_whole(
    client: SigningClient, scope: str | None
) -> None:
    assert (await client.sign_in(scope=scope))["scope"] == WHOLE


async def test_narrow_scope_gives_a_narrow_token_and_a_later_step_up_the_whole(
    client: SigningClient, signing_app: Application
) -> None:
    narrow = await client.sign_in(scope=f"{RESOURCE}/products.read offline_access")
    assert narrow["scope"] == f"{RESOURCE}/products.read"
    call = {"name": "execute_sales_query", "arguments": COUNT}
    status, _ = await ask(signing_app, narrow["access_token"], MODERN, "tools/call", call)
    assert status == 403
    whole = await client.sign_in()
    assert len(await stores(signing_app, whole["access_token"])) == 1


async def test_every_scope_at_once_is_granted_as_asked(client: SigningClient) -> None:
    answer = await client.send("GET", "/.well-known/oauth-authorization-server")
    every = " ".join(orjson.loads(answer.body)["scopes_supported"])
    assert (await client.sign_in(scope=every))["scope"] == every


async def test_refresh_turns_the_token_and_keeps_the_person(
    client: SigningClient, signing_app: Application
) -> None:
    told = await client.sign_in("eastside")
    for _ in range(3):
        status, turned = await client.refresh(told["refresh_token"])
        assert status == 200, turned
        assert turned["refresh_token"] != told["refresh_token"]
        assert len(await stores(signing_app, turned["access_token"])) == 3
        told = turned


async def test_refresh_may_ask_for_less_and_later_for_all_again(client: SigningClient) -> None:
    told = await client.sign_in(scope=f"{WHOLE} {RESOURCE}/sales.read")
    status, less = await client.refresh(told["refresh_token"], scope="sales.read")
    assert (status, less["scope"]) == (200, f"{RESOURCE}/sales.read")
    status, all_again = await client.refresh(less["refresh_token"])
    assert (status, all_again["scope"]) == (200, f"{WHOLE} {RESOURCE}/sales.read")


async def test_resource_may_be_any_name_of_the_loopback_or_left_out(client: SigningClient) -> None:
    local = f"http://localhost:{HOST.partition(':')[2]}/mcp"
    status, _ = await client.redeem(await client.code(resource=local), resource=local)
    assert status == 200
    status, _ = await client.redeem(await client.code(resource=None), resource=None)
    assert status == 200


async def test_port_of_a_loopback_redirect_is_free(client: SigningClient) -> None:
    await client.register()
    client.redirect = REDIRECT.replace("33418", "50123")
    await client.sign_in()


@pytest.mark.parametrize(
    ("registered", "used"),
    [
        ("http://127.0.0.1:33418", "http://127.0.0.1:33418/"),
        ("http://localhost:33418/", "http://localhost:40000"),
        ("http://[::1]?a=1", "http://[::1]:9/?a=1"),
    ],
)
async def test_empty_path_of_a_redirect_is_the_root(
    client: SigningClient, registered: str, used: str
) -> None:
    await client.register(redirect_uris=[registered])
    client.redirect = used
    await client.sign_in()


async def test_redirect_with_a_query_keeps_it(client: SigningClient) -> None:
    client.redirect = f"{REDIRECT}?session=7"
    told = answered(await client.pick(await client.ask(), "redmond"))
    assert told["session"] == "7"
    assert told["code"]


async def test_good_redirects_of_a_list_are_kept(client: SigningClient) -> None:
    offered = [
        "http://localhost:8787/callback",
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "https://www.cursor.com/agents/mcp/oauth/callback",
    ]
    status, told = await client.register(redirect_uris=offered)
    assert status == 201
    assert told["redirect_uris"] == offered[:2]
    assert len(told["client_id"]) <= 280


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": "http://127.0.0.1/"}, "invalid_redirect_uri"),
        ({"redirect_uris": [7]}, "invalid_redirect_uri"),
        ({"redirect_uris": [f"http://127.0.0.1:{port}/" for port in range(1, 12)]}, "invalid_redirect_uri"),
        ({"redirect_uris": [REDIRECT + "a" * 600]}, "invalid_redirect_uri"),
        ({"redirect_uris": [f"{REDIRECT}{n}{'a' * 450}" for n in range(10)]}, "invalid_redirect_uri"),
    ],
)  # fmt: skip
async def test_registration_that_cannot_be_used_is_refused(
    client: SigningClient, metadata: dict[str, Any], error: str
) -> None:
    status, told = await client.register(**metadata)
    assert (status, told["error"]) == (400, error)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"[]"),
        ("application/json", b"{"),
        ("application/json", b'{"client_name": "' + b"x" * 20_000 + b'"}'),
        ("text/plain", b"{}"),
    ],
)
async def test_registration_that_is_no_json_object_is_refused(
    client: SigningClient, content_type: str, body: bytes
) -> None:
    headers = {"host": HOST, "content-type": content_type}
    answer = await client.send("POST", "/oauth/register", headers, body)
    assert answer.status == 400
    assert orjson.loads(answer.body)["error"] == "invalid_client_metadata"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (None, "A client without a name"),
        (7, "A client without a name"),
        ("\u202e\x00\n", "A client without a name"),
        ("a\tb\u202ec\r\n d", "a bc d"),
        ("n" * 200, "n" * 80),
        ("\u3164\u2800\u115f\ufe0f\u034f", "A client without a name"),
        ("\u2800Cla\u3164ude", "Claude"),
    ],
)
async def test_name_of_a_client_is_one_line_of_plain_characters(
    client: SigningClient, name: Any, shown: str
) -> None:
    _, told = await client.register(client_name=name)
    assert told["client_name"] == shown


async def test_registration_is_the_same_for_the_same_client(client: SigningClient) -> None:
    _, first = await client.register()
    _, second = await client.register()
    assert first["client_id"] == second["client_id"]


@pytest.fixture
def granting(seeded_clone: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(seeded_clone.admin, autocommit=True) as admin:
        yield admin


async def test_page_lists_who_is_granted_access_at_this_moment(
    seeded_clone: Database,
    granting: psycopg.Connection,
    home: StateDirectory,
    context_keys: list[str],
) -> None:
    def grant(name: str, number: int, tenant: Any = DEMO_TENANT_ID, kind: Kind = "person") -> None:
        caller = Caller(tenant, type(DEMO_TENANT_ID)(int=number))
        access_grants.grant(
            granting,
            RETAIL,
            caller=caller,
            display_name=name,
            audience=STORE_MANAGERS.name,
            stores=["Tacoma"],
            kind=kind,
        )

    grant('Zoë "<b>" O\'Neil', 1)
    grant("robot", 2, kind="application")
    grant("stranger", 3, tenant=type(DEMO_TENANT_ID)(int=9))
    access_grants.revoke(granting, RETAIL, "spokane")
    application = compose(
        Settings.model_validate({"ZAVA_HOME": home.path}),
        conninfo=seeded_clone.server,
        context_keys=context_keys,
        administrator=seeded_clone.admin,
    )
    client = SigningClient(application.endpoint)
    page = await client.ask()
    text = page.body.decode()
    assert "<b>Zoë &quot;&lt;b&gt;&quot; O&#x27;Neil</b>" in text
    assert not any(name in text for name in ("robot", "stranger", "pokane"))
    told = await client.redeem(
        answered(await client.pick(page, "Zoë &quot;&lt;b&gt;&quot; O&#x27;Neil"))["code"]
    )
    assert await stores(application, told[1]["access_token"]) == ["Zava Retail Tacoma"]
    access_grants.revoke(granting, RETAIL, Caller(DEMO_TENANT_ID, type(DEMO_TENANT_ID)(int=1)))
    late = await client.pick(page, "Zoë &quot;&lt;b&gt;&quot; O&#x27;Neil")
    assert late.status == 400
    assert "not on the list" in orjson.loads(late.body)["error"]
    await application.close()


async def test_without_an_administrator_the_demo_s_people_are_listed(
    application: Application,
) -> None:
    page = await SigningClient(application.endpoint).ask()
    assert page.body.decode().count('class="person"') == len(demo_callers())


async def test_restart_keeps_registration_and_refresh_token_and_a_new_home_asks_once(
    database: Database,
    home: StateDirectory,
    context_keys: list[str],
    client: SigningClient,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    told = await client.sign_in()
    code = await client.code()
    assert (home.path / KEY_FILE).stat().st_mode & 0o777 == 0o600

    def started(path: Any) -> Application:
        settings = Settings.model_validate({"ZAVA_HOME": path})
        return compose(settings, conninfo=database.server, context_keys=context_keys)

    restarted = started(home.path)
    client.endpoint = restarted.endpoint
    status, turned = await client.refresh(told["refresh_token"])
    assert status == 200
    assert len(await stores(restarted, turned["access_token"])) == 1
    status, refused = await client.redeem(code)
    assert (status, refused["error"]) == (400, "invalid_grant"), "a code ends with the process"
    await client.sign_in()
    await restarted.close()

    elsewhere = started(tmp_path_factory.mktemp("elsewhere"))
    client.endpoint = elsewhere.endpoint
    status, refused = await client.refresh(turned["refresh_token"])
    assert (status, refused["error"]) == (400, "invalid_grant")
    call = {"name": "execute_sales_query", "arguments": COUNT}
    status, _ = await ask(elsewhere, turned["access_token"], LEGACY[0], "tools/call", call)
    assert status == 401
    again = await client.sign_in()
    assert len(await stores(elsewhere, again["access_token"])) == 1
    await elsewhere.close()


async def test_documents_answer_a_head_and_files_of_the_page_are_served(
    client: SigningClient,
) -> None:
    for path in ("/oauth/page.css", "/oauth/page.js", "/oauth/icon.svg"):
        answer = await client.send("GET", path)
        head = await client.send("HEAD", path)
        assert (answer.status, head.status, head.body) == (200, 200, b"")
        assert head.headers == answer.headers
        assert answer.body
