"""Ways to get another person's code or token at a deployment, and what stops each."""

import asyncio
import time
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from uuid import UUID

import jwt
import orjson
import psycopg
import pytest

from tests.sign_in.broker import CLAUDE, HOST, ISSUER, Browser, gone, lead
from tests.sign_in.conftest import Deployment
from tests.sign_in.directory import Directory, Grant
from tests.sign_in.registrations import APP_ID
from tests.sign_in.test_attacks import FOREIGN_REDIRECTS, written_by_hand
from tests.sign_in.test_broker import call
from tests.support.answers.entra import KEY, OTHER_KEY, part

FOREIGN = "https://attacker.example"
OTHER_BROWSER = "__Host-zava-sign-in=" + "x" * 43


def state_of(location: str) -> str:
    return dict(parse_qsl(urlsplit(location).query))["state"]


async def begun(deployment: Deployment, browser: Browser) -> str:
    """Return where the directory would send the browser back: the address of the callback."""
    answer = await browser.send("GET", await deployment.client().address())
    state = state_of(answer.headers["location"])
    location = deployment.directory.authorize(
        dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    )
    assert state_of(location) == state
    return location


def sign_ins(deployment: Deployment) -> list[tuple[UUID, str | None]]:
    with psycopg.connect(deployment.database.owner) as connection:
        return connection.execute(
            "SELECT sign_in_id, ended_because FROM zava.sign_ins ORDER BY begun_at DESC"
        ).fetchall()


@pytest.mark.parametrize("cookie", [None, OTHER_BROWSER, "__Host-zava-sign-in=", "sign-in=x"])
async def test_sign_in_that_began_in_another_browser_does_not_end_in_this_one(
    deployment: Deployment, cookie: str | None
) -> None:
    attacker = deployment.browser()
    location = await begun(deployment, attacker)
    victim = Browser(deployment.first.endpoint, cookie)
    page = await victim.open(location)
    assert page.status == 400
    assert lead(page).startswith("This sign-in began in another browser.")
    assert deployment.directory.requests("token") == [], "the code was not redeemed"
    assert (await attacker.open(location)).status == 200, "its own browser goes on"


async def test_cookie_that_comes_twice_belongs_to_no_browser(deployment: Deployment) -> None:
    browser = deployment.browser()
    location = await begun(deployment, browser)
    browser.cookie = f"{browser.cookie}; {OTHER_BROWSER}"
    assert (await browser.open(location)).status == 400


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"origin": None}, 403),
        ({"origin": "null"}, 403),
        ({"origin": FOREIGN}, 403),
        ({"origin": ISSUER.replace("https", "http")}, 403),
        ({"origin": ISSUER, "sec-fetch-site": "cross-site"}, 403),
        ({"origin": ISSUER, "sec-fetch-site": "same-site"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"cookie": None}, 400),
        ({"cookie": OTHER_BROWSER}, 400),
        ({"host": FOREIGN.removeprefix("https://")}, 421),
        ({"host": "localhost:7071"}, 421),
    ],
)
@pytest.mark.parametrize("button", ["Allow", "Deny"])
async def test_consent_is_given_in_its_own_page_and_browser_alone(
    deployment: Deployment, changed: dict[str, str | None], status: int, button: str
) -> None:
    browser = deployment.browser()
    page = await browser.open(await deployment.client().address())
    refused = await browser.press(page, button, **changed)
    assert refused.status == status
    assert b"location" not in refused.body
    assert gone(await browser.press(page, "Allow"))["code"], "the page itself may still be used"


@pytest.mark.parametrize("first", ["Allow", "Deny"])
async def test_page_is_answered_once(deployment: Deployment, first: str) -> None:
    browser = deployment.browser()
    page = await browser.open(await deployment.client().address())
    assert (await browser.press(page, first)).status == 200
    for button in ("Allow", "Deny"):
        refused = await browser.press(page, button)
        assert refused.status == 400
        assert b"answered before" in refused.body


async def test_page_that_two_instances_answer_gives_one_token(deployment: Deployment) -> None:
    client, browser = deployment.client(), deployment.browser()
    page = await browser.open(await client.address())
    codes = []
    for application in (deployment.first, deployment.second):
        browser.endpoint = application.endpoint
        codes.append(gone(await browser.press(page, "Allow"))["code"])
    first, second = [await client.redeem(code) for code in codes]
    assert (first[0], second[0], second[1]["error"]) == (200, 400, "invalid_grant")
    assert (await client.refresh(first[1]["refresh_token"]))[0] == 400


