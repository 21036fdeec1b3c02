"""Ways to get a code or a token that belongs to another program, and what stops each."""

import logging
import re
import string
from asyncio import gather, to_thread
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from tests.sign_in.client import (
    BROWSER,
    FORM,
    ISSUER,
    REDIRECT,
    RESOURCE,
    VERIFIER,
    SigningClient,
    answered,
    challenge_of,
    reason,
)
from zava.composition.local_sign_in import KEY_FILE, LocalSignIn
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuerRefused
from zava.protocol.console.console import POLICY
from zava.protocol.http_responses import HttpResponse
from zava.protocol.sign_in.laptop import ListedPeople
from zava.protocol.sign_in.page import Choice
from zava.protocol.sign_in.parts import AuthorizationRequest

FOREIGN = "https://attacker.example/mcp"
BASE64URL = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"

FOREIGN_REDIRECTS = [
    "https://attacker.example/callback",
    "http://attacker.example/callback",
    "http://127.0.0.1.attacker.example/callback",
    "http://localhost.attacker.example/callback",
    "http://127.0.0.1@attacker.example/callback",
    "http://attacker.example@127.0.0.1/callback",
    "http://127.0.0.1:33418@attacker.example/",
    "http://attacker.example\\@127.0.0.1/callback",
    "http://127.0.0.1\\.attacker.example/callback",
    "//attacker.example/callback",
    "https://127.0.0.1/callback",
    "http://127.1/callback",
    "http://2130706433/callback",
    "http://0.0.0.0/callback",
    "http://[::ffff:127.0.0.1]/callback",
    "http://127.0.0.1:33418/callback#fragment",
    "http://127.0.0.1:33418/callback\r\nx-header: 1",
    " http://127.0.0.1:33418/callback",
    "http://LOCALHOST:33418/callback",
    "http://127.0.0.1:999999/callback",
    "HTTP://127.0.0.1/callback",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "file:///etc/passwd",
    "vscode:alert(1)",
    "cursor:///callback",
    "intent://callback#Intent;scheme=https;end",
    "https://vscode.dev/redirect/../attacker",
    "https://vscode.dev/redirect?to=https://attacker.example",
    "https://vscode.dev.attacker.example/redirect",
    "https://insiders.vscode.dev@attacker.example/redirect",
    "/callback",
    "",
    "http://127.0.0.1:\uff13\uff13\uff14/callback",
    "http://localhost:\u0663\u0663/callback",
    "http://127.0.0.1:65536/callback",
    "http://[::1]:99999/callback",
    "http://localhost./callback",
    "http://127.0.0.1%2eattacker.example/callback",
    "http://127.0.0.1\t.attacker.example/callback",
    "vscode://file/etc/passwd",
    "vscode-insiders://mcp/install",
    "vscode://vscode-remote/ssh-remote+attacker.example/",
    "vscode://vscode.git/clone?url=https://attacker.example/x.git",
    "cursor://anysphere.cursor-deeplink/mcp/install?name=x&config=e30=",
    "windsurf://user:password@publisher.extension/callback",
    "http://127.0.0.1:33418/callback?code=foreign",
    "http://127.0.0.1:33418/callback?x=1&%63ode=foreign",
    "http://127.0.0.1:33418/callback?x=1;code=foreign",
    "http://localhost:33418/callback?state",
    "http://localhost:33418/callback?Code=foreign",
    "http://localhost:33418/callback?code[]=foreign",
    "http://localhost:33418/callback?+%63ode%5B0%5D=foreign",
    "http://localhost:33418/callback?iss=https://attacker.example",
    "cursor://anysphere.cursor-mcp/oauth/callback?error=access_denied",
]


def written_by_hand(name: str, redirects: Any) -> str:
    """A client id as anyone can write one, without registering."""
    return urlsafe_b64encode(orjson.dumps([name, redirects])).rstrip(b"=").decode()


