"""The resource `zava://performance`: for the head office, and for nobody else."""

import orjson
import pytest

from tests.protocol.rpc import ERAS, request
from zava.app import Application
from zava.protocol.performance import URI


async def read(application: Application, token: str, era: str, uri: str = URI) -> tuple[int, str]:
    headers, body = request(era, "resources/read", {"uri": uri}, token)
    if "mcp-method" in headers:
        headers["mcp-name"] = uri
    answer = await application.endpoint.handle("POST", "/mcp", headers, body)
    content = orjson.loads(answer.body)
    if "result" in content:
        return answer.status, content["result"]["contents"][0]["text"]
    return answer.status, content["error"]["message"]


@pytest.mark.requirement("S107")
@pytest.mark.parametrize("era", ERAS)
async def test_head_office_reads_what_statements_take(
    application: Application, tokens: dict[str, str], era: str
) -> None:
    status, text = await read(application, tokens["head-office"], era)
    assert status == 200
    assert "fingerprint" in text


@pytest.mark.parametrize("name", ["seattle", "eastside"])
async def test_others_do_not(application: Application, tokens: dict[str, str], name: str) -> None:
    status, text = await read(application, tokens[name], ERAS[0])
    # The caller is known, and asks for what is not theirs: that is no 403 of the whole answer.
    assert status == 200
    assert text == "Query statistics are the head office's."


async def test_other_resource_is_not_found(
    application: Application, tokens: dict[str, str]
) -> None:
    _, text = await read(application, tokens["head-office"], ERAS[0], "zava://nothing")
    assert text == "Resource not found"