async def test_code_that_comes_to_both_instances_at_once_gives_one_token(
    deployment: Deployment,
) -> None:
    client, other = deployment.client(), deployment.client()
    code = await client.code()
    other.client_id, other.endpoint = client.client_id, deployment.second.endpoint
    answers = await asyncio.gather(client.redeem(code), other.redeem(code))
    assert sorted(status for status, _ in answers) == [200, 400]
    (told,) = (content for status, content in answers if status == 200)
    assert sign_ins(deployment)[0][1] == "reuse"
    for each in (client, other):
        status, refused = await each.refresh(told["refresh_token"])
        assert (status, refused["error"]) == (400, "invalid_grant")


async def test_refresh_token_that_was_used_ends_the_sign_in_at_every_instance(
    deployment: Deployment,
) -> None:
    client = deployment.client()
    told = await client.sign_in()
    next_one = (await client.refresh(told["refresh_token"]))[1]["refresh_token"]
    client.endpoint = deployment.second.endpoint
    assert (await client.refresh(told["refresh_token"]))[0] == 400
    for application in (deployment.first, deployment.second):
        client.endpoint = application.endpoint
        assert (await client.refresh(next_one))[0] == 400


async def test_page_shows_whom_it_signs_in_and_no_one_else_can_be_named(
    deployment: Deployment,
) -> None:
    browser = deployment.browser()
    page = await browser.open(await deployment.client().address())
    text = page.body.decode()
    ticket = text.partition('data-ticket="')[2].partition('"')[0]
    headers = {"origin": ISSUER, "content-type": "application/json"}
    people: list[Any] = [APP_ID, "", 7, [], {}, True]
    for person in people:
        body = orjson.dumps({"ticket": ticket, "person": person})
        refused = await browser.send("POST", f"{ISSUER}/oauth/authorize", body, headers)
        assert refused.status == 400, person


@pytest.mark.parametrize("step", ["state", "ticket", "code", "refresh_token"])
async def test_ticket_that_was_changed_or_belongs_to_another_step_opens_nothing(
    deployment: Deployment, step: str
) -> None:
    client, browser = deployment.client(), deployment.browser()
    state = state_of((await browser.send("GET", await client.address())).headers["location"])
    page = await browser.open(await client.address())
    ticket = page.body.decode().partition('data-ticket="')[2].partition('"')[0]
    code = await client.code()
    refresh = (await client.redeem(await client.code()))[1]["refresh_token"]
    whole = {"state": state, "ticket": ticket, "code": code, "refresh_token": refresh}
    own = whole.pop(step)
    middle = len(own) // 2
    changed = own[:middle] + ("A" if own[middle] != "A" else "B") + own[middle + 1 :]
    for wrong in (*whole.values(), changed, own[:-1], f"{own}=", f" {own}", ""):
        if step == "state":
            answer = await browser.send(
                "GET", f"{ISSUER}/oauth/callback?code=c&state={quote(wrong)}"
            )
        elif step == "ticket":
            body = orjson.dumps({"ticket": wrong, "person": None})
            headers = {"origin": ISSUER, "content-type": "application/json"}
            answer = await browser.send("POST", f"{ISSUER}/oauth/authorize", body, headers)
        else:
            redeem = client.redeem if step == "code" else client.refresh
            assert (await redeem(wrong))[0] == 400
            continue
        assert answer.status == 400
        assert "location" not in answer.headers


def in_ten_minutes() -> int:
    """Return a moment that lies ahead whenever the test runs: these cases are collected long before."""
    return int(time.time()) + 600


BAD_ID_TOKENS: list[tuple[str, dict[str, Any]]] = [
    ("nonce of another sign-in", {"nonce": "another"}),
    ("no nonce", {"nonce": None}),
    ("nonce is a number", {"nonce": 7}),
    ("another client's", {"aud": "another-client"}),
    ("of two clients without a sender", {"aud": [APP_ID, "another-client"]}),
    ("sent to another client", {"aud": [APP_ID, "another-client"], "azp": "another-client"}),
    ("sent to another", {"azp": "another-client"}),
    ("another issuer's", {"iss": "https://attacker.example/v2.0"}),
    ("no issuer", {"iss": None}),
    ("expired", {"exp": int(time.time()) - 120}),
    ("of the future", {"iat": in_ten_minutes}),
    ("no expiry", {"exp": None}),
    ("no time", {"iat": None}),
    ("times that are no numbers", {"exp": "4000000000"}),
    ("endless", {"exp": True}),
    ("of a time beyond all numbers", {"exp": 10**400}),
    ("not valid yet", {"nbf": in_ten_minutes}),
    ("not valid before a text", {"nbf": "4000000000"}),
    ("nonce without bytes", {"nonce": "\ud800"}),
    ("person in another spelling", {"oid": "urn:uuid:5a7a0000-0000-4000-8000-000000000001"}),
    ("tenant in braces", {"tid": "{5a7a0000-0000-4000-8000-000000000001}"}),
    ("no person", {"oid": None}),
    ("person without an id", {"oid": "me"}),
    ("no tenant", {"tid": None}),
    ("no subject", {"sub": None}),
]