@pytest.mark.parametrize("redirect", FOREIGN_REDIRECTS)
async def test_foreign_redirect_is_refused_at_registration_and_at_authorization(
    client: SigningClient, redirect: str
) -> None:
    status, told = await client.register(redirect_uris=[redirect])
    assert (status, told["error"]) == (400, "invalid_redirect_uri")
    client.client_id = written_by_hand("Attacker", [redirect])
    page = await client.ask(redirect_uri=redirect)
    assert page.status == 400
    assert "address that is not allowed" in reason(page)


@pytest.mark.parametrize(
    "redirect",
    [
        "http://127.0.0.1:33418/other",
        "http://127.0.0.1:33418/callback/../other",
        "http://127.0.0.1:33418/callback?more=1",
        "http://localhost:33418/callback",
        "http://[::1]:33418/callback",
        "cursor://anysphere.cursor-mcp/oauth/callback",
        None,
    ],
)
async def test_redirect_that_was_not_registered_is_refused(
    client: SigningClient, redirect: str | None
) -> None:
    page = await client.ask(redirect_uri=redirect)
    assert page.status == 400
    assert "address that is not allowed" in reason(page)


@pytest.mark.parametrize(
    "client_id",
    [
        "",
        "unknown",
        "a" * 5000,
        "é",
        written_by_hand("x", REDIRECT),
        written_by_hand("x", [7]),
        written_by_hand("\u202ex", [REDIRECT]),
        urlsafe_b64encode(b"[]").decode().rstrip("="),
        urlsafe_b64encode(b"[[1], [2]]").decode().rstrip("="),
        urlsafe_b64encode(b"\xff\xfe").decode().rstrip("="),
        written_by_hand("x", [REDIRECT]) + "=",
        written_by_hand("x", [REDIRECT]) + "!",
    ],
)
async def test_client_id_that_is_not_one_of_ours_is_refused(
    client: SigningClient, client_id: str
) -> None:
    page = await client.ask(client_id=client_id)
    assert page.status == 400
    assert "not registered" in reason(page)
    status, told = await client.token({"grant_type": "authorization_code", "client_id": client_id})
    assert (status, told["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"code_challenge_method": "plain"}, "PKCE"),
        ({"code_challenge_method": None}, "PKCE"),
        ({"code_challenge_method": "s256"}, "PKCE"),
        ({"code_challenge": None}, "PKCE"),
        ({"code_challenge": "short"}, "PKCE"),
        ({"code_challenge": "a" * 44}, "PKCE"),
        ({"code_challenge": "a" * 42 + "="}, "PKCE"),
        ({"response_type": "token"}, "response_type"),
        ({"response_type": "code id_token"}, "response_type"),
        ({"response_type": None}, "response_type"),
        ({"resource": FOREIGN}, "another server"),
        ({"resource": f"{RESOURCE}/"}, "another server"),
        ({"resource": RESOURCE.replace("7071", "7072")}, "another server"),
        ({"resource": ISSUER}, "another server"),
        ({"scope": "https://graph.example/.default"}, "No scope is known"),
        ({"state": "x" * 20_000}, "longer than"),
        ({"state": "x" * 6_500}, "shorter state"),
        ({"state": "\u0001" * 2_000}, "shorter state"),
    ],
)
async def test_request_that_must_not_go_on_is_a_page_without_a_way_on(
    client: SigningClient, changed: dict[str, str | None], words: str
) -> None:
    page = await client.ask(**changed)
    assert page.status == 400
    assert words in reason(page)
    assert page.headers["content-security-policy"] == POLICY


@pytest.mark.parametrize("name", ["redirect_uri", "client_id", "resource", "code_challenge"])
async def test_parameter_that_comes_twice_is_refused(client: SigningClient, name: str) -> None:
    await client.register()
    right = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": REDIRECT,
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        "resource": RESOURCE,
    }
    for pairs in (
        [(name, "x"), *right.items()],
        [*right.items(), (name, "x")],
        [*right.items(), (name, "")],
    ):
        page = await client.send("GET", "/oauth/authorize", query=urlencode(pairs))
        assert page.status == 400
        assert "twice" in reason(page)


