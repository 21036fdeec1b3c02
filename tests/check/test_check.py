"""`zava check URL` against a server with one fault at a time: that row is a problem, no other."""

import pytest

from tests.check.playing import SLOW_SECONDS, TOKEN, Played, playing
from zava.cli.check import http_rows
from zava.cli.check.deployment_check import examine
from zava.cli.check.report import CheckReport, State
from zava.cli.check.values import Limits

MAX_REQUESTS = 60
FAULTS = {
    "isolation is not proven": {"readiness"},
    "other resource": {"metadata"},
    "no metadata": {"metadata"},
    "no authorization server": {"metadata"},
    "no challenge": {"challenge"},
    "every token is accepted": {"forged token"},
    "other issuer": {"sign-in"},
    "second issuer is no address": {"sign-in"},
    "issuer is not encrypted": {"sign-in"},
    "plain PKCE": {"PKCE"},
    "every Host is served": {"wrong Host"},
    "every Origin is served": {"foreign Origin"},
    "every Origin may read": {"foreign Origin"},
    "no HEAD": {"HEAD"},
    "no OPTIONS": {"OPTIONS"},
    "open to every page": {"OPTIONS"},
    "POST without a length fails": {"POST without a length"},
    "chunked body is lost": {"chunked body"},
    "UTF-8 header fails": {"UTF-8 header"},
    "every body is taken": {"body over 1 MiB"},
    "Functions without its limit": {"body over 1 MiB"},
    "large body ends it": {"5 MB body", "client that leaves"},
    "other era": {"era 2025-11-25", "era 2026-07-28"},
    "tool fails": {"tool call"},
}


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr(http_rows, "_PAUSE_SECONDS", 0.0)


def problems(report: CheckReport) -> set[str]:
    assert all(row.advice for row in report.problems), report.problems
    return {row.what for row in report.problems}


def states(report: CheckReport) -> dict[str, tuple[State, str]]:
    return {row.what: (row.state, row.seen) for row in report.rows}


def test_server_without_a_fault_passes_with_every_row_decided() -> None:
    with playing() as server:
        report = examine(server.url, TOKEN)
    assert problems(report) == set()
    undecided = {row.what for row in report.rows if row.state is not State.OK}
    assert undecided == {"host", "TLS", "HSTS", "chunked body"}
    assert states(report)["chunked body"] == (State.LEARNED, "200, the body arrived")


@pytest.mark.parametrize(("fault", "expected"), FAULTS.items(), ids=FAULTS)
def test_fault_is_a_problem_of_its_row(fault: str, expected: set[str]) -> None:
    with playing(fault) as server:
        report = examine(server.url, TOKEN)
    assert problems(report) == expected
    assert report.to_dict()["ok"] is False


def test_slow_calls_are_a_problem_of_their_row(monkeypatch: pytest.MonkeyPatch) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr(http_rows, "_SLOW_SECONDS", SLOW_SECONDS)
    with playing("slow") as server:
        report = examine(server.url, TOKEN)
    assert problems(report) == {"ten calls"}


def test_person_without_a_grant_shows_in_the_calls_alone() -> None:
    with playing("not granted") as server:
        report = examine(server.url, TOKEN)
    assert problems(report) == {
        "chunked body",
        "era 2025-11-25",
        "era 2026-07-28",
        "tool call",
        "ten calls",
    }
    assert states(report)["tool call"][1] == "403 You have no access."


def test_expired_token_shows_what_the_server_says_and_not_the_token() -> None:
    with playing() as server:
        report = examine(server.url, "an.expired.token")
    assert states(report)["tool call"] == (State.PROBLEM, "401 The token is not a JWT.")
    assert "an.expired.token" not in str(report)


@pytest.mark.parametrize(
    ("fault", "row", "seen"),
    [
        ("chunked body is refused", "chunked body", "411 Send Content-Length."),
        ("PKCE is not listed", "PKCE", "no method is listed"),
        ("scopes elsewhere", "scopes", "2 of 2 elsewhere: api://zava/sales.read"),
    ],
)
def test_what_either_way_is_right_is_learned(fault: str, row: str, seen: str) -> None:
    with playing(fault) as server:
        report = examine(server.url, TOKEN)
    assert problems(report) == set()
    assert states(report)[row] == (State.LEARNED, seen)


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ("Functions", "500 with an empty body: the limit of the Functions host"),
        ("closes on a large body", "the connection was closed"),
        ("", "413 The body is too large."),
    ],
)
def test_every_way_of_refusing_a_large_body_is_right(fault: str, seen: str) -> None:
    with playing(fault) as server:
        report = examine(server.url, TOKEN)
    assert problems(report) == set()
    assert states(report)["body over 1 MiB"] == (State.OK, seen)


