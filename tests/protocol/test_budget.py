"""The resource `zava://budget`: for everybody, each their own."""

import re
from uuid import uuid4

import pytest

from tests.support.answers.rpc import ERAS, MODERN, ask
from zava.app import Application
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuer
from zava.model.core import BudgetUse
from zava.protocol.resources import performance
from zava.protocol.resources.budget import URI, budget_text
from zava.retail.demo.principals import DEMO_TENANT_ID, demo_callers

_UNLIMITED = re.compile(
    r"Calls this minute: [\d,]+ used; no limit is set\n"
    r"Database seconds this hour: [\d,]+\.\d used; no limit is set\n"
    r"Statements at once: no limit is set"
)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("name", ["seattle", "head-office"])
async def test_everybody_reads_their_own_use(
    warm: Application, tokens: dict[str, str], era: str, name: str
) -> None:
    status, body = await ask(warm, tokens[name], era, "resources/read", {"uri": URI})
    assert status == 200
    (content,) = body["result"]["contents"]
    assert content["mimeType"] == "text/plain"
    assert _UNLIMITED.fullmatch(content["text"]), content["text"]


async def test_any_token_will_do(warm: Application, home: StateDirectory) -> None:
    seattle = demo_callers()["seattle"]
    narrow = LocalIssuer(home).token(
        tenant_id=seattle.tenant_id,
        object_id=seattle.object_id,
        name="seattle",
        scopes="chain.compare",
    )
    _, body = await ask(warm, narrow, MODERN, "resources/list")
    assert [one["uri"] for one in body["result"]["resources"]] == [URI]
    status, _ = await ask(warm, narrow, MODERN, "resources/read", {"uri": URI})
    assert status == 200


async def test_stranger_is_told_nothing(warm: Application, home: StateDirectory) -> None:
    stranger = LocalIssuer(home).token(
        tenant_id=DEMO_TENANT_ID, object_id=uuid4(), name="stranger", ttl_seconds=60
    )
    status, body = await ask(warm, stranger, MODERN, "resources/read", {"uri": URI})
    assert status == 200
    assert body["error"]["data"]["code"] == "AUTHORIZATION_ERROR"


@pytest.mark.parametrize("uri", [URI, performance.URI])
async def test_what_moves_with_each_call_is_kept_by_nobody(
    warm: Application, tokens: dict[str, str], uri: str
) -> None:
    _, body = await ask(warm, tokens["head-office"], MODERN, "resources/read", {"uri": uri})
    assert (body["result"]["ttlMs"], body["result"]["cacheScope"]) == (0, "private")


def test_text_says_what_is_left_and_until_when() -> None:
    assert budget_text(BudgetUse(1180, 1200, 23, 912.34, 900, 1800, 16)) == (
        "Calls this minute: 1,180 of 1,200 used, 20 left; counted anew in 23 s\n"
        "Database seconds this hour: 912.3 of 900 used, 0 left; counted anew in 1,800 s\n"
        "Statements at once: at most 16"
    )
