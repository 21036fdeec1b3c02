"""Rows about HTTP: what the server and the platform in front of it do with a request."""

import ssl
import threading
import time
from statistics import median

from zava.cli.check.report import Check, Found, State
from zava.cli.check.values import CALL, DISCOVER, Answer, Framing, NoAnswer, Request, shown
from zava.cli.check.wire import Subject, content
from zava.protocol.mcp.jsonrpc import MAX_BODY_BYTES

LIVE, READY = "/health/live", "/health/ready"
_ELSEWHERE = "check.invalid"  # no host has this name (RFC 6761)
_FIVE_MEGABYTES = 5 * 1024 * 1024
_CALLS = 10
_LOOKS = 3
_PAUSE_SECONDS = 2.0
_SLOW_SECONDS = 1.0
_RENEW_DAYS = 7
_OK, _BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 200, 400, 401, 403, 404
_TOO_LARGE, _LENGTH_REQUIRED, _MISDIRECTED, _SERVER_ERROR = 413, 411, 421, 500
_WITH_TOKEN = "run it again with a token, which decides it"  # noqa: S105  # an advice


def described(answer: Answer) -> str:
    """Return status and, where the answer gives a reason, that reason."""
    body = content(answer)
    error = body.get("error")
    reason = body.get("error_description") or (
        error.get("message") if isinstance(error, dict) else error
    )
    return f"{answer.status} {shown(str(reason))}" if reason else str(answer.status)


def is_served(answer: Answer) -> bool:
    """Whether the app took the request and answered it or required a token."""
    return answer.status in {_OK, _UNAUTHORIZED}


def is_refusal(answer: Answer) -> bool:
    """Whether the answer is the client's error, of a route that exists."""
    return _BAD_REQUEST <= answer.status < _SERVER_ERROR and answer.status != _NOT_FOUND


def process(subject: Subject) -> Found:
    """Look whether the process answers."""
    answer = subject.get(LIVE)
    is_alive = answer.status == _OK and content(answer).get("status") == "alive"
    return Found.of(described(answer), is_good=is_alive)


def readiness(subject: Subject) -> Found:
    """Look whether the parts behind the process work.

    A process that has just started reports its database later, so this looks several times.
    """
    answer = subject.get(READY, seconds=subject.limits.first)
    for _ in range(_LOOKS - 1):
        if answer.status == _OK:
            break
        threading.Event().wait(_PAUSE_SECONDS)
        answer = subject.get(READY, seconds=subject.limits.first)
    report = content(answer)
    status, checks = report.get("status"), report.get("checks")
    bad = [
        f"{name} {state}"
        for name, state in (checks.items() if isinstance(checks, dict) else ())
        if state not in {"healthy", "off"}
    ]
    seen = " ".join(filter(None, [described(answer), str(status or ""), ", ".join(bad)]))
    is_ready = answer.status == _OK and status in {"healthy", "degraded"}
    return Found.of(shown(seen), is_good=is_ready)


def host(subject: Subject) -> Found:
    """Detect whether the Azure Functions host is in front of the app."""
    # The host serves this path to everybody, with an empty body; the app has no such path.
    answer = subject.get("/admin/host/ping")
    is_azure = subject.address.host.endswith(".azurewebsites.net")
    subject.is_functions = is_azure or (answer.status == _OK and not answer.body)
    return Found(
        State.LEARNED, "Azure Functions" if subject.is_functions else "a server of its own"
    )