def test_app_that_has_just_started_gets_several_looks() -> None:
    with playing("ready at the third look") as server:
        report = examine(server.url, TOKEN)
    assert problems(report) == set()
    assert states(report)["readiness"] == (State.OK, "200 healthy")


@pytest.mark.parametrize("fault", ["closes without a word", "announces that it closes"])
def test_server_that_keeps_no_connection_is_timed_as_well(fault: str) -> None:
    with playing(fault) as server:
        report = examine(server.url, TOKEN)
        calls = [seen for seen in server.seen if b"tools/call" in seen.body]
    assert problems(report) == set()
    assert len(calls) == 11  # one for the row about the tool
    assert report.requests <= MAX_REQUESTS


def test_issuer_of_a_laptop_may_publish_nothing() -> None:
    with playing("issuer publishes nothing") as server:
        report = examine(server.url, TOKEN)
    assert problems(report) == set()
    assert states(report)["sign-in"][0] is states(report)["PKCE"][0] is State.SKIPPED


def test_missing_100_continue_does_not_hold_up_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    # No setting changes this bound, and a test cannot wait for it.
    monkeypatch.setattr("zava.cli.check.wire._CONTINUE_SECONDS", 0.05)
    with playing("no 100-continue") as server:
        report = examine(server.url, TOKEN)
    assert problems(report) == set()
    assert states(report)["Expect: 100-continue"][1].startswith("no 100, 401")


def test_without_a_token_what_needs_one_is_skipped_or_left_open() -> None:
    with playing() as server:
        report = examine(server.url, None)
    assert problems(report) == set()
    skipped = {row.what for row in report.rows if row.state is State.SKIPPED}
    assert skipped == {"TLS", "HSTS", "era 2025-11-25", "era 2026-07-28", "tool call"}
    open_rows = {row.what for row in report.rows if row.state is State.LEARNED}
    assert open_rows == {"host", "chunked body", "body over 1 MiB"}


def test_without_a_token_the_missing_limit_of_the_host_shows() -> None:
    with playing("Functions without its limit") as server:
        report = examine(server.url, None)
    assert problems(report) == {"body over 1 MiB"}
    (row,) = report.problems
    assert "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT" in row.advice


def test_requests_are_counted_bounded_and_carry_the_token_only_where_it_is_needed() -> None:
    with playing() as server:
        report = examine(server.url, TOKEN)
        seen = list(server.seen)
    # The two that leave may not have been read to their end.
    assert report.requests - 2 <= len(seen) <= report.requests <= MAX_REQUESTS
    assert {request.method for request in seen} == {"GET", "HEAD", "OPTIONS", "POST"}
    assert {request.path for request in seen if "authorization" in request.fields} == {"/mcp"}
    large = [request for request in seen if len(request.body) > 2 * 1024 * 1024]
    assert len(large) == 1


def test_requests_end_at_their_limit() -> None:
    with playing() as server:
        report = examine(server.url, TOKEN, Limits(requests=9))
        count = len(server.seen)
    assert (report.requests, count) == (9, 9)
    assert states(report)["ten calls"] == (
        State.PROBLEM,
        "not sent: the check sends at most 9 requests",
    )


def test_time_of_the_whole_check_is_bounded() -> None:
    limits = Limits(whole=5)
    with playing() as server:
        original = Played.answer

        def answer(request: object) -> object:
            # The time of the whole check passes with the first row after the looks.
            if len(server.seen) == 3:
                # The time of the whole check passes without a wait.
                limits._ends_at = 0.0
            return original(server, request)  # type: ignore[arg-type]  # as it came

        vars(server)["answer"] = answer
        report = examine(server.url, TOKEN, limits)
    assert states(report)["tool call"] == (
        State.PROBLEM,
        "not sent: the 5 s of the whole check are over",
    )
    assert report.requests == 3


def test_server_that_hangs_later_ends_the_check_in_time_with_every_row() -> None:
    with playing("hangs after two answers") as server:
        report = examine(server.url, TOKEN, Limits(first=0.1, each=0.1, whole=1))
    assert report.seconds < 5
    assert {row.state for row in report.rows if row.what == "process"} == {State.PROBLEM}
    assert states(report)["process"][1] == "no answer in time"
    assert len(report.rows) == 26
