"""What is told of an operation: counted, timed and logged once, whichever way it ends."""

import asyncio
import logging
import pickle
from collections.abc import Iterator
from uuid import UUID

import pytest

from zava import call_context, errors
from zava.app import compose
from zava.errors import (
    AccessDenied,
    Busy,
    DatabaseFault,
    EmbeddingsUnavailable,
    InvalidInput,
    QueryRefused,
    QueryTimeout,
    ResultTooLarge,
    ZavaError,
)
from zava.infrastructure.telemetry.aggregator import BUCKETS_SECONDS, InstrumentAggregator
from zava.model.core import Caller
from zava.retail.tools.registry import TOOLS
from zava.settings import Settings
from zava.telemetry import events, redaction, sinks
from zava.telemetry.events import operation
from zava.telemetry.instruments import (
    INSTRUMENTS,
    OPERATIONS,
    CacheType,
    ErrorType,
    QueryStatus,
    QueryType,
    Refusal,
)
from zava.telemetry.sinks import Span

NAME = "read_resource"
CALLER = Caller(UUID(int=1), UUID(int=2))


class Watching(InstrumentAggregator):
    """A sink that remembers spans, too."""

    def __init__(self) -> None:
        super().__init__()
        self.takes_spans = True
        self.spans: list[Span] = []

    def span(self, span: Span) -> None:
        self.spans.append(span)


@pytest.fixture
def sink() -> Iterator[Watching]:
    sink = Watching()
    sinks.attach(sink)
    sinks.attach(sink)
    yield sink
    sinks.detach(sink)


async def fail(error: BaseException) -> None:
    async with operation(NAME):
        raise error


@pytest.mark.requirement("S100")
@pytest.mark.requirement("S101")
async def test_success_is_counted_and_timed_once(sink: Watching) -> None:
    async with operation(NAME):
        pass
    assert sink.counter("operation_success", NAME) == 1
    assert sink.distribution("operation_duration", NAME).count == 1
    assert not [kind for kind in ErrorType if sink.counter("operation_error", NAME, kind)]


@pytest.mark.requirement("S100")
@pytest.mark.requirement("S102")
@pytest.mark.parametrize(
    ("error", "kind", "level"),
    [
        (InvalidInput("no"), "validation", logging.WARNING),
        (AccessDenied("no"), "authorization", logging.WARNING),
        (QueryRefused("no"), "refused", logging.INFO),
        (QueryTimeout("no"), "timeout", logging.WARNING),
        (DatabaseFault("no"), "database", logging.ERROR),
        (ResultTooLarge("no"), "database", logging.ERROR),
        (Busy("no"), "busy", logging.WARNING),
        (EmbeddingsUnavailable("no"), "embeddings", logging.WARNING),
        (ZavaError("no"), "unexpected", logging.ERROR),
        (LookupError("no"), "unexpected", logging.ERROR),
    ],
)
async def test_failure_is_counted_in_its_class_alone_timed_and_logged_once(
    sink: Watching,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    kind: str,
    level: int,
) -> None:
    caplog.set_level(logging.DEBUG, logger="zava")
    with pytest.raises(ZavaError) as caught:
        await fail(error)
    assert caught.value is error or caught.value.__cause__ is error
    counted = {k: sink.counter("operation_error", NAME, k) for k in ErrorType}
    assert counted == {k: int(k == kind) for k in ErrorType}
    assert sink.counter("operation_success", NAME) == 0
    assert sink.distribution("operation_duration", NAME).count == 1
    (record,) = caplog.records
    assert record.levelno == level
    assert record.__dict__["operation"] == NAME
    assert record.__dict__["error_type"] == kind
    assert caught.value.correlation_id in record.getMessage()


async def test_cancellation_is_counted_and_passes(sink: Watching) -> None:
    with pytest.raises(asyncio.CancelledError):
        await fail(asyncio.CancelledError())
    assert sink.counter("operation_error", NAME, ErrorType.CANCELLED) == 1
    assert sink.distribution("operation_duration", NAME).count == 1


@pytest.mark.requirement("S103")
async def test_validation_error_names_the_fields_that_we_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        call_context.use(call_context.begin(None, principal=redaction.pseudonym(CALLER))),
        pytest.raises(InvalidInput),
    ):
        await fail(InvalidInput("max_rows: planted", fields=("max_rows",)))
    (record,) = caplog.records
    assert record.__dict__["fields"] == "max_rows"
    assert "planted" not in record.getMessage()