@pytest.mark.parametrize("query", ["%ff=%fe", "&".join(f"a{n}=1" for n in range(60)), "", "&&=&"])
async def test_query_that_is_not_readable_is_a_page_in_words(
    client: SigningClient, query: str
) -> None:
    page = await client.send("GET", "/oauth/authorize", query=query)
    assert page.status == 400
    assert reason(page)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"origin": None}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "https://attacker.example"}, 403),
        ({"origin": "http://localhost:7071"}, 403),
        ({"origin": "http://127.0.0.1:8080"}, 403),
        ({"origin": "https://127.0.0.1:7071"}, 403),
        ({"origin": f"{ISSUER}/"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"host": "localhost:7071", "origin": "http://localhost:7071"}, 421),
        ({"host": "localhost:7071"}, 421),
        ({"host": "127.0.0.1", "origin": "http://127.0.0.1"}, 421),
        ({"host": "127.0.0.1:7071.attacker.example"}, 421),
        ({"host": "attacker.example:7071", "origin": "http://attacker.example:7071"}, 421),
        ({"host": None}, 421),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": "application/json; charset=utf-8"}, 415),
        ({"content-type": None}, 415),
    ],
)
async def test_choice_that_another_page_sends_is_refused(
    client: SigningClient, changed: dict[str, str | None], status: int
) -> None:
    headers = {name: value for name, value in {**BROWSER, **changed}.items() if value is not None}
    answer = await client.pick(await client.ask(), "redmond", headers)
    assert answer.status == status
    assert b"code=" not in answer.body
    assert not any(name.startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize("name", ["host", "origin", "content-type"])
async def test_header_that_comes_twice_is_refused(client: SigningClient, name: str) -> None:
    page = await client.ask()
    ticket = re.findall(r'data-ticket="([^"]+)"', page.body.decode())[0]
    body = orjson.dumps({"ticket": ticket, "person": None})
    sent = [*BROWSER.items(), (name, BROWSER[name])]
    answer = await client.endpoint.handle("POST", "/oauth/authorize", sent, body)
    assert answer.status == 400


@pytest.mark.parametrize(
    "changed",
    [
        {"person": "redmond"},
        {"person": ["redmond"]},
        {"person": 7},
        {"person": "00000000-0000-0000-0000-000000000000"},
        {"ticket": None},
        {"ticket": ""},
        {"ticket": "x" * 9000},
        {"ticket": "a" * 60},
        {"ticket": {"client_id": "x"}},
    ],
)
async def test_choice_of_no_person_or_of_no_page_gives_no_code(
    client: SigningClient, changed: dict[str, Any]
) -> None:
    answer = await client.pick(await client.ask(), "redmond", **changed)
    assert answer.status == 400
    assert orjson.loads(answer.body).keys() == {"error"}


@pytest.mark.parametrize("kind", ["image", "script", "iframe", "empty", "object", "worker"])
async def test_page_is_looked_up_for_no_part_of_another_page(
    client: SigningClient, kind: str
) -> None:
    whole = {"sec-fetch-dest": "document", "sec-fetch-site": "cross-site"}
    assert (await client.ask(whole)).status == 200
    page = await client.ask({"sec-fetch-dest": kind, "sec-fetch-site": "cross-site"})
    assert page.status == 403
    assert "tab of its own" in reason(page)


async def test_flood_of_pages_holds_two_look_ups_at_once() -> None:
    at_once: list[int] = []
    under_way = 0

    async def listed() -> list[Choice]:
        nonlocal under_way
        under_way += 1
        at_once.append(under_way)
        await to_thread(int)  # the others go on
        under_way -= 1
        return []

    people = ListedPeople(listed)
    authorization = AuthorizationRequest("x", "x", REDIRECT, None, "x", RESOURCE, ())
    pages = await gather(*(people.welcome(authorization, "x", {}) for _ in range(50)))
    assert [page.status for page in pages] == [200] * 50
    assert len(at_once) == 50
    assert max(at_once) == 2


async def test_get_of_the_page_has_no_effect_and_redirects_nowhere(client: SigningClient) -> None:
    page = await client.ask()
    assert page.status == 200
    assert "location" not in page.headers
    assert "set-cookie" not in page.headers
    assert b"code=" not in page.body


async def test_ticket_that_is_changed_anywhere_does_not_open(client: SigningClient) -> None:
    code = await client.code()
    for place in (0, 5, 20, len(code) // 2, len(code) - 2, len(code) - 1):
        other = BASE64URL[(BASE64URL.index(code[place]) + 1) % 64]
        status, told = await client.redeem(code[:place] + other + code[place + 1 :])
        assert (status, told["error"]) == (400, "invalid_grant"), place
    for changed in (f"{code}A", f"{code}!", f"{code}=", code[:-1], f" {code}", ""):
        status, told = await client.redeem(changed)
        assert (status, told["error"]) == (400, "invalid_grant"), changed
    assert (await client.redeem(code))[0] == 200, "the attempts have not used it up"


async def test_ticket_of_one_kind_is_none_of_another(client: SigningClient) -> None:
    page = await client.ask()
    ticket = re.findall(r'data-ticket="([^"]+)"', page.body.decode())[0]
    told = await client.sign_in()
    code = await client.code()
    for swapped in (ticket, told["refresh_token"], told["access_token"]):
        status, refused = await client.redeem(swapped)
        assert (status, refused["error"]) == (400, "invalid_grant")
    for swapped in (ticket, code, told["access_token"]):
        status, refused = await client.refresh(swapped)
        assert (status, refused["error"]) == (400, "invalid_grant")
    for swapped in (code, told["refresh_token"]):
        assert (await client.pick(page, "redmond", ticket=swapped)).status == 400


async def test_code_is_redeemed_once_and_a_second_time_ends_the_sign_in(
    client: SigningClient,
) -> None:
    code = await client.code()
    status, told = await client.redeem(code)
    assert status == 200
    status, refused = await client.redeem(code)
    assert (status, refused["error"]) == (400, "invalid_grant")
    status, refused = await client.refresh(told["refresh_token"])
    assert (status, refused["error"]) == (400, "invalid_grant")


async def test_refresh_token_that_was_used_ends_the_sign_in_and_no_other(
    client: SigningClient,
) -> None:
    first, other = await client.sign_in(), await client.sign_in("seattle")
    _, turned = await client.refresh(first["refresh_token"])
    assert (await client.refresh(first["refresh_token"]))[0] == 400
    status, refused = await client.refresh(turned["refresh_token"])
    assert (status, refused["error"]) == (400, "invalid_grant"), "the whole sign-in has ended"
    assert (await client.refresh(other["refresh_token"]))[0] == 200


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": None}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_grant"),
        ({"code_verifier": VERIFIER[:-1] + "x"}, "invalid_grant"),
        ({"code_verifier": VERIFIER + "é"}, "invalid_grant"),
        ({"code_verifier": "x" * 129}, "invalid_grant"),
        ({"code_verifier": challenge_of(VERIFIER)}, "invalid_grant"),
        ({"redirect_uri": REDIRECT.replace("33418", "33419")}, "invalid_grant"),
        ({"redirect_uri": f"{REDIRECT}/"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"resource": FOREIGN}, "invalid_target"),
        ({"resource": RESOURCE.replace("127.0.0.1", "localhost")}, "invalid_target"),
        ({"resource": f"{RESOURCE}/"}, "invalid_target"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": None}, "unsupported_grant_type"),
        ({"code": None}, "invalid_grant"),
    ],
)
async def test_code_is_bound_to_its_request(
    client: SigningClient, changed: dict[str, str | None], error: str
) -> None:
    code = await client.code()
    status, told = await client.redeem(**({"code": code} | changed))  # type: ignore[arg-type]  # has what the client calls
    assert (status, told["error"]) == (400, error)
    assert "access_token" not in told


