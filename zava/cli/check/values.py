"""The values of a check: addresses, requests, answers, limits and the errors."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from zava.protocol.versions import CAPABILITIES_KEY, CLIENT_KEY, HANDSHAKE, STATELESS, VERSION_KEY

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PORTS = {"http": 80, "https": 443}
_MAX_SHOWN = 160
_CLIENT = {"name": "zava-check", "version": "1"}
_META = {"_meta": {VERSION_KEY: STATELESS, CLIENT_KEY: _CLIENT, CAPABILITIES_KEY: {}}}


def _message(method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": dict(params)}


INITIALIZE = _message(
    "initialize",
    {"protocolVersion": HANDSHAKE[0], "capabilities": {}, "clientInfo": _CLIENT},
)
DISCOVER = _message("server/discover", _META)
CALL = _message("tools/call", {"name": "get_current_utc_date", "arguments": {}, **_META})
"""The call that costs the server least."""


class CheckRefused(Exception):
    """The check cannot run, or it ran and found problems; the text is the one sentence shown."""


class NoAnswer(Exception):
    """A request got no answer; the text is what happened instead."""

    def __init__(self, happened: str, *, is_closed: bool = False) -> None:
        super().__init__(happened)
        self.is_closed = is_closed


def shown(text: str) -> str:
    """Return what another server sent as one printable line of bounded length."""
    line = "".join(letter if letter.isprintable() else " " for letter in text[:1000])
    line = " ".join(line.split())
    return line if len(line) <= _MAX_SHOWN else f"{line[:_MAX_SHOWN]}…"


class Address(NamedTuple):
    """Where a URL points."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: str) -> Self:
        """Read an http or https URL that has a host, and neither a user nor a fragment.

        Raises:
            ValueError: it is no such URL; the text has the reason.
        """
        if any(letter <= " " or letter == "\x7f" for letter in url):
            raise ValueError("it contains a blank or a control character")
        if "@" in url.partition("?")[0]:  # before it is read: an error of a port quotes the rest
            raise ValueError("it contains a user name; use --token or ZAVA_TOKEN")
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError("expected an address such as https://host/mcp")
        if "#" in url:
            raise ValueError("it contains a fragment")
        if parts.port == 0:
            raise ValueError("port 0 is no port")
        host = parts.hostname.encode("idna").decode() if ":" not in parts.hostname else ""
        path = (parts.path or "/") + (f"?{parts.query}" if "?" in url else "")
        path.encode("ascii")
        port = parts.port or _PORTS[parts.scheme]
        return cls(parts.scheme, (host or parts.hostname).lower(), port, path)

    @property
    def is_local(self) -> bool:
        """Whether the host is this machine."""
        return self.host in _LOOPBACK

    @property
    def authority(self) -> str:
        """Host and, where it is not the scheme's own, port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def base(self) -> str:
        """Return the URL without its path."""
        return f"{self.scheme}://{self.authority}"


class Framing(Enum):
    """How a request states where its body ends."""

    LENGTH = "content-length"
    CHUNKED = "transfer-encoding"
    NONE = "nothing"


@dataclass(frozen=True)
class Request:
    """One request, as its bytes go out."""

    method: str
    path: str
    fields: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    framing: Framing = Framing.LENGTH
    host: str = ""
    """Another value of the Host header than the address's own."""

    def head(self, authority: str) -> bytes:
        """Return request line and headers; text beyond ASCII goes out as UTF-8."""
        fields = {"Host": self.host or authority, "User-Agent": "zava-check", **self.fields}
        if self.framing is Framing.CHUNKED:
            fields["Transfer-Encoding"] = "chunked"
        elif self.framing is Framing.LENGTH and self.method == "POST":
            fields["Content-Length"] = str(len(self.body))
        lines = [f"{self.method} {self.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return "\r\n".join([*lines, "", ""]).encode()

    def framed(self) -> bytes:
        """Return the body as it goes out; a chunked one has two chunks."""
        if self.framing is not Framing.CHUNKED:
            return self.body
        middle = len(self.body) // 2
        chunks = [part for part in (self.body[:middle], self.body[middle:]) if part]
        return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in chunks) + b"0\r\n\r\n"


class Answer(NamedTuple):
    """A whole answer; `seconds` ends with its last byte."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    is_continued: bool = False
    """Whether `100 Continue` came first."""
    is_last: bool = False
    """Whether the server closes the connection after it."""


class Limits:
    """What one run of the check may take: requests and seconds."""

    def __init__(
        self, *, requests: int = 60, first: float = 30.0, each: float = 10.0, whole: float = 110.0
    ) -> None:
        self.sent = 0
        self.first = first
        self.each = each
        self._requests = requests
        self._whole = whole
        self._ends_at = time.monotonic() + whole

    def take(self, seconds: float) -> float:
        """Count one request and return when it ends at the latest.

        Raises:
            NoAnswer: no request or no time is left.
        """
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise NoAnswer(f"not sent: the {self._whole:g} s of the whole check are over")
        if self.sent >= self._requests:
            raise NoAnswer(f"not sent: the check sends at most {self._requests} requests")
        self.sent += 1
        return time.monotonic() + min(seconds, left)
