"""What the host does to the answer of a function before a client gets it."""

from email.utils import formatdate
from typing import NamedTuple

from zava.protocol.http_responses import HttpResponse

EMPTY = frozenset({204, 304})


class Sent(NamedTuple):
    """An answer as it leaves; `is_cut` when the connection ends before the stated length."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    is_cut: bool = False


def own(answer: HttpResponse, *, closes: bool = False) -> Sent:
    """Return an answer that the host made: its length, and no header of the app."""
    headers = dict(answer.headers) | ({"connection": "close"} if closes else {})
    return _sent(answer.status, headers, answer.body, length=len(answer.body))


def of_function(answer: HttpResponse, *, method: str) -> Sent:
    """Return the answer of a function: chunked, unless it is empty or states its length."""
    if not all(_is_plain(value) for value in answer.headers.values()):
        return own(HttpResponse(500, {}, b""))
    if method == "HEAD" or answer.status in EMPTY:
        return _sent(answer.status, answer.headers, b"", length=None)
    stated = answer.headers.get("content-length")
    if stated is None:
        length = 0 if not answer.body else None
        return _sent(answer.status, answer.headers, answer.body, length=length)
    if int(stated) < len(answer.body):
        return own(HttpResponse(500, {}, b""))
    sent = _sent(answer.status, answer.headers, answer.body, length=None)
    return sent._replace(is_cut=int(stated) > len(answer.body))


def _is_plain(value: str) -> bool:
    return value.isascii() and "\r" not in value and "\n" not in value


def _sent(status: int, headers: dict[str, str], body: bytes, *, length: int | None) -> Sent:
    told = {"date": formatdate(usegmt=True), "server": "Kestrel", **headers}
    if length is not None and status not in EMPTY:
        told["content-length"] = str(length)
    return Sent(
        status,
        [(name.encode("ascii"), value.encode("ascii")) for name, value in told.items()],
        body,
    )