@pytest.mark.parametrize("resource", [FOREIGN, RESOURCE.replace("127.0.0.1", "[::1]")])
async def test_refresh_is_bound_to_its_resource_and_scopes(
    client: SigningClient, resource: str
) -> None:
    told = await client.sign_in(scope="sales.read")
    status, refused = await client.refresh(told["refresh_token"], resource=resource)
    assert (status, refused["error"]) == (400, "invalid_target")
    status, refused = await client.refresh(told["refresh_token"], scope="user_impersonation")
    assert (status, refused["error"]) == (400, "invalid_scope")
    status, refused = await client.refresh(told["refresh_token"], scope="unknown")
    assert (status, refused["error"]) == (400, "invalid_request")
    assert (await client.refresh(told["refresh_token"]))[0] == 200, "none of them has used it up"


async def test_code_and_refresh_token_are_no_other_client_s(client: SigningClient) -> None:
    code, told = await client.code(), await client.sign_in()
    thief = SigningClient(client.endpoint, "Thief")
    await thief.register()
    for status, refused in (await thief.redeem(code), await thief.refresh(told["refresh_token"])):
        assert (status, refused["error"]) == (400, "invalid_grant")
    assert (await client.redeem(code))[0] == 200
    assert (await client.refresh(told["refresh_token"]))[0] == 200


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"grant_type": "authorization_code"}'),
        ("application/x-www-form-urlencoded", b"grant_type=a&grant_type=b"),
        ("application/x-www-form-urlencoded", b"\xff"),
        ("application/x-www-form-urlencoded", b"code=" + b"x" * 20_000),
    ],
)
async def test_token_request_that_is_no_form_is_refused(
    client: SigningClient, content_type: str, body: bytes
) -> None:
    headers = FORM | {"content-type": content_type}
    answer = await client.send("POST", "/oauth/token", headers, body)
    assert (answer.status, orjson.loads(answer.body)["error"]) == (400, "invalid_request")


