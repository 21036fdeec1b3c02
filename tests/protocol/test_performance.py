"""The resource `zava://performance`: for the head office, and for nobody else."""

import orjson
import pytest

from tests.support.answers.rpc import ERAS, request
from tests.support.servers.breakable import ask
from tests.support.servers.database import Database
from zava.app import Application, compose
from zava.infrastructure.local.state_dir import StateDirectory
from zava.protocol.resources.performance import URI
from zava.settings import Settings


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


@pytest.mark.requirement("S112")
async def test_head_office_reads_the_plan_of_a_slow_statement(
    database: Database, home: StateDirectory, context_keys: list[str], tokens: dict[str, str]
) -> None:
    settings = Settings.model_validate(
        {"ZAVA_HOME": home.path, "ZAVA_SLOW_QUERY_SECONDS": "0.000001"}
    )
    application = compose(settings, conninfo=database.server, context_keys=context_keys)
    sql = "SELECT count(*) FROM retail.orders WHERE status <> 'planted'"
    for _ in range(2):  # one plan at a time: at first that of another statement
        code, rows = await ask(application, tokens["seattle"], sql)
        assert (code, len(rows)) == ("OK", 1)
        await application.tenancy.close()  # all is told
    _, text = await read(application, tokens["head-office"], ERAS[0])
    assert "on orders  rows=" in text
    assert "planted" not in text
    await application.close()


@pytest.mark.parametrize("name", ["seattle", "eastside"])
async def test_others_do_not(application: Application, tokens: dict[str, str], name: str) -> None:
    status, text = await read(application, tokens[name], ERAS[0])
    # The caller is known, and asks for what is not theirs: that is no 403 of the whole answer.
    assert status == 200
    assert text == "Only the head office may read query statistics."


async def test_other_resource_is_not_found(
    application: Application, tokens: dict[str, str]
) -> None:
    _, text = await read(application, tokens["head-office"], ERAS[0], "zava://nothing")
    assert text == "Resource not found"
