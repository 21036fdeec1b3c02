"""Codes that no directory gave keep no one else from signing in."""

import asyncio
import threading
from typing import Any

import pytest

from tests.sign_in.broker import ISSUER, Browser, lead
from tests.sign_in.conftest import Deployment
from tests.sign_in.test_broker_attacks import begun, state_of
from tests.support.suite.patience import patient
from zava.protocol.auth.remote_documents import read_document
from zava.protocol.http_responses import HttpResponse
from zava.protocol.sign_in.directory import provider as module
from zava.protocol.sign_in.directory.redemption_limit import (
    MAX_AT_ONCE,
    RedemptionLimit,
    TooManySignIns,
    network_of,
)

ATTACKER, OTHER_ATTACKER, PERSON = "198.51.100.7:40001", "[2001:db8:0:7::1]:40002", "203.0.113.9"
_WAIT_SECONDS = 20


class SlowToGarbage:
    """The directory, which answers false codes when a test lets it, and true ones at once."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.begun = threading.Semaphore(0)
        self._read = read_document

    def __call__(self, url: str, body: bytes | None = None, **named: Any) -> bytes:
        if body is not None and b"code=garbage" in body:
            self.begun.release()
            assert self.answers.wait(patient(_WAIT_SECONDS))
        return self._read(url, body, **named)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> SlowToGarbage:
    made = SlowToGarbage()
    monkeypatch.setattr(module, "read_document", made)
    return made


async def come_back(
    deployment: Deployment, forwarded: str | None, browser: Browser | None = None
) -> HttpResponse:
    """Begin a sign-in and come back at once with a code that no directory gave."""
    browser = browser or deployment.browser()
    answer = await browser.send("GET", await deployment.client().address())
    state = state_of(answer.headers["location"])
    return await browser.send(
        "GET",
        f"{ISSUER}/oauth/callback?code=garbage&state={state}",
        headers={"x-forwarded-for": forwarded},
    )


def flood(
    deployment: Deployment, forwarded: str | None, times: int, browser: Browser | None = None
) -> "list[asyncio.Task[HttpResponse]]":
    return [asyncio.create_task(come_back(deployment, forwarded, browser)) for _ in range(times)]


async def under_way(slow: SlowToGarbage, times: int) -> None:
    for _ in range(times):
        assert await asyncio.to_thread(slow.begun.acquire, timeout=patient(_WAIT_SECONDS))


async def test_person_signs_in_while_two_networks_send_all_the_codes_they_can(
    deployment: Deployment, slow: SlowToGarbage
) -> None:
    flooding = flood(deployment, ATTACKER, 24)
    await under_way(slow, 8)
    flooding += flood(deployment, OTHER_ATTACKER, 24)
    await under_way(slow, 4)
    browser = deployment.browser()
    location = await begun(deployment, browser)
    page = await browser.send("GET", location, headers={"x-forwarded-for": f"x, {PERSON}"})
    assert page.status == 200
    slow.answers.set()
    answers = await asyncio.gather(*flooding)
    assert sorted(each.status for each in answers) == [502] * 12 + [503] * 36
    assert lead(answers[-1]).startswith("Too many people sign in at this moment.")


async def test_browser_without_an_address_is_counted_for_itself(
    deployment: Deployment, slow: SlowToGarbage
) -> None:
    attacker = deployment.browser()
    await attacker.send("GET", await deployment.client().address())
    flooding = flood(deployment, None, 24, attacker)
    await under_way(slow, 8)
    browser = deployment.browser()
    assert (await browser.open(await begun(deployment, browser))).status == 200
    slow.answers.set()
    answers = await asyncio.gather(*flooding)
    assert sorted(each.status for each in answers) == [502] * 8 + [503] * 16


async def test_sign_in_sends_one_code_to_the_directory(deployment: Deployment) -> None:
    browser = deployment.browser()
    location = await begun(deployment, browser)
    assert (await browser.send("GET", location)).status == 200
    for again in (location, location.replace("code=", "code=garbage")):
        page = await browser.send("GET", again)
        assert (page.status, lead(page)) == (
            400,
            "This sign-in was answered before. Connect again in your client.",
        )
    assert len(deployment.directory.requests("token")) == 1


async def test_sign_in_that_found_no_place_may_come_again(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise TooManySignIns

    browser = deployment.browser()
    location = await begun(deployment, browser)
    with monkeypatch.context() as patch:
        patch.setattr(RedemptionLimit, "enter", refuse)
        assert (await browser.send("GET", location)).status == 503
    assert (await browser.send("GET", location)).status == 200


def test_networks_leave_places_for_each_other_and_give_them_back() -> None:
    limit, held = RedemptionLimit(), []
    for network in ("a", "b", "c", "d"):
        for _ in range(MAX_AT_ONCE):
            try:
                limit.enter(network)
            except TooManySignIns:
                break
            held.append(network)
    assert {network: held.count(network) for network in "abcd"} == {"a": 8, "b": 4, "c": 2, "d": 1}
    for network in held:
        limit.leave(network)
    for _ in range(8):
        limit.enter("e")
    with pytest.raises(TooManySignIns):
        limit.enter("e")


@pytest.mark.parametrize(
    ("forwarded", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:51234", "203.0.113.9"),
        ("198.51.100.7, 203.0.113.9:51234", "203.0.113.9"),
        ("2001:db8:0:7::1", "2001:db8:0:7::/64"),
        ("[2001:db8:0:7::1]", "2001:db8:0:7::/64"),
        ("[2001:db8:0:7:ffff::2]:443", "2001:db8:0:7::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("203.0.113.9,", None),
        ("203.0.113.9, unknown", None),
        ("[", None),
        ("a]:1:2", None),
        ("", None),
    ],
)
def test_network_is_that_of_the_address_that_the_host_in_front_appended(
    forwarded: str, network: str | None
) -> None:
    assert network_of(forwarded) == network
