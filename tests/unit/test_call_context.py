"""The ids and the deadline of a call."""

import time

import pytest

from zava import call_context


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        "",
        "00",
        f"00-{'0' * 32}-{'1' * 16}-01",
        f"00-{'1' * 32}-{'0' * 16}-01",
        f"ff-{'1' * 32}-{'1' * 16}-01",
        f"00-{'A' * 32}-{'1' * 16}-01",
        f"00-{'1' * 32}-{'1' * 16}-01\n",
    ],
)
def test_trace_that_no_client_can_mean_begins_anew(traceparent: str | None) -> None:
    begun = call_context.begin(traceparent)
    assert begun.parent_id == ""
    assert len(begun.trace_id) == 32
    assert begun.trace_id != "1" * 32


def test_clients_that_share_a_trace_share_no_correlation_id() -> None:
    client = f"00-{'ab' * 16}-{'cd' * 8}-01"
    first, second = call_context.begin(client), call_context.begin(client)
    assert first.trace_id == second.trace_id == "ab" * 16
    assert len({first.correlation_id, second.correlation_id, "ab" * 16}) == 3
    with call_context.use(first):
        assert call_context.correlation_id() == first.correlation_id
        assert call_context.afterwards(1).correlation_id == first.correlation_id
    own = call_context.begin(None)
    assert own.correlation_id == own.trace_id


def test_what_becomes_known_of_a_call_is_added_to_the_trace_that_it_began_with() -> None:
    begun = call_context.begin(None, seconds=3, since=time.monotonic() - 1)
    assert begun.deadline is not None
    assert 1.5 < begun.deadline - time.monotonic() <= 2
    with call_context.use(begun):
        assert call_context.known("of no form", "hash") is begun
        assert (begun.trace_id, begun.parent_id, begun.principal) == (
            *(begun.correlation_id, ""),
            "hash",
        )
        assert call_context.known(f"00-{'ab' * 16}-{'cd' * 8}-01", "hash") is begun
        assert (begun.trace_id, begun.parent_id) == ("ab" * 16, "cd" * 8)
        assert begun.correlation_id != begun.trace_id
    assert call_context.known(None, "other").principal == "other"


def test_traceparent_is_read_from_the_header_before_the_message() -> None:
    meta = {"params": {"_meta": {"traceparent": "of the message"}}}
    assert call_context.traceparent_of({"traceparent": "of the header"}, meta) == "of the header"
    assert call_context.traceparent_of({}, meta) == "of the message"
    nameless: list[dict[str, object]] = [{}, {"params": []}]
    nameless += [{"params": {"_meta": []}}, {"params": {}}]
    for message in nameless:
        assert call_context.traceparent_of({}, message) is None
    assert call_context.traceparent_of({}, {"params": {"_meta": {"traceparent": 7}}}) is None


def test_time_left_never_exceeds_the_bound_and_never_falls_below_zero() -> None:
    assert call_context.remaining_seconds(7) == 7
    with call_context.use(call_context.begin(None, seconds=3)):
        assert 2 < call_context.remaining_seconds(7) <= 3
        assert call_context.remaining_seconds(1) == 1
    with call_context.use(call_context.begin(None, seconds=-1)):
        assert call_context.remaining_seconds(7) == 0
    with call_context.use(call_context.begin(None)):
        assert call_context.remaining_seconds(7) == 7