async def test_code_of_a_person_who_goes_on_elsewhere_carries_the_issuer(
    client: SigningClient,
) -> None:
    # A client that talks to several servers compares it (RFC 9207).
    assert answered(await client.pick(await client.ask(), "redmond"))["iss"] == ISSUER


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</bdi><h1>Zava is closed</h1>",
        "$ticket ${ticket} $$",
        "\u202eedoC edualC",
        "C" + "\u0301" * 70,
    ],
)
async def test_client_s_name_is_text(client: SigningClient, name: str) -> None:
    client.name = name
    page = (await client.ask()).body.decode()
    found = re.search(r"<bdi>(.*?)</bdi></b> asks", page)
    assert found
    assert not re.search(r"[<>\u202e]|\u0301{4}", found[1])
    assert page.count("<script") == 1
    assert page.count("<h1>") == 1


@pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/page.css", "/oauth/page.js"])
async def test_pages_are_not_framed_and_run_nothing_else(client: SigningClient, path: str) -> None:
    page = await client.ask() if path == "/oauth/authorize" else await client.send("GET", path)
    policy = page.headers["content-security-policy"]
    assert policy == POLICY
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert b"<form" not in page.body
    assert b"innerHTML" not in page.body


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/.well-known/oauth-authorization-server", "GET, HEAD"),
        ("GET", "/oauth/token", "POST"),
        ("GET", "/oauth/register", "POST"),
        ("DELETE", "/oauth/register", "POST"),
        ("PUT", "/oauth/authorize", "GET, HEAD, POST"),
        ("OPTIONS", "/oauth/token", "POST"),
    ],
)
async def test_other_methods_are_not_allowed(
    client: SigningClient, method: str, path: str, allowed: str
) -> None:
    answer = await client.send(method, path)
    assert (answer.status, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize("path", ["/oauth/", "/oauth/revoke", "/oauth/page.html", "/oauth/../mcp"])
async def test_unknown_path_is_404(client: SigningClient, path: str) -> None:
    assert (await client.send("GET", path)).status == 404


@pytest.mark.parametrize("host", ["attacker.example:7071", "127.0.0.1:8080", "127.0.0.1", ""])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/.well-known/oauth-authorization-server"),
        ("POST", "/oauth/register"),
        ("GET", "/oauth/authorize"),
        ("POST", "/oauth/token"),
    ],
)
async def test_other_host_names_are_not_served(
    client: SigningClient, method: str, path: str, host: str
) -> None:
    assert (await client.send(method, path, {"host": host})).status == 421


