"""What every answer says to browsers and caches, and that no other origin is let in."""

import pytest

from tests.support.answers.rpc import MODERN, request
from zava.app import Application

PATHS = ["/", "/mcp", "/.well-known/oauth-protected-resource", "/health/live", "/health/ready"]
EXPECTED = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_every_answer_carries_the_security_headers(
    application: Application, path: str, method: str
) -> None:
    answer = await application.endpoint.handle(method, path, {"host": "localhost"}, b"")
    assert EXPECTED.items() <= answer.headers.items()
    assert "strict-transport-security" not in answer.headers  # plain HTTP on this machine


async def test_answer_of_a_tool_carries_them_too(
    application: Application, tokens: dict[str, str]
) -> None:
    headers, body = request(MODERN, "tools/list", token=tokens["seattle"])
    answer = await application.endpoint.handle("POST", "/mcp", headers, body)
    assert answer.status == 200
    assert EXPECTED.items() <= answer.headers.items()


async def test_failure_of_the_edge_carries_them_too(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise RuntimeError

    # No public name leads to this part: the test makes it slow, late or failing.
    monkeypatch.setattr(application.endpoint, "_readiness", fail)
    answer = await application.endpoint.handle("GET", "/health/ready", {}, b"")
    assert answer.status == 500
    assert EXPECTED.items() <= answer.headers.items()


async def test_public_host_is_kept_to_https(application: Application) -> None:
    # A public host, without a deployment's settings.
    application.endpoint._hosts |= {"zava.example"}
    answer = await application.endpoint.handle("GET", "/mcp", {"host": "zava.example"}, b"")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize("origin", ["http://localhost:7071", "https://evil.example", "null"])
@pytest.mark.parametrize("method", ["OPTIONS", "POST"])
async def test_no_origin_is_given_leave_to_read_an_answer(
    application: Application, tokens: dict[str, str], origin: str, method: str
) -> None:
    headers, body = request(MODERN, "tools/list", token=tokens["seattle"])
    headers |= {"origin": origin, "access-control-request-method": "POST"}
    answer = await application.endpoint.handle(method, "/mcp", headers, body)
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    if method == "POST":
        assert answer.status == (200 if "localhost" in origin else 403)
