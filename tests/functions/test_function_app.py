"""function_app.py as Azure Functions would run it."""

import asyncio
import json
from pathlib import Path

import orjson
import pytest

from tests.functions.worker import Worker
from tests.protocol.rpc import LEGACY, MODERN, request
from zava.app import Application

ROUTES = {
    "mcp": "mcp",
    "metadata": ".well-known/oauth-protected-resource",
    "metadata_of_mcp": ".well-known/oauth-protected-resource/mcp",
    "health_live": "health/live",
    "health_ready": "health/ready",
}


@pytest.fixture(scope="session")
async def worker() -> Worker:
    """The worker library indexes an app once in a process."""
    worker = Worker()
    await worker.start()
    return worker


@pytest.fixture(autouse=True)
def served(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """The app of the tests stands where the environment's would."""
    monkeypatch.setattr("zava.app.endpoint", lambda: application.endpoint)


async def test_routes_are_anonymous_http_triggers(worker: Worker) -> None:
    assert {name: worker.trigger(name)["route"] for name in worker.functions} == ROUTES
    for name in ROUTES:
        assert worker.trigger(name)["authLevel"] == "ANONYMOUS"
    assert set(worker.trigger("mcp")["methods"]) == {"GET", "POST", "DELETE"}


async def test_routes_do_without_a_prefix_and_an_extension_bundle() -> None:
    host = json.loads((Path(__file__).parents[2] / "host.json").read_text())
    assert host["extensions"]["http"]["routePrefix"] == ""
    assert "extensionBundle" not in host


async def test_live_and_ready_answer(worker: Worker) -> None:
    assert (await worker.invoke("GET", "/health/live")).status == 200
    ready = await worker.invoke("GET", "/health/ready")
    assert ready.status == 200
    assert orjson.loads(ready.body)["checks"]["isolation"] == "healthy"


async def test_get_is_not_held_open(worker: Worker) -> None:
    answer = await asyncio.wait_for(worker.invoke("GET", "/mcp"), timeout=2)
    assert answer.status == 405


async def test_no_token_is_challenged(worker: Worker) -> None:
    headers, body = request(MODERN, "tools/list")
    answer = await worker.invoke("POST", "/mcp", headers, body)
    assert answer.status == 401
    assert "resource_metadata" in answer.headers["www-authenticate"]


@pytest.mark.parametrize("era", [*LEGACY, MODERN])
async def test_both_eras_are_served(worker: Worker, tokens: dict[str, str], era: str) -> None:
    arguments = {"postgresql_query": "SELECT store_name FROM retail.stores"}
    params = {"name": "execute_sales_query", "arguments": arguments}
    headers, body = request(era, "tools/call", params, tokens["kirkland"])
    answer = await worker.invoke("POST", "/mcp", headers, body)
    assert answer.status == 200
    rows = orjson.loads(answer.body)["result"]["structuredContent"]["rows"]
    assert rows == [["Zava Retail Kirkland"]]


async def test_fifty_cold_invocations_open_one_pool(
    worker: Worker, tokens: dict[str, str], application: Application
) -> None:
    arguments = {"postgresql_query": "SELECT count(*) FROM retail.orders"}
    params = {"name": "execute_sales_query", "arguments": arguments}
    headers, body = request(MODERN, "tools/call", params, tokens["head-office"])
    answers = await asyncio.gather(
        *(worker.invoke("POST", "/mcp", headers, body) for _ in range(50))
    )
    assert [answer.status for answer in answers] == [200] * 50
    assert len({answer.body.partition(b'"as_of"')[0] for answer in answers}) == 1
    assert application.pool.times_opened == 1
    assert application.endpoint.kernel.times_started == 1