class _Aged:
    """A sign-in whose clock a test moves."""

    def __init__(self, home: StateDirectory, port: int = 7071) -> None:
        self.now = 1_800_000_000.0
        self._sign_in = LocalSignIn(home, port, "port=1 host=127.0.0.1", clock=lambda: self.now)

    async def handle(
        self, method: str, path: str, headers: Any, body: bytes, query: str = ""
    ) -> HttpResponse:
        answer = await self._sign_in.answer(method, path, query, dict(headers), body)
        return answer._replace(headers={"cache-control": "no-store", **answer.headers})


async def test_tickets_end_by_time(home: StateDirectory) -> None:
    aged = _Aged(home)
    client = SigningClient(aged)  # type: ignore[arg-type]  # has what the client calls
    code = await client.code()
    aged.now += 59
    assert (await client.redeem(code))[0] == 200
    code = await client.code()
    aged.now += 61
    status, told = await client.redeem(code)
    assert (status, told["error"]) == (400, "invalid_grant")
    page = await client.ask()
    aged.now += 3601
    late = await client.pick(page, "redmond")
    assert late.status == 400
    assert "too old" in orjson.loads(late.body)["error"]
    told = await client.sign_in()
    aged.now += 29 * 24 * 3600
    status, turned = await client.refresh(told["refresh_token"])
    assert status == 200
    aged.now += 31 * 24 * 3600
    status, told = await client.refresh(turned["refresh_token"])
    assert (status, told["error"]) == (400, "invalid_grant")


class _Called:
    """An endpoint that a client calls by the name of another port."""

    def __init__(self, aged: _Aged, port: int) -> None:
        self._aged = aged
        self._host = f"127.0.0.1:{port}"

    async def handle(
        self, method: str, path: str, headers: Any, body: bytes, query: str = ""
    ) -> HttpResponse:
        renamed = {
            name: value.replace("127.0.0.1:7071", self._host) for name, value in headers.items()
        }
        return await self._aged.handle(method, path, renamed, body, query)


async def test_used_refresh_token_that_comes_first_after_a_restart_ends_the_right_one(
    home: StateDirectory,
) -> None:
    client = SigningClient(_Aged(home))  # type: ignore[arg-type]  # has what the client calls
    used = await client.sign_in()
    _, right = await client.refresh(used["refresh_token"])
    client.endpoint = _Aged(home)  # type: ignore[assignment]  # has what the client calls
    status, stolen = await client.refresh(used["refresh_token"])
    assert status == 200, "the memory of used tokens ends with the process"
    for token in (right, stolen):
        status, refused = await client.refresh(token["refresh_token"])
        assert (status, refused["error"]) == (400, "invalid_grant")


async def test_tickets_of_one_issuer_are_none_of_another_of_the_same_home(
    home: StateDirectory,
) -> None:
    client = SigningClient(_Aged(home))  # type: ignore[arg-type]  # has what the client calls
    told, page = await client.sign_in(), await client.ask()
    client.endpoint = _Called(_Aged(home, 7072), 7072)  # type: ignore[assignment]  # has what the client calls
    for resource in (None, RESOURCE.replace("7071", "7072")):
        status, refused = await client.refresh(told["refresh_token"], resource=resource)
        assert (status, refused["error"]) == (400, "invalid_grant")
    late = await client.pick(page, "redmond")
    assert late.status == 400
    assert "too old" in orjson.loads(late.body)["error"]


@pytest.mark.parametrize("text", ["", "\n", "short"])
def test_key_that_is_empty_or_cut_seals_nothing(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    home = StateDirectory(tmp_path_factory.mktemp("cut"))
    (home.path / KEY_FILE).write_text(text)
    with pytest.raises(LocalIssuerRefused, match=KEY_FILE):
        _Aged(home)


async def test_nothing_is_logged_or_told_of_codes_and_tokens(
    client: SigningClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="zava")
    code = await client.code()
    _, told = await client.redeem(code)
    await client.refresh(told["refresh_token"])
    for secret in (code, told["access_token"], told["refresh_token"], VERIFIER):
        assert secret not in caplog.text
    _, refused = await client.redeem(code)
    assert code not in str(refused)