@pytest.mark.parametrize("changed", [each[1] for each in BAD_ID_TOKENS], ids=dict(BAD_ID_TOKENS))
async def test_id_token_that_proves_no_one_to_this_server_is_refused(
    deployment: Deployment, changed: dict[str, Any]
) -> None:
    deployment.directory.changed |= {
        name: value() if callable(value) else value for name, value in changed.items()
    }
    page = await deployment.browser().open(await deployment.client().address())
    assert page.status == 502
    assert lead(page).startswith("The directory did not confirm who you are.")


async def test_person_of_a_tenant_that_is_not_allowed_is_refused(deployment: Deployment) -> None:
    other = "22222222-2222-4333-8444-555555555555"
    deployment.directory.changed["tid"] = other
    page = await deployment.browser().open(await deployment.client().address())
    assert page.status == 400
    assert lead(page) == "People of this directory may not sign in here."


@pytest.mark.parametrize("name", ["none", "HS256", "other key", "no kid", "not a token", "nothing"])
async def test_id_token_that_the_directory_did_not_sign_is_refused(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    right: Any = deployment.directory.id_token

    def wrong(grant: Grant) -> Any:
        good = right(grant)
        claims = jwt.decode(good, options={"verify_signature": False})
        return {
            "none": f"{part({'alg': 'none', 'kid': 'k1'})}.{part(claims)}.",
            "HS256": jwt.encode(claims, "k" * 32, algorithm="HS256", headers={"kid": "k1"}),
            "other key": right(grant, key=OTHER_KEY),
            "no kid": jwt.encode(claims, KEY, algorithm="RS256"),
            "not a token": "abc",
            "nothing": None,
        }[name]

    monkeypatch.setattr(Directory, "id_token", lambda _, grant: wrong(grant))
    page = await deployment.browser().open(await deployment.client().address())
    assert page.status == 502
    assert lead(page).startswith("The directory did not confirm who you are.")


async def test_answer_of_another_issuer_is_refused(deployment: Deployment) -> None:
    browser = deployment.browser()
    location = await begun(deployment, browser)
    mixed = await browser.open(f"{location}&{urlencode({'iss': FOREIGN})}")
    assert mixed.status == 502
    assert deployment.directory.requests("token") == []


async def test_callback_of_another_host_or_method_has_no_effect(deployment: Deployment) -> None:
    browser = deployment.browser()
    location = await begun(deployment, browser)
    assert (await browser.send("HEAD", location)).status == 405
    assert (await browser.send("POST", location)).status == 405
    assert (await browser.send("GET", location, headers={"host": "localhost"})).status == 421
    assert (await browser.send("GET", f"{location}&state=x")).status == 400
    assert deployment.directory.requests("token") == []
    assert (await browser.open(location)).status == 200
    again = await browser.open(location)
    assert again.status == 400, "a sign-in sends its code once"
    assert len(deployment.directory.requests("token")) == 1


@pytest.mark.parametrize(
    "redirect",
    [
        *FOREIGN_REDIRECTS,
        "https://claude.ai/",
        "https://claude.ai/api/mcp/auth_callback/",
        "https://claude.ai/api/mcp/auth_callback?next=x",
        "https://claude.ai:8443/api/mcp/auth_callback",
        "https://claude.ai.attacker.example/api/mcp/auth_callback",
        "https://claude.ai@attacker.example/api/mcp/auth_callback",
        "http://claude.ai/api/mcp/auth_callback",
        "https://CLAUDE.ai/api/mcp/auth_callback",
        "https://chatgpt.com/connector/oauth/../../attacker",
        "https://chatgpt.com/connector/oauth/%2e%2e/attacker",
        "https://chatgpt.com/connector/oauth/..;/attacker",
        "https://chatgpt.com/connector/oauth/;/attacker",
        "https://chatgpt.com/connector/oauth//attacker",
        "https://chatgpt.com/connector/oauth/x#fragment",
        "https://chatgpt.com/connector/oauth/x?y=z",
        "https://chatgpt.com/connector/oauth/x\\y",
        "https://chatgpt.com/connector/oauth/x\r\ny",
        "https://global.consent.azure-apim.net/other",
    ],
)
async def test_foreign_redirect_is_refused_at_registration_and_at_authorization(
    deployment: Deployment, redirect: str
) -> None:
    client = deployment.client(redirect=redirect)
    status, told = await client.register()
    assert (status, told["error"]) == (400, "invalid_redirect_uri")
    client.client_id = written_by_hand("Attacker", [redirect])
    page = await deployment.browser().open(await client.address())
    assert page.status == 400
    assert "address that is not allowed" in lead(page)
    assert deployment.directory.requests("authorize") == []


async def test_known_client_s_redirect_is_one_that_this_client_registered(
    deployment: Deployment,
) -> None:
    client = deployment.client()
    await client.register()
    page = await deployment.browser().open(
        await client.address(redirect_uri="https://claude.com/api/mcp/auth_callback")
    )
    assert page.status == 400


@pytest.mark.parametrize(
    "changed",
    [
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge": None},
        {"resource": f"{FOREIGN}/mcp"},
        {"response_type": "token"},
        {"client_id": "unknown"},
    ],
)
async def test_request_that_is_refused_leads_to_no_directory(
    deployment: Deployment, changed: dict[str, str | None]
) -> None:
    page = await deployment.browser().open(await deployment.client().address(**changed))
    assert page.status == 400
    assert deployment.directory.requests("authorize") == []


async def test_request_that_would_make_too_long_an_address_is_refused(
    deployment: Deployment,
) -> None:
    page = await deployment.browser().open(await deployment.client().address(state="s" * 6000))
    assert page.status == 400
    assert "request is too long" in lead(page)


@pytest.mark.parametrize(
    "changed",
    [
        {"code_verifier": "another-verifier-of-at-least-forty-three-characters"},
        {"code_verifier": None},
        {"redirect_uri": "https://claude.com/api/mcp/auth_callback"},
        {"resource": f"{FOREIGN}/mcp"},
        {"client_id": written_by_hand("Other", [CLAUDE])},
    ],
)
async def test_code_of_another_request_is_refused_and_not_used_up(
    deployment: Deployment, changed: dict[str, str | None]
) -> None:
    client = deployment.client()
    code = await client.code()
    status, refused = await client.redeem(code, **changed)
    assert status == 400
    assert refused["error"] in {"invalid_grant", "invalid_target"}
    assert (await client.redeem(code))[0] == 200


async def test_token_of_the_sign_in_page_or_of_the_directory_is_no_access_token(
    deployment: Deployment,
) -> None:
    told = await deployment.client().sign_in()
    id_token = next(each for each in deployment.directory.issued[::-1] if each.count(".") == 2)
    for wrong in (id_token, told["refresh_token"], f"{told['access_token'][:-4]}AAAA"):
        assert (await call(deployment.first, wrong))[0] == 401


async def test_person_who_closes_the_page_leaves_nothing_behind(deployment: Deployment) -> None:
    before = sign_ins(deployment)
    await deployment.browser().open(await deployment.client().address())
    await deployment.browser().send("GET", await deployment.client().address())
    assert sign_ins(deployment) == before


async def test_script_in_a_client_s_or_a_person_s_name_is_text(deployment: Deployment) -> None:
    deployment.directory.changed["name"] = "<script>alert(1)</script>\u202e\n" + "x" * 200
    client = deployment.client(name='"><img src=x onerror=alert(1)>')
    text = (await deployment.browser().open(await client.address())).body.decode()
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "\u202e" not in text
    assert "x" * 80 not in text, "a name is cut"


async def test_database_that_is_away_ends_no_sign_in(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zava.data.redeemed_codes import SignInLedger
    from zava.errors import Busy

    client = deployment.client()
    told = await client.sign_in()

    async def away(*_: Any) -> bool:
        raise Busy("The database does not answer at present.", retry_after_seconds=3)

    with monkeypatch.context() as patched:
        # The ledger is away for this one call.
        patched.setattr(SignInLedger, "_take", away)
        answer = await deployment.first.endpoint.handle(
            "POST",
            "/oauth/token",
            {"host": HOST, "content-type": "application/x-www-form-urlencoded"},
            urlencode(
                {
                    "grant_type": "refresh_token",
                    "refresh_token": told["refresh_token"],
                    "client_id": client.client_id,
                }
            ).encode(),
        )
        assert (answer.status, answer.headers["retry-after"]) == (503, "3")
        assert orjson.loads(answer.body)["error"] == "temporarily_unavailable"
    assert (await client.refresh(told["refresh_token"]))[0] == 200
