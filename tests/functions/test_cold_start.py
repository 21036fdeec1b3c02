"""A burst that meets an instance which has served nothing yet."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.functions.hosting import functions_host
from tests.support.answers.rpc import ERAS, UNUSUAL, request
from tests.support.servers.database import Database
from tests.support.suite.patience import patient
from zava.infrastructure.local.state_dir import StateDirectory

REQUESTS = 200


@pytest.mark.requirement("S09")
async def test_200_cold_requests_are_all_answered_by_one_pool_and_one_session_manager(
    database: Database, home: StateDirectory, context_keys: list[str], tokens: dict[str, str]
) -> None:
    stores = {
        name: [name.capitalize()] for name in sorted(tokens.keys() - {"eastside", "head-office"})
    }
    all_stores = [name.capitalize() for name in stores]
    stores |= {"eastside": ["Bellevue", "Kirkland", "Redmond"], "head-office": all_stores}
    names = list(stores)
    asked = [(names[n % len(names)], ERAS[n // len(names) % len(ERAS)]) for n in range(REQUESTS)]
    params = {
        "name": "execute_sales_query",
        "arguments": {"postgresql_query": "SELECT store_name FROM retail.stores ORDER BY 1"},
    }
    with functions_host(
        database=database,
        home=home,
        context_keys=context_keys,
        ZAVA_MAX_CONCURRENT_CALLS=str(REQUESTS),
    ) as hosted:
        limits = httpx.Limits(max_connections=REQUESTS)
        async with httpx.AsyncClient(limits=limits, timeout=patient(60)) as http:

            async def post(name: str, era: str, more: dict[str, Any]) -> tuple[int, Any]:
                headers, body = request(era, "tools/call", params | more, tokens[name])
                answer = await http.post(hosted.mcp_url, headers=headers, content=body)
                return answer.status_code, answer.json()

            lanes: list[dict[str, Any]] = [{}] * (REQUESTS // 2) + [UNUSUAL] * (REQUESTS // 2)
            answers = await asyncio.gather(
                *(post(name, era, more) for (name, era), more in zip(asked, lanes, strict=True))
            )
    for (name, _), (status, body) in zip(asked, answers, strict=True):
        assert status == 200
        rows = body["result"]["structuredContent"]["rows"]
        assert rows == [[f"Zava Retail {store}"] for store in stores[name]]
    assert hosted.started == {"pool_opened": 1, "kernel_started": 1}
