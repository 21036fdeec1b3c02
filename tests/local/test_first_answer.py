"""What `make run` shows and serves, seen from outside over real HTTP."""

import os
import re
from collections.abc import Iterator
from typing import Any, Literal

import httpx
import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from tests.support.answers.rpc import MODERN, request
from tests.support.products.laptop import Laptop
from tests.support.suite.patience import patient

TOTALS = {"postgresql_query": "SELECT count(*), sum(total_amount) FROM retail.orders"}
ERAS = ("2025-06-18", "2025-11-25", MODERN)
Mode = Literal["auto", "legacy", "2026-07-28"]


@pytest.fixture(scope="module")
def http(laptop: Laptop) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=laptop.base_url, timeout=patient(20)) as client:
        yield client


@pytest.fixture
def screen(laptop: Laptop) -> list[str]:
    """What the first start printed."""
    return laptop.screens[0]


def assert_that_they_add_up(seen: dict[str, list[Any]]) -> None:
    """Each principal's orders and revenue, against those of the stores in the own scope."""
    stores = [name for name in seen if name not in {"eastside", "head-office"}]
    assert len(stores) == 8
    for whole, parts in (
        ("eastside", ["bellevue", "redmond", "kirkland"]),
        ("head-office", stores),
    ):
        assert seen[whole][0] == sum(seen[part][0] for part in parts)
        assert seen[whole][1] == pytest.approx(sum(seen[part][1] for part in parts))
    asked = [tuple(seen[name]) for name in ("seattle", "redmond", "eastside", "head-office")]
    assert len(set(asked)) == 4


def test_one_question_is_answered_twice_differently_and_once_refused(screen: list[str]) -> None:
    start = screen.index("How many orders do we have, and what is our revenue?")
    seattle, head_office, nobody = screen[start + 1 : start + 4]
    figures = r"orders ([\d,]+), revenue ([\d,.]+)"
    own = re.fullmatch(rf"  seattle      {figures}  \(1 of 8 stores\)", seattle)
    whole = re.fullmatch(rf"  head-office  {figures}  \(8 of 8 stores\)", head_office)
    assert own
    assert whole
    assert int(own[1].replace(",", "")) < int(whole[1].replace(",", ""))
    assert float(own[2].replace(",", "")) < float(whole[2].replace(",", ""))
    assert nobody == "  no token     HTTP 401: A bearer token is required."


def test_forged_context_gets_nothing(screen: list[str]) -> None:
    start = screen.index("The Seattle manager's model forges Redmond's context in its SQL")
    assert screen[start + 1].startswith("  seattle      QUERY_REFUSED: ")


def test_first_screen_names_the_address_and_shows_no_empty_progress(
    laptop: Laptop, screen: list[str]
) -> None:
    assert f"Serving {laptop.base_url}/mcp until Ctrl-C." in screen
    before = screen[: screen.index("")]
    told = {"PostgreSQL": "does not run as root"} if os.geteuid() == 0 else {}
    lines = [line for line in before if not line.startswith("  ")]  # signs of life
    assert [line.partition(" ")[0] for line in lines] == [
        *("starting", "making", *told, "Using", "Migrated:", "Loading", "Loaded", "Embedded")
    ]
    assert lines[-5] == f"Using {laptop.database}, embedded in {laptop.home}"


def test_printed_configuration_is_a_url_that_leads_to_the_sign_in(laptop: Laptop) -> None:
    server = laptop.configuration["servers"]["zava"]
    assert server == {"type": "http", "url": f"{laptop.base_url}/mcp"}
    headers, body = request(MODERN, "tools/list")
    refused = httpx.post(server["url"], headers=headers, content=body)
    assert refused.status_code == 401
    found = re.search(r'resource_metadata="([^"]+)"', refused.headers["www-authenticate"])
    assert found
    # The host that the tests write, as a client would not.
    resource = httpx.get(found[1].replace("localhost:7071", f"127.0.0.1:{laptop.port}")).json()
    (issuer,) = resource["authorization_servers"]
    metadata = httpx.get(f"{issuer}/.well-known/oauth-authorization-server").json()
    assert metadata["issuer"] == issuer == laptop.base_url
    for name in ("authorization_endpoint", "token_endpoint", "registration_endpoint"):
        assert httpx.get(metadata[name]).status_code in {400, 405}, name


@pytest.mark.requirement("S05")
@pytest.mark.parametrize("era", ERAS)
def test_raw_requests_of_each_era_get_answers_that_add_up(
    http: httpx.Client, laptop_tokens: dict[str, str], era: str
) -> None:
    seen = {}
    for name, token in laptop_tokens.items():
        params = {"name": "execute_sales_query", "arguments": TOTALS}
        headers, body = request(era, "tools/call", params, token)
        answer = http.post("/mcp", headers=headers, content=body)
        assert answer.status_code == 200, answer.text
        seen[name] = answer.json()["result"]["structuredContent"]["rows"][0]
    assert_that_they_add_up(seen)


@pytest.mark.parametrize("mode", ["auto", "legacy", "2026-07-28"])
async def test_client_of_the_sdk_gets_answers_that_add_up(
    laptop: Laptop, laptop_tokens: dict[str, str], mode: Mode
) -> None:
    seen = {}
    for name, token in laptop_tokens.items():
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as authorized,
            Client(
                streamable_http_client(f"{laptop.base_url}/mcp", http_client=authorized), mode=mode
            ) as client,
        ):
            answer = await client.call_tool("execute_sales_query", TOTALS)
            assert not answer.is_error
            seen[name] = answer.structured_content["rows"][0]
    assert_that_they_add_up(seen)


def test_no_token_is_challenged(http: httpx.Client) -> None:
    headers, body = request(MODERN, "tools/list")
    answer = http.post("/mcp", headers=headers, content=body)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer resource_metadata=")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_mcp_takes_post_alone(http: httpx.Client, method: str) -> None:
    answer = http.request(method, "/mcp")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_laptop_is_alive_and_ready(http: httpx.Client) -> None:
    assert http.get("/health/live").status_code == 200
    ready = http.get("/health/ready")
    assert ready.status_code == 200
    assert ready.json()["checks"]["isolation"] == "healthy"
