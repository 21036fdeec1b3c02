"""Telemetry reaches the service where it can, costs a call nothing, and is seen to fail."""

import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.support.answers.rpc import MODERN, request
from tests.support.servers.database import Database
from tests.support.servers.ingestion import KEY, Ingestion, ingestion_endpoint
from zava import call_context
from zava.app import Application, compose
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.telemetry.app_insights import Telemetry, open_transport
from zava.settings import Settings
from zava.telemetry import events, sinks
from zava.telemetry.instruments import INSTRUMENTS, QueryType

ROOT = Path(__file__).parents[2]
NAME = "read_resource"
SOON = 0.02


@pytest.fixture
def ingestion() -> Iterator[Ingestion]:
    with ingestion_endpoint() as ingestion:
        yield ingestion


@pytest.fixture
def telemetry(ingestion: Ingestion) -> Iterator[Telemetry]:
    telemetry = Telemetry(ingestion.connection_string, interval_seconds=SOON)
    sinks.attach(telemetry)
    yield telemetry
    sinks.detach(telemetry)
    telemetry.close(5)


async def work() -> None:
    with call_context.use(call_context.begin(f"00-{'ab' * 16}-{'cd' * 8}-01", principal="hash")):
        async with events.operation(NAME):
            events.query(QueryType.FREE, seconds=0.25, error=None)


async def test_metrics_and_spans_arrive_under_their_names(
    ingestion: Ingestion, telemetry: Telemetry
) -> None:
    await work()
    ingestion.wait_for(1)
    telemetry.close(5)
    points = {
        envelope["data"]["baseData"]["metrics"][0]["name"]: (
            envelope["data"]["baseData"]["metrics"][0],
            envelope["data"]["baseData"]["properties"],
        )
        for envelope in ingestion.of_type("MetricData")
    }
    assert points.keys() == {
        *("query_total", "query_duration", "operation_success", "operation_duration"),
    }
    assert points.keys() <= INSTRUMENTS.keys()
    assert points["query_total"][0]["value"] == 1
    assert points["query_total"][1] == {"type": "free", "status": "success"}
    duration = points["query_duration"][0]
    assert (duration["value"], duration["count"], duration["min"], duration["max"]) == (
        *(0.25, 1),
        *(0.25, 0.25),
    )
    assert points["operation_success"][1] == {"operation": NAME}
    (call,) = ingestion.of_type("RequestData")
    (statement,) = ingestion.of_type("RemoteDependencyData")
    for envelope in (call, statement):
        assert envelope["iKey"] == KEY
        assert envelope["tags"]["ai.operation.id"] == "ab" * 16
    assert call["tags"]["ai.operation.parentId"] == "cd" * 8
    assert statement["tags"]["ai.operation.parentId"] == call["data"]["baseData"]["id"]
    assert statement["data"]["baseData"]["duration"] == "0.00:00:00.250"
    assert call["data"]["baseData"]["success"] is True


async def test_three_refused_exports_are_failing_until_one_is_taken(
    ingestion: Ingestion, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="zava")
    ingestion.status = 403
    for refused in range(1, 4):
        assert not telemetry.is_failing
        await work()
        # The exporter counts after the answer: the test waits for the figure.
        while telemetry._refused < refused:
            ingestion.wait_for(refused)
    assert telemetry.is_failing
    ingestion.status = 200
    while telemetry._refused:
        await work()
        ingestion.wait_for(ingestion.requests + 1)
    told = [
        record.getMessage() for record in caplog.records if record.name == "zava.telemetry.events"
    ]
    assert told == ["telemetry failing", "telemetry recovered"]


async def test_dead_or_slow_endpoint_costs_a_call_nothing(
    ingestion: Ingestion, telemetry: Telemetry
) -> None:
    ingestion.answers.clear()
    await work()
    started = time.monotonic()
    for _ in range(500):
        await work()
    assert time.monotonic() - started < 1
    # That memory is bounded shows here alone.
    assert len(telemetry._spans) <= 4096
    ingestion.answers.set()
    ingestion.wait_for(1)


def test_what_cannot_leave_is_bounded() -> None:
    telemetry = Telemetry("InstrumentationKey=x", interval_seconds=3600)
    span = sinks.Span("n", "server", "t", "s", "", 0.0, 0.0, "success")
    for _ in range(5000):
        telemetry.span(span)
    assert len(telemetry._spans) == 4096


async def test_missing_package_is_soft_and_failing() -> None:
    def missing() -> None:
        raise ImportError("no such package")

    telemetry = Telemetry("InstrumentationKey=x", interval_seconds=SOON, make_transport=missing)  # type: ignore[arg-type]  # a seam
    sinks.attach(telemetry)
    try:
        while not telemetry.is_failing:
            await work()
    finally:
        sinks.detach(telemetry)
        telemetry.close(5)


def test_managed_identity_is_asked_where_the_settings_name_one() -> None:
    settings = Settings.model_validate(
        {"APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "Authorization=AAD;ClientId=the-id"}
    )
    assert settings.telemetry_client_id == "the-id"
    assert not settings.sends_telemetry
    transport = open_transport(f"InstrumentationKey={KEY}", settings.telemetry_client_id)
    assert type(transport.options.credential).__name__ == "ManagedIdentityCredential"  # type: ignore[attr-defined]  # a seam
    assert open_transport(f"InstrumentationKey={KEY}").options.credential is None  # type: ignore[attr-defined]  # a seam


async def test_readiness_shows_that_telemetry_is_failing_and_stays_200(
    database: Database,
    home: StateDirectory,
    context_keys: list[str],
    tokens: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def is_answering(*_: object, **__: object) -> bool:
        return True

    monkeypatch.setattr(
        "zava.retail.service.product_search.ProductSearch.is_answering", is_answering
    )
    settings = Settings.model_validate(
        {
            "ZAVA_HOME": home.path,
            # Nothing listens on port 1.
            "APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey={KEY};"
            "IngestionEndpoint=http://127.0.0.1:1",
        }
    )
    application = compose(settings, conninfo=database.server, context_keys=context_keys)
    telemetry = application.telemetry
    assert telemetry is not None
    # No setting shortens the interval, and a test cannot wait for it.
    telemetry._interval = SOON
    try:
        assert await ready(application) == (200, "healthy", "healthy")
        while not telemetry.is_failing:
            headers, body = request(
                MODERN, "tools/call", {"name": "get_current_utc_date"}, tokens["seattle"]
            )
            answer = await application.endpoint.handle("POST", "/mcp", headers, body)
            assert answer.status == 200
        assert await ready(application) == (200, "degraded", "failing")
    finally:
        await application.close()


async def ready(application: Application) -> tuple[int, str, str]:
    answer = await application.endpoint.handle("GET", "/health/ready", {}, b"")
    content = orjson.loads(answer.body)
    return answer.status, content["status"], content["checks"]["telemetry"]


@pytest.mark.slow
def test_backend_is_imported_at_the_first_export_alone() -> None:
    program = """
import sys, zava.app, zava.protocol.mcp.server, function_app
from zava.infrastructure.telemetry.app_insights import Telemetry
Telemetry("InstrumentationKey=x")
print([name for name in sys.modules if name.startswith(("opencensus", "azure.identity"))])
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "[]\n"
