"""Each alert fires at its fault, and each promised line arrives once: seen where Azure would look.

A fault is made in the product under the played host, which drops the lines of no running call.
Metrics arrive at an ingestion endpoint, lines at the host.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import orjson
import psycopg
import pytest

from tests.functions.host_log import CONSOLE
from tests.functions.hosting import Hosted, functions_host
from tests.infra.alerts import rules_of
from tests.infra.incidents import metric_rows
from tests.infra.infrastructure import Infrastructure
from tests.infra.kql import Row, read_query
from tests.support.answers.rpc import MODERN, request
from tests.support.servers.database import Cluster, Database
from tests.support.servers.ingestion import Ingestion, ingestion_endpoint
from tests.support.servers.proxy import Proxy, counting_proxy
from tests.support.suite.patience import patient
from zava.infrastructure.local.state_dir import StateDirectory

ROOT = Path(__file__).parents[2]
USER = "Function.mcp.User"
PATIENCE_SECONDS = 25.0
POOL = 8
RULES = {
    rule["name"].removeprefix("zava-"): rule["properties"]["criteria"]["allOf"][0]
    for rule in rules_of(Infrastructure(ROOT))
}
SQL = "SELECT store_name FROM retail.stores"
FIRED: set[str] = set()
# How requests end that meet the plant `broken_parts`: the status, and what is logged.
ENDS = {
    "prompts/list": (500, "request failed"),
    "resources/list": (503, "request cancelled"),
    "resources/templates/list": (503, "request timed out"),
}


class Watched:
    """A played host, what arrives at it and at the ingestion endpoint, and a way to ask it."""

    def __init__(self, hosted: Hosted, ingestion: Ingestion, token: str) -> None:
        self.hosted = hosted
        self.ingestion = ingestion
        self._token = token
        self._http = httpx.AsyncClient(timeout=patient(40))

    async def ask(
        self, tool: str, arguments: dict[str, Any] | None = None, *, token: str | None = None
    ) -> int:
        """Call a tool; return the status."""
        params = {"name": tool, "arguments": arguments or {}}
        headers, body = request(MODERN, "tools/call", params, token or self._token)
        return (await self.post(headers, body)).status_code

    async def post(self, headers: dict[str, str], body: bytes) -> httpx.Response:
        """Send a message."""
        return await self._http.post(self.hosted.mcp_url, headers=headers, content=body)

    async def aclose(self) -> None:
        await self._http.aclose()

    def told(self) -> set[str]:
        """Return the alerts whose queries are over their thresholds."""
        tables = {"customMetrics": self._metrics(), "traces": self._traces()}
        fired = {
            name
            for name, criterion in RULES.items()
            if read_query(criterion["query"]).over(tables) > criterion["threshold"]
        }
        FIRED.update(fired)
        return fired

    def lines(self, words: str) -> list[tuple[str, dict[str, Any]]]:
        """Return each line of ours with these words, and under which category it arrived."""
        return [
            (line["category"], orjson.loads(line["message"]))
            for line in self.hosted.lines()
            if line["message"].startswith("{") and words in line["message"]
        ]

    def _metrics(self) -> list[Row]:
        envelopes = self.ingestion.of_type("MetricData")
        return [row for envelope in envelopes for row in metric_rows(envelope["data"])]

    def _traces(self) -> list[Row]:
        return [
            {"message": line["message"], "severityLevel": line["level"], "customDimensions": {}}
            for line in self.hosted.lines()
        ]


async def comes(what: Callable[[], object]) -> bool:
    """Whether something becomes true in time."""
    never = asyncio.get_running_loop().create_future()
    until = time.monotonic() + patient(PATIENCE_SECONDS)
    while not what() and time.monotonic() < until:
        await asyncio.wait({never}, timeout=0.1)
    return bool(what())


@pytest.fixture(scope="module")
def ingestion() -> Iterator[Ingestion]:
    with ingestion_endpoint() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def own(cluster: Cluster, seeded_template: Database) -> Iterator[Database]:
    with cluster.database("alerts", template=seeded_template) as database:
        yield database


@pytest.fixture(scope="module")
async def proxy(own: Database) -> AsyncIterator[Proxy]:
    async with counting_proxy(own.server) as proxy:
        yield proxy


@pytest.fixture(scope="module")
async def watched(
    own: Database,
    proxy: Proxy,
    ingestion: Ingestion,
    home: StateDirectory,
    context_keys: list[str],
    tokens: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Watched]:
    with functions_host(
        *("--plant", "fast_telemetry", "--log", str(tmp_path_factory.mktemp("host") / "log")),
        database=own,
        home=home,
        context_keys=context_keys,
        DATABASE_URL=proxy.conninfo,
        APPLICATIONINSIGHTS_CONNECTION_STRING=ingestion.connection_string,
        ZAVA_SLOW_QUERY_SECONDS="0.0001",
        ZAVA_CACHE_TTL_SECONDS="0",
        ZAVA_POOL_MAX=str(POOL),
        ZAVA_LATE_ORDERS_HOURS="1",
    ) as hosted:
        async with aclosing(Watched(hosted, ingestion, tokens["seattle"])) as watched:
            yield watched


# The tests below stand in the order in which they run: each adds its fault to those before.


async def test_slow_statements_are_told_with_their_plan(watched: Watched) -> None:
    assert await watched.ask("get_current_utc_date") == 200
    assert watched.told() == set()
    for _ in range(11):
        assert await watched.ask("execute_sales_query", {"postgresql_query": SQL}) == 200
    assert await comes(lambda: watched.told() == {"slow-statements"})
    assert await comes(lambda: any(line["plan"] for _, line in watched.lines("slow query")))
    categories = Counter(category for category, _ in watched.lines('"slow query"'))
    assert categories[CONSOLE] > 5, "told after the answer"


async def test_connections_that_are_slow_to_come_are_told(watched: Watched, proxy: Proxy) -> None:
    question = {"postgresql_query": SQL}
    assert "pool-waits" not in watched.told()
    proxy.answers_flow.clear()
    calls = [asyncio.create_task(watched.ask("execute_sales_query", question)) for _ in range(POOL)]
    await asyncio.wait(calls, timeout=3)
    proxy.answers_flow.set()
    assert await asyncio.gather(*calls) == [200] * POOL
    assert await comes(lambda: "pool-waits" in watched.told())


async def test_tokens_that_do_not_hold_are_told(watched: Watched) -> None:
    assert "refused-tokens" not in watched.told()
    for _ in range(51):
        assert await watched.ask("get_current_utc_date", token="a.b.c") == 401
    assert await comes(lambda: "refused-tokens" in watched.told())
    category, line = watched.lines("request refused: bad_token")[0]
    assert category == USER
    assert line["correlation_id"]


async def test_cut_line_is_told_once_for_each_repetition(watched: Watched, proxy: Proxy) -> None:
    proxy.cut()
    assert await watched.ask("execute_sales_query", {"postgresql_query": SQL}) == 200
    assert [category for category, _ in watched.lines("statement repeated")] == [USER]


async def test_own_statements_that_fail_are_told(watched: Watched, own: Database) -> None:
    with psycopg.connect(own.owner, autocommit=True) as owner:
        assert "failing-statements" not in watched.told()
        owner.execute("ALTER TABLE retail.order_items RENAME COLUMN quantity TO amount")
        try:
            for month in range(1, 9):
                arguments = {
                    "metrics": ["units"],
                    "dimensions": ["hour"],  # which no sum has
                    "time_period": f"2026-{month:02}",
                }
                assert await watched.ask("query_metrics", arguments) == 200
        finally:
            owner.execute("ALTER TABLE retail.order_items RENAME COLUMN amount TO quantity")
    assert await comes(lambda: "failing-statements" in watched.told())
    failed = watched.lines("query_metrics failed")
    assert {category for category, _ in failed} == {USER}
    assert all(line["sqlstate"] and line["correlation_id"] for _, line in failed)


async def test_audit_records_that_are_lost_are_told(watched: Watched, own: Database) -> None:
    with psycopg.connect(own.owner, autocommit=True) as owner:
        owner.execute("REVOKE EXECUTE ON FUNCTION zava.record_calls(jsonb) FROM zava_server")
        try:
            assert await watched.ask("get_current_utc_date") == 200
            assert await comes(lambda: watched.lines("records lost"))
        finally:
            owner.execute("GRANT EXECUTE ON FUNCTION zava.record_calls(jsonb) TO zava_server")
    ((category, line),) = watched.lines("records lost")
    assert category == CONSOLE
    assert line["level"] == "ERROR"


async def test_database_that_is_given_up_is_told(watched: Watched, proxy: Proxy) -> None:
    assert "database-given-up" not in watched.told()
    proxy.refuses = True
    question = {"postgresql_query": SQL}
    until = time.monotonic() + patient(PATIENCE_SECONDS)
    while not watched.lines('"database given up"') and time.monotonic() < until:
        proxy.cut()  # a line that was being made at the first cut is there at the next
        assert await watched.ask("execute_sales_query", question) == 200
    proxy.refuses = False
    assert len(watched.lines('"database given up"')) == 1
    failed = watched.lines("connecting to the database failed")
    assert {line["reason"] for _, line in failed}
    assert CONSOLE in {category for category, _ in failed}
    assert await comes(lambda: "database-given-up" in watched.told())
    until = time.monotonic() + patient(PATIENCE_SECONDS)
    while not watched.lines('"database answers again"') and time.monotonic() < until:
        await watched.ask("execute_sales_query", question)
    assert len(watched.lines('"database answers again"')) == 1


async def test_telemetry_that_is_refused_is_told_by_the_lines_alone(watched: Watched) -> None:
    watched.ingestion.status = 403
    try:
        until = time.monotonic() + patient(PATIENCE_SECONDS)
        while not watched.lines("telemetry failing") and time.monotonic() < until:
            assert await watched.ask("get_current_utc_date") == 200
    finally:
        watched.ingestion.status = 200
    assert await watched.ask("get_current_utc_date") == 200
    assert await comes(lambda: watched.lines("telemetry recovered"))
    for words in ("telemetry failing", "telemetry recovered"):
        assert [category for category, _ in watched.lines(words)] == [CONSOLE]
    # The package's own line names the reason; its arguments are left out.
    assert {category for category, _ in watched.lines("Forbidden error %s")} == {CONSOLE}


async def test_orders_that_stopped_are_told(watched: Watched) -> None:
    # The newest order of the demo data is older than an hour.
    assert "late-orders" not in watched.told()
    orders, until = "unknown", time.monotonic() + patient(PATIENCE_SECONDS)
    async with httpx.AsyncClient(timeout=patient(40)) as http:
        # It stays unknown where the database does not answer within readiness's own deadline.
        while orders == "unknown" and time.monotonic() < until:
            answer = await http.get(f"{watched.hosted.url}/health/ready")
            orders = answer.json()["checks"]["orders"]
    assert orders == "late"
    assert await comes(lambda: "late-orders" in watched.told())


async def test_isolation_that_is_broken_is_told(
    own: Database,
    ingestion: Ingestion,
    home: StateDirectory,
    context_keys: list[str],
    tokens: dict[str, str],
    tmp_path: Path,
) -> None:
    ingestion.envelopes.clear()
    with psycopg.connect(own.owner, autocommit=True) as owner:
        owner.execute("ALTER TABLE retail.orders NO FORCE ROW LEVEL SECURITY")
    with functions_host(
        *("--plant", "fast_telemetry", "--plant", "broken_parts"),
        *("--log", str(tmp_path / "log")),
        database=own,
        home=home,
        context_keys=context_keys,
        APPLICATIONINSIGHTS_CONNECTION_STRING=ingestion.connection_string,
        ZAVA_STATEMENT_TIMEOUT_SECONDS="1",
    ) as hosted:
        async with aclosing(Watched(hosted, ingestion, tokens["seattle"])) as watched:
            assert await watched.ask("execute_sales_query", {"postgresql_query": SQL}) == 200
            assert await comes(lambda: "server-errors" in watched.told())
            assert watched.told() == {"server-errors"}
            found = watched.lines('"isolation: ')
            assert {(category, line["level"]) for category, line in found} == {(USER, "CRITICAL")}
            assert watched.lines("execute_sales_query failed")
            assert RULES.keys() == FIRED, "each rule has fired in a test above"
            for method, (status, words) in ENDS.items():
                headers, body = request(MODERN, method, None, tokens["seattle"])
                answer = await watched.post(headers, body)
                assert answer.status_code == status
                assert [category for category, _ in watched.lines(f'"{words}')] == [USER]


async def test_setting_that_is_wrong_is_told(
    database: Database, home: StateDirectory, context_keys: list[str], tmp_path: Path
) -> None:
    with functions_host(
        *("--log", str(tmp_path / "log")),
        database=database,
        home=home,
        context_keys=context_keys,
        PGPORT="none",
    ) as hosted:
        async with httpx.AsyncClient() as http:
            answer = await http.get(f"{hosted.url}/health/ready")
        assert answer.status_code == 503
        assert "PGPORT" in answer.json()["error"]
        (line,) = [line for line in hosted.lines() if "not started: PGPORT" in line["message"]]
        assert line["category"] == "Function.health_ready.User"


async def test_every_line_arrives_once_with_an_id(watched: Watched) -> None:
    lines = watched.lines("")
    assert len(lines) > 30
    arrived = Counter((line["time"], line["message"]) for _, line in lines)
    assert {key for key, count in arrived.items() if count > 1} == set()
    assert all(line["correlation_id"] for _, line in lines)