async def test_end_of_the_process_passes_an_operation_and_is_no_outcome(sink: Watching) -> None:
    with pytest.raises(SystemExit):
        await fail(SystemExit())
    assert sink.counter("operation_success", NAME) == 0
    assert not [kind for kind in ErrorType if sink.counter("operation_error", NAME, kind)]


@pytest.mark.requirement("S106")
async def test_unexpected_cause_is_told_by_kind_and_place_never_by_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def misread() -> None:
        async with operation(NAME):
            try:
                int("planted literal")
            except ValueError as cause:
                raise KeyError("planted key") from cause

    with pytest.raises(ZavaError) as caught:
        await misread()
    assert caught.value.to_dict()["message"] == "The server failed."
    said = caplog.text
    assert "KeyError at" in said
    assert "from ValueError at test_observe.py:" in said
    assert "planted" not in said


@pytest.mark.requirement("S95")
def test_every_error_has_the_one_shape_and_survives_a_copy() -> None:
    tree = {
        error
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, ZavaError)
    }
    told_alike = {errors.InsufficientScope, errors.NotPermitted}  # a known person's, and nobody's
    assert len({error.code for error in tree}) == len(tree - told_alike) >= 9
    for kind in tree:
        error = kind("What happened.", hint="What to do.")
        assert set(error.to_dict()) == {
            *("code", "message", "hint", "correlation_id", "retryable"),
            *(["retry_after_seconds"] if kind is Busy else []),
        }
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own
        assert copy.to_dict() == error.to_dict()
        assert (type(copy), events.error_type(copy)) == (kind, events.error_type(error))


def test_errors_of_one_call_bear_its_correlation_id() -> None:
    with call_context.use(call_context.begin(None)) as _:
        assert Busy("a").correlation_id == QueryTimeout("b").correlation_id
    assert Busy("a").correlation_id != Busy("b").correlation_id


@pytest.mark.requirement("S38")
@pytest.mark.requirement("S39")
@pytest.mark.requirement("S114")
def test_query_is_counted_and_timed_by_type_and_status(sink: Watching) -> None:
    ends: list[tuple[BaseException | None, QueryStatus]] = [
        (None, QueryStatus.SUCCESS),
        (DatabaseFault("x"), QueryStatus.ERROR),
        (QueryTimeout("x"), QueryStatus.TIMEOUT),
        (AccessDenied("x"), QueryStatus.DENIED),
        (Busy("x"), QueryStatus.BUSY),
        (asyncio.CancelledError(), QueryStatus.CANCELLED),
        (LookupError("x"), QueryStatus.ERROR),
    ]
    for error, _ in ends:
        events.query(QueryType.FREE, seconds=0.02, error=error)
    for status in QueryStatus:
        expected = sum(end is status for _, end in ends)
        assert sink.counter("query_total", QueryType.FREE, status) == expected
        assert sink.distribution("query_duration", QueryType.FREE, status).count == expected
        assert sink.counter("query_total", QueryType.OWN, status) == 0


@pytest.mark.requirement("S40")
def test_buckets_of_durations_suit_a_millisecond_to_half_a_minute(sink: Watching) -> None:
    assert (BUCKETS_SECONDS[0], BUCKETS_SECONDS[-1]) == (0.001, 30.0)
    for seconds in (0.0005, 0.001, 0.0011, 29, 31):
        events.query(QueryType.OWN, seconds=seconds, error=None)
    values = sink.distribution("query_duration", QueryType.OWN, QueryStatus.SUCCESS)
    assert (values.buckets[0], values.buckets[1], values.buckets[-2], values.buckets[-1]) == (
        *(2, 1),
        *(1, 1),
    )
    assert (values.smallest, values.largest, values.count) == (0.0005, 31, 5)
    assert values.total == pytest.approx(60.0026)


def test_cache_hits_and_misses_are_counted_by_what_is_cached(sink: Watching) -> None:
    events.cache_hit(CacheType.QUERY)
    events.cache_miss(CacheType.QUERY)
    events.cache_miss(CacheType.EMBEDDING)
    assert sink.counter("cache_hit", CacheType.QUERY) == 1
    assert sink.counter("cache_miss", CacheType.QUERY) == 1
    assert sink.counter("cache_miss", CacheType.EMBEDDING) == 1


