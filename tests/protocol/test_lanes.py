"""Both paths of the endpoint answer alike: each request is sent to the fast one and past it.

Equal are the status, the headers that a client reads and the body as JSON; what differs from call
to call (correlation ids, times) is replaced in both.
"""

import json
import os
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from math import ceil
from typing import Any

import orjson
import pytest

from tests.protocol.fuzz import Fuzzed, requests
from tests.protocol.recorded import RECORDED
from tests.protocol.usual_requests import usual_requests
from tests.support.answers.rpc import ERAS, LEGACY, MODERN, UNUSUAL, request
from tests.support.servers.database import Database
from tests.support.suite.patience import patient
from zava.app import Application, compose
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuer
from zava.protocol.http.endpoint import Endpoint
from zava.protocol.http_responses import HttpResponse

# The rule is tried on its own, with every kind of number.
from zava.protocol.mcp.fast_path_rules import _is_exact, usual_revision
from zava.protocol.request_context import RequestContext
from zava.retail.demo.principals import demo_callers
from zava.settings import Settings

# Of each kind; `make check-long` sends 5,000.
COUNT = int(os.environ.get("ZAVA_TEST_REQUESTS", "200"))  # noqa: TID251  # `make check-long`: 5,000
SEED = 20261124
_NOT_READ = {"content-length"}
_CHANGING = re.compile(
    r'(?<="correlation_id": ")[0-9a-f]{32}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00'
    r'|(?<=[ "])\d\d:\d\d(?=[;"])'  # the stores' time
)


