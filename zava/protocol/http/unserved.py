"""Answers to requests that are not served to their end, for reasons outside of them."""

from zava.errors import Busy
from zava.protocol.http.addresses import CONSOLE_PATH
from zava.protocol.http_responses import BUSY, HttpResponse, json_answer, rpc_error

AUTHORIZATION_SERVER_PATH = "/.well-known/oauth-authorization-server"

_RETRY_AFTER = {"retry-after": "1"}


def not_started(path: str, sentence: str) -> HttpResponse:
    """Return what a process answers that cannot serve; `sentence` holds no value of a setting."""
    if path == "/health/live":
        return json_answer(200, {"status": "alive"})
    if is_of_sign_in(path) or is_of_console(path):
        return json_answer(404, {"error": "not found"})
    return json_answer(503, {"status": "unhealthy", "error": sentence})


def is_of_sign_in(path: str) -> bool:
    """Whether a path belongs to the sign-in, which not every deployment offers."""
    return path.startswith("/oauth/") or path == AUTHORIZATION_SERVER_PATH


def is_of_console(path: str) -> bool:
    """Whether a path belongs to the console, which not every deployment offers."""
    return path == CONSOLE_PATH or path.startswith(f"{CONSOLE_PATH}/")


def out_of_time() -> HttpResponse:
    """Return what a request is answered that took longer than it may."""
    return _come_back("The request took longer than it may.")


def interrupted() -> HttpResponse:
    """Return what a request is answered that was cancelled inside this process."""
    return _come_back("The request was interrupted.")


def _come_back(message: str) -> HttpResponse:
    busy = Busy(message, hint="Try again in a few seconds.", retry_after_seconds=1)
    return rpc_error(503, BUSY, busy.message, data=busy.to_dict(), headers=_RETRY_AFTER)
