"""Answers to requests that are not served to their end, for reasons outside of them."""

from zava.errors import Busy
from zava.protocol.http_answers import BUSY, json_answer, rpc_error
from zava.protocol.kernel import Answer

_RETRY_AFTER = {"retry-after": "1"}


def not_started(path: str, sentence: str) -> Answer:
    """Return what a process answers that cannot serve; `sentence` holds no value of a setting."""
    if path == "/health/live":
        return json_answer(200, {"status": "alive"})
    return json_answer(503, {"status": "unhealthy", "error": sentence})


def out_of_time() -> Answer:
    """Return what a request is answered that took longer than it may."""
    return _come_back("The request took longer than it may.")


def interrupted() -> Answer:
    """Return what a request is answered that was cancelled inside this process."""
    return _come_back("The request was interrupted.")


def _come_back(message: str) -> Answer:
    busy = Busy(message, hint="Try again in a few seconds.", retry_after_seconds=1)
    return rpc_error(503, BUSY, busy.message, data=busy.to_dict(), headers=_RETRY_AFTER)