class Lanes:
    """One endpoint whose fast path can be closed; counts what that path answered."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._lane = endpoint.fast_path
        self._is_closed = False
        self.fast = 0
        vars(endpoint)["fast_path"] = self

    async def answer(
        self,
        message: Mapping[str, Any],
        headers: Mapping[str, str],
        request_context: RequestContext,
        *,
        with_events: bool,
    ) -> HttpResponse | None:
        if self._is_closed:
            return None
        answer = await self._lane.answer(message, headers, request_context, with_events=with_events)
        self.fast += answer is not None
        return answer

    async def both(self, sent: Fuzzed) -> tuple[Any, Any]:
        """Return what each path says, the fast one first."""
        said = []
        for self._is_closed in (False, True):
            answer = await self._endpoint.handle(sent.method, "/mcp", sent.headers, sent.body)
            said.append(comparable(answer))
        return said[0], said[1]


def comparable(answer: HttpResponse) -> Any:
    headers = {name: value for name, value in answer.headers.items() if name not in _NOT_READ}
    text = answer.body.decode()
    if headers.get("content-type", "").startswith("text/event-stream"):
        text = text.rpartition("data: ")[2]
    body = json.loads(text) if text else None
    return int(answer.status), headers, _CHANGING.sub("…", json.dumps(body, sort_keys=True))


@pytest.fixture
async def lanes(
    database: Database, home: StateDirectory, context_keys: list[str]
) -> AsyncIterator[Lanes]:
    # A cached answer carries a mark. No request here is about the deadline: with a short one, a
    # pause of the machine ends one path's call and not the other's.
    settings = Settings.model_validate(
        {
            "ZAVA_HOME": home.path,
            "ZAVA_STATEMENT_TIMEOUT_SECONDS": ceil(patient(10)),
            "ZAVA_CACHE_TTL_SECONDS": 0,
        }
    )
    application: Application = compose(
        settings, conninfo=database.server, context_keys=context_keys
    )
    yield Lanes(application.endpoint)
    await application.close()


async def compare(lanes: Lanes, sent: Iterable[Fuzzed]) -> int:
    """Send each request down both paths; return how many were sent."""
    count = 0
    for one in sent:
        fast, slow = await lanes.both(one)
        assert fast == slow, one
        count += 1
    return count


@pytest.mark.slow
async def test_usual_requests_of_every_kind_meet_equal_answers(
    lanes: Lanes, tokens: dict[str, str]
) -> None:
    count = await compare(lanes, usual_requests(SEED, COUNT, tokens["seattle"]))
    assert lanes.fast > count / 4, "the fast path hardly answers"
    assert count - lanes.fast > count / 4, "hardly anything is unusual"


async def test_spoilt_requests_meet_equal_answers(lanes: Lanes, tokens: dict[str, str]) -> None:
    await compare(lanes, requests(SEED, COUNT, tokens["seattle"]))


async def test_recorded_exchanges_of_clients_and_of_the_conformance_suite_meet_equal_answers(
    lanes: Lanes, tokens: dict[str, str]
) -> None:
    token = ("authorization", f"Bearer {tokens['seattle']}")
    sent = [
        Fuzzed(
            "POST", [*one["headers"].items(), ("host", "localhost"), token], one["body"].encode()
        )
        for one in map(orjson.loads, RECORDED.read_bytes().splitlines())
    ]
    assert await compare(lanes, sent) == len(sent)
    usual = [one for one in sent if b'"name":"conformance' not in one.body]
    assert lanes.fast > len(usual) / 2, "what clients send is usual"


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("name", ["seattle", "eastside", "head-office"])
async def test_tools_answer_each_audience_alike(
    lanes: Lanes, tokens: dict[str, str], era: str, name: str
) -> None:
    calls: list[dict[str, Any]] = [
        {"name": "execute_sales_query", "arguments": {"postgresql_query": "TABLE retail.stores"}},
        {"name": "compare_with_chain", "arguments": {"metric": "revenue"}},
        {
            "name": "show_sales_chart",
            "arguments": {"metrics": ["revenue"], "dimensions": ["month"]},
        },
        {"name": "semantic_search_products", "arguments": {"query_description": "paint"}},
    ]
    for call in calls:
        headers, body = request(era, "tools/call", call, tokens[name])
        fast, slow = await lanes.both(Fuzzed("POST", list(headers.items()), body))
        assert fast == slow
    assert lanes.fast == len(calls)


@pytest.mark.parametrize("era", [LEGACY[-1], MODERN])
async def test_caller_whose_token_does_not_allow_the_tool_is_refused_alike(
    lanes: Lanes, home: StateDirectory, era: str
) -> None:
    caller = demo_callers()["seattle"]
    token = LocalIssuer(home).token(
        tenant_id=caller.tenant_id, object_id=caller.object_id, name="seattle", scopes="sales.read"
    )
    call = {"name": "execute_sales_query", "arguments": {"postgresql_query": "SELECT 1"}}
    for method, params in (("tools/call", call), ("tools/list", {})):
        headers, body = request(era, method, params, token)
        fast, slow = await lanes.both(Fuzzed("POST", list(headers.items()), body))
        assert fast == slow
        assert (fast[0] == 403) == (method == "tools/call")
    assert lanes.fast == 2


async def test_unusual_request_is_left_to_the_sdk(lanes: Lanes, tokens: dict[str, str]) -> None:
    for era in ERAS:
        headers, body = request(era, "tools/list", UNUSUAL, tokens["seattle"])
        fast, slow = await lanes.both(Fuzzed("POST", list(headers.items()), body))
        assert fast == slow
    assert lanes.fast == 0


@pytest.mark.parametrize(
    ("value", "is_exact"),
    [
        ([{"value": ["Seattle", 1, 0.5]}], True),
        ([{"value": [1e20]}], False),
        ({"value": {"of": 1e20}}, False),
    ],
)
def test_inexact_number_is_found_at_any_depth(value: Any, is_exact: bool) -> None:
    assert _is_exact(value) == is_exact


@pytest.mark.parametrize(
    ("capabilities", "client", "is_usual"),
    [
        ({"roots": {"listChanged": True}, "sampling": {"tools": {}}}, {}, True),
        ({"roots": 1}, {}, False),
        ({"roots": {"listChanged": {}}}, {}, False),
        ({"sampling": {"tools": True}}, {}, False),
        ({"tasks": {}}, {}, False),
        ([], {}, False),
        ({}, {"title": 1}, False),
    ],
)
def test_introduction_of_another_shape_is_not_usual(
    capabilities: Any, client: dict[str, Any], is_usual: bool
) -> None:
    params = {
        "protocolVersion": LEGACY[-1],
        "capabilities": capabilities,
        "clientInfo": {"name": "client", "version": "1"} | client,
    }
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    assert (usual_revision(message, {}) is not None) == is_usual
