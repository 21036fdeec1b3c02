"""What the host does to a request before a function gets it, and which it answers itself."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from zava.protocol.http_responses import HttpResponse

RawHeaders = Sequence[tuple[bytes, bytes]]

_LONGEST_LINE = 8192
_MAX_HEADERS = 100
_MAX_HEADER_BYTES = 32 * 1024
_LONGEST_HOST = 255
_MAX_PORT = 65535
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._~-]+)(?::(\d+))?")
_ESCAPED = re.compile(rb"%([0-9A-Fa-f]{2})")
_SLASH = b"2f"
_OPEN_ADMIN = frozenset({"/admin/host/ping", "/admin/warmup", "/admin/instance/http-health"})
_HOMEPAGE = b"<!DOCTYPE html><title>Your Functions 4.0 app is up and running</title>".ljust(150_000)


class Refused(Exception):
    """The host answers by itself, without a header of ours."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.answer = HttpResponse(status, {}, b"")


class Route(NamedTuple):
    """A function's route."""

    function: str
    path: re.Pattern[str]
    methods: frozenset[str]


def routes_of(triggers: Mapping[str, Mapping[str, object]]) -> list[Route]:
    """Return the routes of the functions that the worker has indexed."""
    return [
        Route(name, pattern_of(str(trigger["route"])), frozenset(map(str, _listed(trigger))))
        for name, trigger in triggers.items()
    ]


def pattern_of(route: str) -> re.Pattern[str]:
    """Return what the paths of a route match: in any letters; `{part}` is one segment.

    `{*rest}`, with the slash before it, is all that follows or nothing.
    """
    whole, _, rest = route.partition("/{*")
    parts = re.split(r"\{\w+\}", whole)
    below = "(?:/.*)?" if rest else ""
    return re.compile("/" + "[^/]+".join(map(re.escape, parts)) + below, re.IGNORECASE)


def _listed(trigger: Mapping[str, object]) -> Iterable[object]:
    methods = trigger["methods"]
    assert isinstance(methods, list)
    return methods


def check_head(target: bytes, headers: RawHeaders) -> None:
    """Check the sizes of a request's head.

    Raises:
        Refused: 414 or 431.
    """
    if len(target) > _LONGEST_LINE:
        raise Refused(414)
    if len(headers) > _MAX_HEADERS:
        raise Refused(431)
    if sum(len(name) + len(value) + 4 for name, value in headers) > _MAX_HEADER_BYTES:
        raise Refused(431)


def joined(headers: RawHeaders) -> dict[str, str]:
    """Return the headers as a function sees them: small letters, repeated ones joined by a comma.

    Raises:
        Refused: 400, a value is not UTF-8.
    """
    kept: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name = raw_name.decode("ascii").lower()
        try:
            value = raw_value.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused(400) from None
        kept[name] = f"{kept[name]},{value}" if name in kept else value
    return kept


def check_host(headers: RawHeaders, *, version: str) -> None:
    """Check the Host header.

    Raises:
        Refused: 400 from the server in front, or 500 from the host behind it.
    """
    named = [value.decode("latin-1") for name, value in headers if name.lower() == b"host"]
    if not named:
        raise Refused(500 if version == "1.0" else 400)
    if len(named) > 1:
        raise Refused(400)
    host = named[0]
    if not host or len(host) > _LONGEST_HOST:
        raise Refused(500)
    found = _HOST.fullmatch(host)
    if found is None:
        raise Refused(400)
    if found[2] and int(found[2]) > _MAX_PORT:
        raise Refused(500)


def normalised(raw_path: bytes) -> str:
    """Return a path as the host hands it on: decoded but for `%2f`, without dot segments.

    Raises:
        Refused: 400, it holds a NUL, a byte beyond ASCII, or no UTF-8.
    """
    if not raw_path.isascii():
        raise Refused(400)

    def decoded(found: re.Match[bytes]) -> bytes:
        return found[0] if found[1].lower() == _SLASH else unquote_to_bytes(found[0])

    try:
        path = _ESCAPED.sub(decoded, raw_path).decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(400) from None
    if "\0" in path:
        raise Refused(400)
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)


def route(routes: Sequence[Route], method: str, path: str) -> str:
    """Return the function whose route this is: in any letters, with one slash behind it.

    Raises:
        Refused: 404, also for a method that the route does not name.
    """
    asked = path.removesuffix("/")
    for each in routes:
        if each.path.fullmatch(asked) and method in each.methods:
            return each.function
    raise Refused(404)


def own_page(path: str, *, has_homepage: bool) -> HttpResponse | None:
    """Return what the host serves beside the functions, if this is one of its own paths."""
    if path == "/":
        page = HttpResponse(200, {"content-type": "text/html"}, _HOMEPAGE)
        return page if has_homepage else HttpResponse(204, {}, b"")
    asked = path.removesuffix("/").lower()
    if asked == "/admin" or asked.startswith("/admin/"):
        return HttpResponse(200 if asked in _OPEN_ADMIN else 401, {}, b"")
    return None
