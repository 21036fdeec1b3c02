"""What a browser or a host in front may write in a way that two readers understand differently."""

from urllib.parse import urlsplit

import orjson
import pytest

from tests.sign_in.broker import HOST, ISSUER, gone
from tests.sign_in.client import FORM
from tests.sign_in.conftest import Deployment
from tests.sign_in.test_broker_attacks import OTHER_BROWSER, begun, state_of
from zava.protocol.capacity.process_time import ANYONE


@pytest.mark.parametrize("space", ["\u2000", "\u3000", "\x85", "\xa0", "\x0b", "\x0c", "\x1c"])
async def test_cookie_behind_a_space_that_browsers_do_not_know_is_another_host_s(
    deployment: Deployment, space: str
) -> None:
    # Browsers see no `__Host-` behind it, so a sibling host may set it for the whole domain.
    attacker, victim = deployment.browser(), deployment.browser()
    location = await begun(deployment, attacker)
    victim.cookie = f"{space}{attacker.cookie}"
    assert (await victim.open(location)).status == 400
    victim.cookie = f"theme=dark; {space}{attacker.cookie}"
    assert (await victim.open(location)).status == 400
    attacker.cookie = f"theme=dark;\t{attacker.cookie} "
    assert (await attacker.open(location)).status == 200, "a space of HTTP is none of the cookie"


@pytest.mark.parametrize("name", ["cookie", "sec-fetch-site", "sec-fetch-dest"])
async def test_header_of_browsers_that_comes_twice_is_refused(
    deployment: Deployment, name: str
) -> None:
    browser = deployment.browser()
    page = await browser.open(await deployment.client().address())
    ticket = page.body.decode().partition('data-ticket="')[2].partition('"')[0]
    own = {"cookie": browser.cookie or "", "sec-fetch-site": "same-origin", "sec-fetch-dest": ""}
    others = {"cookie": OTHER_BROWSER, "sec-fetch-site": "cross-site", "sec-fetch-dest": "image"}
    sent = [("host", HOST), ("origin", ISSUER), ("content-type", "application/json")]
    sent += [*own.items()]
    body = orjson.dumps({"ticket": ticket, "person": None})
    for twice in ([(name, others[name]), *sent], [*sent, (name, others[name])]):
        answer = await browser.endpoint.handle("POST", "/oauth/authorize", twice, body)
        assert (answer.status, b"location" in answer.body) == (400, False)
    answer = await browser.endpoint.handle("POST", "/oauth/authorize", sent, body)
    assert gone(answer)["error"] == "access_denied"


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/register", "/oauth/authorize"])
async def test_body_that_a_host_did_not_pass_on_costs_no_client_its_registration(
    deployment: Deployment, path: str
) -> None:
    # `invalid_client` would make a client forget its id.
    headers = FORM | {"host": HOST, "transfer-encoding": "chunked"}
    answer = await deployment.first.endpoint.handle("POST", path, headers, b"")
    assert answer.status == 411


@pytest.mark.parametrize("rest", ["", "&code=", "&code=x&code=", "&code=&error="])
async def test_answer_without_a_code_leads_to_no_request_at_the_directory(
    deployment: Deployment, rest: str
) -> None:
    browser = deployment.browser()
    state = state_of(
        (await browser.send("GET", await deployment.client().address())).headers["location"]
    )
    page = await browser.send("GET", f"{ISSUER}/oauth/callback?state={state}{rest}")
    assert page.status == 400
    assert "location" not in page.headers
    assert deployment.directory.requests("token") == []


async def test_time_of_a_sign_in_is_that_of_all_who_have_no_token(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = deployment.first.endpoint
    counted: list[bytes] = []
    # What is charged is counted: no answer shows it.
    whole = endpoint.process_time._count

    def count(principal: bytes, now: float, seconds: float) -> None:
        counted.append(principal)
        whole(principal, now, seconds)

    monkeypatch.setattr(endpoint.process_time, "_count", count)
    client = deployment.client()
    steps = [client.register(), client.redeem("x"), deployment.browser().open(f"{ISSUER}/oauth/x")]
    for step in steps:
        counted.clear()
        await step
        assert counted
        assert set(counted) == {ANYONE}


async def test_page_names_the_extension_that_gets_the_answer(deployment: Deployment) -> None:
    client = deployment.client(redirect="vscode://publisher.extension/callback")
    text = (await deployment.browser().open(await client.address())).body.decode()
    place = text.partition('id="goes-to">')[2].partition("<")[0]
    assert place == "the extension publisher.extension of vscode on this computer"
    assert urlsplit(client.redirect).netloc in place


async def test_every_answer_of_a_sign_in_is_kept_framed_and_read_by_no_one(
    deployment: Deployment,
) -> None:
    paths = ["/.well-known/oauth-authorization-server"]
    paths += [
        f"/oauth/{each}" for each in ("authorize", "token", "register", "callback", "page.js")
    ]
    for method in ("GET", "HEAD", "POST", "OPTIONS", "PUT", "TRACE"):
        for path in (*paths, "/oauth//token", "/oauth/%74oken"):
            answer = await deployment.first.endpoint.handle(
                method, path, {"host": HOST}, b"\xff" * 100, "a[]=1&a[]=2"
            )
            assert answer.status < 500, (method, path)
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["strict-transport-security"]
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert not [each for each in answer.headers if each.startswith("access-control")]
            assert method != "HEAD" or answer.body == b""


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 10_000,
        b'{"redirect_uris": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"client_name": "\\ud800", "redirect_uris": ["http://127.0.0.1/"]}',
        b'{"redirect_uris": [null, {}, 7, "http://127.0.0.1/\\u0000"]}',
        "{}".encode("utf-16"),
        b"x" * 1_048_577,
    ],
)
async def test_body_that_no_client_sends_is_refused_in_words(
    deployment: Deployment, body: bytes
) -> None:
    for path, content_type in (
        ("/oauth/register", "application/json; charset=utf-16"),
        ("/oauth/token", "application/x-www-form-urlencoded; charset=utf-7"),
        ("/oauth/authorize", "application/json"),
    ):
        headers = {"host": HOST, "origin": ISSUER, "content-type": content_type}
        answer = await deployment.first.endpoint.handle("POST", path, headers, body)
        assert answer.status in {400, 401}
        assert orjson.loads(answer.body)["error"]