def tls(subject: Subject) -> Found:
    """Look at the TLS of the connections so far."""
    if subject.address.scheme == "http":
        return Found(State.SKIPPED, "plain HTTP on this machine")
    version, ends = subject.wire.tls_version, subject.wire.certificate.get("notAfter", "")
    days = int((ssl.cert_time_to_seconds(ends) - time.time()) // 86_400) if ends else 0
    seen = f"{version}, certificate valid for {days} days"
    return Found.of(seen, is_good=version in {"TLSv1.2", "TLSv1.3"} and days >= _RENEW_DAYS)


def hsts(subject: Subject) -> Found:
    """Look for the header that keeps browsers from plain HTTP."""
    if subject.address.scheme == "http":
        return Found(State.SKIPPED, "plain HTTP on this machine")
    value = subject.get(LIVE).headers.get("strict-transport-security", "")
    if not value and subject.address.is_local:
        return Found(State.LEARNED, "none on this machine")
    return Found.of(shown(value) or "none", is_good="max-age=" in value)


def foreign_host(subject: Subject) -> Found:
    """Send a Host that is not ours: the owner of that name must not be served."""
    answer = subject.post(DISCOVER, host=_ELSEWHERE)
    is_refused = is_refusal(answer) and answer.status != _UNAUTHORIZED
    # A front end that routes by the name finds no site.
    is_unknown = answer.status == _NOT_FOUND
    return Found.of(described(answer), is_good=is_refused or is_unknown)


def foreign_origin(subject: Subject) -> Found:
    """Send the Origin of another site's page."""
    answer = subject.post(DISCOVER, {"Origin": f"https://{_ELSEWHERE}"})
    allowed = answer.headers.get("access-control-allow-origin")
    if allowed is not None:
        return Found(State.PROBLEM, f"{answer.status}, allows the origin {shown(allowed)}")
    is_app = "content-security-policy" in answer.headers
    if answer.status == _UNAUTHORIZED and not is_app:
        return Found(State.OK, "401 by the platform")
    return Found.of(described(answer), is_good=answer.status == _FORBIDDEN)


def head(subject: Subject) -> Found:
    """Send HEAD, as probes do."""
    endpoint = subject.get(subject.address.path, method="HEAD")
    live = subject.get(LIVE, method="HEAD")
    seen = f"{subject.address.path} {endpoint.status}, {LIVE} {live.status}"
    is_good = live.status == _OK and (is_served(endpoint) or is_refusal(endpoint))
    return Found.of(seen, is_good=is_good)


def options(subject: Subject) -> Found:
    """Send OPTIONS, as browsers do before they send a page's request."""
    answer = subject.get(subject.address.path, method="OPTIONS")
    allowed = answer.headers.get("access-control-allow-origin")
    if allowed == "*":
        return Found(State.PROBLEM, f"{answer.status}, allows every origin")
    is_good = answer.status < _BAD_REQUEST or is_refusal(answer)
    return Found.of(described(answer), is_good=is_good)


def without_length(subject: Subject) -> Found:
    """Send a POST with neither a length nor a body."""
    request = Request("POST", subject.address.path, framing=Framing.NONE)
    answer = subject.wire.send(request)
    return Found.of(described(answer), is_good=is_refusal(answer))


def chunked(subject: Subject) -> Found:
    """Send a body in chunks: a platform may pass it on, add its length, or lose it."""
    answer = subject.post(DISCOVER, has_token=True, framing=Framing.CHUNKED)
    seen = described(answer)
    if answer.status == _LENGTH_REQUIRED:
        return Found(State.LEARNED, seen, "clients have to send Content-Length")
    if answer.status == _UNAUTHORIZED and subject.token is None:
        return Found(State.LEARNED, f"{seen} The body was not read.", _WITH_TOKEN)
    arrived = answer.status == _OK and "result" in content(answer)
    return Found(State.LEARNED, "200, the body arrived") if arrived else Found(State.PROBLEM, seen)


def expect(subject: Subject) -> Found:
    """Send `Expect: 100-continue` before the body, as curl does with a large one."""
    answer = subject.post(DISCOVER, {"Expect": "100-continue"})
    seen = f"{'100, then' if answer.is_continued else 'no 100,'} {described(answer)}"
    return Found.of(seen, is_good=is_served(answer) or is_refusal(answer))


def utf8_header(subject: Subject) -> Found:
    """Send a header with a letter beyond ASCII, which must not disturb the call."""
    answer = subject.post(DISCOVER, {"X-Check": "Zürich"})
    if answer.status == _BAD_REQUEST:
        return Found(State.LEARNED, f"{described(answer)}: such a header is refused")
    return Found.of(described(answer), is_good=is_served(answer))


def body_limit(subject: Subject) -> Found:
    """Send a body two bytes above the limit."""
    try:
        answer = subject.post(
            DISCOVER, has_token=True, padding=MAX_BODY_BYTES + 2, seconds=subject.limits.first
        )
    except NoAnswer as nothing:
        if nothing.is_closed:
            return Found(State.OK, "the connection was closed")
        raise
    seen = described(answer)
    if answer.status == _SERVER_ERROR and not answer.body:
        return Found(State.OK, "500 with an empty body: the limit of the Functions host")
    is_app = answer.status in {_TOO_LARGE, _UNAUTHORIZED} and (
        "content-security-policy" in answer.headers
    )
    if subject.is_functions and is_app:
        return Found(
            State.PROBLEM,
            f"{seen} The body reached the app.",
            "set FUNCTIONS_REQUEST_BODY_SIZE_LIMIT to 1048577 in the app's settings",
        )
    if answer.status == _UNAUTHORIZED and subject.token is None:
        return Found(State.LEARNED, seen, _WITH_TOKEN)
    return Found.of(seen, is_good=is_refusal(answer) and answer.status != _UNAUTHORIZED)


def five_megabytes(subject: Subject) -> Found:
    """Send 5 MB once, without a token, and look whether the app still answers."""
    try:
        answer = subject.post(DISCOVER, padding=_FIVE_MEGABYTES, seconds=subject.limits.first)
        seen = described(answer)
    except NoAnswer as nothing:
        if not nothing.is_closed:
            raise
        seen = "the connection was closed"
    return _then_alive(subject, seen)


def leaving(subject: Subject) -> Found:
    """Leave before the answer, and leave in the middle of a body."""
    request = subject.request(DISCOVER)
    subject.wire.leave(request)
    subject.wire.leave(request, share=0.5)
    return _then_alive(subject, "left twice")


def ten_calls(subject: Subject) -> Found:
    """Time ten calls on one connection."""
    request = subject.request(CALL, has_token=True)
    answers: list[Answer] = []
    with subject.wire.line() as line:
        answers.append(line.exchange(request))
        try:
            while len(answers) < _CALLS and not answers[-1].is_last:
                answers.append(line.exchange(request))
        except NoAnswer as nothing:
            # A server may close a connection that rests; the others get one each.
            if not nothing.is_closed:
                raise
    while len(answers) < _CALLS:
        answers.append(subject.wire.send(request))
    taken = [answer.seconds for answer in answers]
    seen = f"median {median(taken) * 1000:.0f} ms, slowest {max(taken) * 1000:.0f} ms"
    statuses = {answer.status for answer in answers}
    expected = {_OK} if subject.token else {_UNAUTHORIZED}
    if statuses != expected:
        return Found(State.PROBLEM, f"{seen}; statuses {', '.join(map(str, sorted(statuses)))}")
    without = "" if subject.token else ", each refused for want of a token"
    return Found.of(seen + without, is_good=median(taken) < _SLOW_SECONDS)


def _then_alive(subject: Subject, seen: str) -> Found:
    answer = subject.get(LIVE)
    return Found.of(f"{seen}; then {LIVE} {answer.status}", is_good=answer.status == _OK)


SERVER = (
    Check("process", "200, alive", "read the log of the app", process),
    Check(
        "readiness",
        "200, healthy or degraded",
        "docs/how-to/deploy.md names the cause of each part",
        readiness,
    ),
    Check("host", "learned", "", host),
    Check("TLS", "TLS 1.2 or newer, 7 days or more", "renew the certificate", tls),
    Check("HSTS", "Strict-Transport-Security", "let the proxy pass the header on", hsts),
)
REQUESTS = (
    Check(
        "wrong Host",
        "refused: 421, or 4xx of the platform",
        "let the proxy pass the client's Host on, and list only your names in ZAVA_ALLOWED_HOSTS",
        foreign_host,
    ),
    Check(
        "foreign Origin",
        "403",
        "switch off CORS in the platform and in the proxy",
        foreign_origin,
    ),
    Check("HEAD", "answered, not 404", "deploy a version that has the route", head),
    Check("OPTIONS", "answered, not 404", "deploy a version that has the route", options),
    Check(
        "POST without a length",
        "4xx at once",
        "look at the proxy or the platform in front of the app",
        without_length,
    ),
    Check(
        "chunked body",
        "learned: 200 or 411",
        "the platform loses such bodies; clients have to send Content-Length",
        chunked,
    ),
    Check("Expect: 100-continue", "answered", "look at the proxy in front of the app", expect),
    Check("UTF-8 header", "200 or 401, as without it", "look at the log of the app", utf8_header),
    Check(
        "body over 1 MiB",
        "refused: 413, or 500 of the host",
        "limit the size of a body in front of the app",
        body_limit,
    ),
    Check(
        "5 MB body",
        "refused, then alive",
        "limit the size of a body; on a slow line run it from elsewhere",
        five_megabytes,
    ),
    Check("client that leaves", "alive afterwards", "look at the log of the app", leaving),
)
TIME = (
    Check(
        "ten calls",
        f"median under {_SLOW_SECONDS:g} s",
        "look at the slow statements and at the plan's instances",
        ten_calls,
    ),
)
