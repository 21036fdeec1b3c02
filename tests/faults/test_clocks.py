"""A clock that jumps refuses callers, and never lets one in that it should not."""

import time
from collections.abc import Callable

import pytest

from tests.support.servers.breakable import ask
from zava.app import Application
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuer
from zava.retail.demo.principals import demo_callers

STORE = "SELECT store_name FROM retail.stores"
SEATTLE = ("OK", [["Zava Retail Seattle"]])


def shifted(seconds: float) -> Callable[[], float]:
    right = time.time
    return lambda: right() + seconds


@pytest.mark.parametrize(
    ("seconds", "is_answered"), [(50, True), (-50, True), (3600, False), (-3600, False)]
)
async def test_apps_clock_may_differ_from_the_databases_by_less_than_a_minute(
    application: Application, tokens: dict[str, str], seconds: float, is_answered: bool
) -> None:
    assert await ask(application, tokens["seattle"], STORE) == SEATTLE
    # Below the use cases no public name leads to the executor and its pool.
    # The clock of the composed app is set through its signer.
    signer = application.tenancy._executor._signer
    # The parts of a composed app take no clock from outside.
    signer._clock = shifted(seconds)
    code, rows = await ask(application, tokens["seattle"], STORE)
    assert ((code, rows) == SEATTLE) == is_answered
    if not is_answered:
        assert (code, rows) == ("DATABASE_ERROR", [])
    signer._clock = time.time
    assert await ask(application, tokens["seattle"], STORE) == SEATTLE


async def test_token_of_another_time_is_refused_until_the_clock_is_right(
    application: Application, home: StateDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = demo_callers()["seattle"]

    def token() -> str:
        return LocalIssuer(home).token(
            tenant_id=caller.tenant_id, object_id=caller.object_id, name="x", ttl_seconds=60
        )

    for seconds in (-7200, 7200):  # expired since two hours, and not yet valid for two
        with monkeypatch.context() as jumped:
            jumped.setattr(time, "time", shifted(seconds))
            of_another_time = token()
        assert (await ask(application, of_another_time, STORE))[0] == "HTTP 401"
    assert await ask(application, token(), STORE) == SEATTLE