def test_labels_are_closed_sets_whatever_callers_send(sink: Watching) -> None:
    for metric in INSTRUMENTS.values():
        for label, values in metric.labels:
            assert 0 < len(values) <= (len(TOOLS) + 4 if label == "operation" else 12)
    with pytest.raises(ValueError, match="not one of its values"):
        sink.count(INSTRUMENTS["operation_success"], ("drop table",))


async def test_tools_are_counted_by_name_once_the_application_is_joined(
    context_keys: list[str], sink: Watching
) -> None:
    settings = Settings.model_validate(
        {
            "ZAVA_IDENTITY_ISSUER": "https://i.example/{tid}",
            "ZAVA_IDENTITY_AUDIENCE": "api://zava",
            "ZAVA_ALLOWED_TENANTS": str(UUID(int=1)),
        }
    )
    OPERATIONS.difference_update(TOOLS)
    await compose(settings, conninfo="host=db.example", context_keys=context_keys).close()
    for name in TOOLS:
        async with operation(name):
            pass
    assert [sink.counter("operation_success", name) for name in TOOLS] == [1] * len(TOOLS)
    assert sink.counter("operation_success", "other") == 0


async def test_operation_of_another_name_is_counted_as_other(sink: Watching) -> None:
    async with operation("planted name"):
        pass
    assert sink.counter("operation_success", "other") == 1


@pytest.mark.requirement("S104")
def test_refusals_are_all_counted_and_told_once_a_second(
    sink: Watching, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, logger="zava")
    # The refusals of earlier tests are not counted here.
    monkeypatch.setattr(events, "_refusals", {})
    for reason in Refusal:
        for _ in range(50):
            events.request_refused(reason)
        assert sink.counter("request_refused", reason) == 50
    levels = {record.__dict__["reason"]: record.levelno for record in caplog.records}
    assert len(caplog.records) == len(levels) == len(Refusal)
    assert levels[Refusal.BAD_TOKEN] == logging.WARNING
    assert levels[Refusal.NO_TOKEN] == logging.INFO
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr(events, "_REFUSALS_EVERY_SECONDS", 0.0)
    events.request_refused(Refusal.BAD_TOKEN)
    assert caplog.records[-1].__dict__["untold"] == 49


async def test_sink_that_fails_costs_the_call_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(InstrumentAggregator):
        takes_spans = True

        def count(self, *_: object) -> None:
            raise RuntimeError("planted")

        record = span = count  # type: ignore[assignment]  # a sink whose methods all fail

    broken = Broken()
    sinks.attach(broken)
    try:
        with call_context.use(call_context.begin(None)):
            async with operation(NAME):
                pass
    finally:
        sinks.detach(broken)
    assert caplog.text.count("observation lost: RuntimeError") == 3
    assert "planted" not in caplog.text


async def test_spans_lead_from_the_client_to_the_statement(sink: Watching) -> None:
    client = f"00-{'ab' * 16}-{'cd' * 8}-01"
    with call_context.use(call_context.begin(client, principal="p")):
        async with operation(NAME):
            events.query(QueryType.FREE, seconds=0.5, error=None, server="standby")
    statement, call = sink.spans
    assert (call.trace_id, call.parent_id, call.kind) == ("ab" * 16, "cd" * 8, "server")
    assert (statement.trace_id, statement.parent_id) == (call.trace_id, call.span_id)
    assert dict(call.attributes)["correlation_id"] not in {"ab" * 16, ""}
    assert statement.kind == "client"
    assert dict(statement.attributes)["server"] == "standby"
    assert statement.is_success
    assert statement.started == pytest.approx(call.started - 0.5, abs=0.4)


def test_request_that_is_given_up_or_cancelled_is_counted_and_logged_as_what_it_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    metrics = InstrumentAggregator()
    sinks.attach(metrics)
    try:
        events.request_timed_out()
        events.request_cancelled()
    finally:
        sinks.detach(metrics)
    counters, _ = metrics.drain()
    assert counters == {
        ("operation_error", ("request", "timeout")): 1,
        ("operation_error", ("request", "cancelled")): 1,
    }
    assert caplog.messages == ["request timed out", "request cancelled"]


async def test_success_is_a_line_for_debugging_alone(caplog: pytest.LogCaptureFixture) -> None:
    for level, lines in ((logging.INFO, 0), (logging.DEBUG, 1)):
        caplog.clear()
        with caplog.at_level(level, logger="zava.telemetry.events"):
            async with operation(NAME):
                pass
        assert [each.message for each in caplog.records].count("operation succeeded") == lines
