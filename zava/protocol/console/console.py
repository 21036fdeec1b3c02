"""The console around the endpoint: its pages, the sign-in of listed people, all else passed on.

On a person's own machine, where the local issuer may sign, it lists people and signs them in. In a
deployment (ZAVA_CONSOLE) the page is a client of the server's own sign-in, with a token for a tab.

The sign-in of a laptop returns a bearer token, so it answers this page alone. It requires the exact
address as `Host` and `Origin`, and JSON as the content. No form and no page of another origin can
send that. The token is in an answer's body and stays in the page's memory; no address, cookie or
store holds it.
"""

from asyncio import Semaphore
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

import orjson

from zava.protocol.apps import sales_chart
from zava.protocol.console.console_calls import ConsoleCalls
from zava.protocol.http.endpoint import Endpoint, Headers
from zava.protocol.http.unserved import is_of_console
from zava.protocol.http_responses import HttpResponse

SIGN_IN_PATH = "/console/sign-in"
PEOPLE_PATH = "/console/people.json"
POLICY = "; ".join(
    [
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "img", "connect")),
        *(f"{kind} 'none'" for kind in ("base-uri", "form-action", "frame-ancestors")),
        # Text cannot become markup even by mistake: the page makes none from strings.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
)

_HERE = Path(__file__).parent
_HTTP_PORT = 80
# A look-up holds a thread and a connection; more at once would keep both from tool calls.
_MAX_LOOKING_UP = 2
_MAX_BODY_BYTES = 1024
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_OWN = tuple(
    sorted(each.name for each in _HERE.iterdir() if each.suffix in {".css", ".js", ".svg"})
)
_SHARED = ("chart.css", "chart.js", "words.js")
PAGE_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True)
class ConsolePerson:
    """A person whom the page may sign in: the id, the name, the audience, the stores."""

    id: str
    name: str
    audience: str
    stores: tuple[str, ...]


def loopback_hosts(port: int) -> frozenset[str]:
    """Return this machine's own addresses, as a browser writes them in `Host`."""
    suffix = "" if port == _HTTP_PORT else f":{port}"
    return frozenset(f"{name}{suffix}" for name in ("127.0.0.1", "localhost", "[::1]"))


class IssuedToken(NamedTuple):
    """A bearer token and for how many seconds it holds."""

    token: str
    seconds: int


class Console:
    """Serves the pages at the loopback addresses of one port; hands everything else on."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        hosts: Collection[str],
        calls: ConsoleCalls,
        people: Callable[[], Awaitable[Sequence[ConsolePerson]]] | None = None,
        sign_in: Callable[[ConsolePerson], IssuedToken] | None = None,
    ) -> None:
        """`people` and `sign_in` are a laptop's; without them a directory proves the person."""
        self._endpoint = endpoint
        self._calls = calls
        self._hosts = frozenset(hosts)
        self._people = people
        self._room = Semaphore(_MAX_LOOKING_UP)
        self._sign_in = sign_in

    async def handle(
        self, method: str, path: str, headers: Headers, body: bytes, query: str = ""
    ) -> HttpResponse:
        """Answer one request; never raises, but for cancellation."""
        if path in self._calls.paths:
            return await self._called(method, path, headers, body)
        if _is_page(path):
            path = "/"
        if is_of_console(path) and path not in self._paths:
            return _told(404, "not found")
        if path not in self._paths:
            return await self._endpoint.handle(method, path, headers, body, query)
        fields = [(name.lower(), value.strip(" \t")) for name, value in _pairs(headers)]
        hosts = [value for name, value in fields if name == "host"]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return _told(421, "this host name is not served here")
        allowed = ("POST",) if path == SIGN_IN_PATH else ("GET", "HEAD")
        if method.upper() not in allowed:
            return _told(405, f"use {allowed[0]}", {"allow": ", ".join(allowed)})
        if path == SIGN_IN_PATH:
            return await self._sign(hosts[0], fields, body)
        if path == PEOPLE_PATH:
            people = [] if method.upper() == "HEAD" else await self._look_up()
            listed = [asdict(person) for person in people]
            return _json(200, {"people": listed, "signs_in": self._sign_in is None})
        content_type, content = self.files[path]
        sent = b"" if method.upper() == "HEAD" else content
        return HttpResponse(200, PAGE_HEADERS | {"content-type": content_type}, sent)

    async def _called(self, method: str, path: str, headers: Headers, body: bytes) -> HttpResponse:
        """Answer a call of the page: no other origin can send its content type with its token."""
        if method.upper() != "POST":
            return _told(405, "use POST", {"allow": "POST"})
        fields = {name.lower(): value for name, value in _pairs(headers)}
        if fields.get("content-type") != "application/json":
            return _told(415, "the content type must be application/json")
        return await self._endpoint.handle(
            method, path, headers, body, serve=partial(self._calls.answer, path)
        )

    async def _look_up(self) -> Sequence[ConsolePerson]:
        if self._people is None:
            return []
        async with self._room:
            return await self._people()

    async def _sign(
        self, host: str, fields: Sequence[tuple[str, str]], body: bytes
    ) -> HttpResponse:
        """Return a token for one of the listed people, to this very page."""
        given = {name: [value for key, value in fields if key == name] for name, _ in fields}
        is_own = given.get("origin") == [f"http://{host}"] and given.get(
            "sec-fetch-site", ["same-origin"]
        ) == ["same-origin"]
        if not is_own:
            return _told(403, "only the console's own page may sign in")
        if given.get("content-type") != ["application/json"]:
            return _told(415, "the content type must be application/json")
        try:
            asked = orjson.loads(body[:_MAX_BODY_BYTES])["person"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            asked = None
        people = await self._look_up()
        # A name may be that of two people; their ids differ.
        meant = [each for each in people if asked == each.id] or [
            each for each in people if asked == each.name
        ]
        if len(meant) != 1 or self._sign_in is None:
            return _told(400, "person: expected the id or the name of one person of the list")
        signed = self._sign_in(meant[0])
        return _json(200, {"token": signed.token, "seconds": signed.seconds})

    @cached_property
    def _paths(self) -> frozenset[str]:
        signs = () if self._sign_in is None else (SIGN_IN_PATH,)
        return frozenset((*self.files, PEOPLE_PATH, *signs))

    @cached_property
    def files(self) -> dict[str, tuple[str, bytes]]:
        """Content type and content by path; read once, at the first request."""
        files = {f"/console/{name}": (_HERE / name).read_bytes() for name in _OWN}
        files |= {f"/console/{name}": sales_chart.source(name).encode() for name in _SHARED}
        served = {path: (_TYPES[Path(path).suffix], content) for path, content in files.items()}
        served["/"] = (_TYPES[".html"], (_HERE / "index.html").read_bytes())
        return served


def _pairs(headers: Headers) -> Iterable[tuple[str, str]]:
    return headers.items() if isinstance(headers, Mapping) else headers


def _is_page(path: str) -> bool:
    """Whether a path is the address of a question: the page reads what it names."""
    return path == "/console" or (
        path.startswith("/console/") and path != SIGN_IN_PATH and "." not in path
    )


def _json(status: int, content: object) -> HttpResponse:
    return HttpResponse(
        status, PAGE_HEADERS | {"content-type": "application/json"}, orjson.dumps(content)
    )


def _told(status: int, error: str, headers: dict[str, str] | None = None) -> HttpResponse:
    answer = _json(status, {"error": error})
    return answer._replace(headers=answer.headers | (headers or {}))
