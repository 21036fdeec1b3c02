"""HTTP/1.1 on a socket: requests that a client library would not send, each bounded in time.

Nothing here follows a redirection, keeps a cookie or goes through a proxy.
"""

import io
import json
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any, cast

from zava.cli.check.values import Address, Answer, Framing, Limits, NoAnswer, Request, shown
from zava.protocol.versions import STATELESS

_PIECE_BYTES = 64 * 1024
_MAX_ANSWER_BYTES = 1024 * 1024
_CONTINUE_SECONDS = 2.0


class Wire:
    """Connections to one server; a fresh one for each request, but for `line`."""

    def __init__(self, address: Address, limits: Limits) -> None:
        self.address = address
        self.limits = limits
        self.tls_version = ""
        self.certificate: Mapping[str, Any] = {}
        self._places: list[Any] = []

    def send(self, request: Request, *, seconds: float | None = None) -> Answer:
        """Return the answer to one request.

        Raises:
            NoAnswer: none came in time.
        """
        with self.line(seconds) as line:
            return line.exchange(request)

    @contextmanager
    def line(self, seconds: float | None = None) -> Iterator["Line"]:
        """Lend a connection that is used for several requests.

        Raises:
            NoAnswer: it cannot be made.
        """
        deadline = self.limits.take(self.limits.each if seconds is None else seconds)
        with _explained():
            connected = self._connected(deadline)
        with connected:
            yield Line(connected, self.address.authority, self.limits, deadline)

    def leave(self, request: Request, *, share: float = 1.0) -> None:
        """Send a request, or the first share of its body, and close without reading."""
        with self.line() as line, _explained():
            framed = request.framed()
            line.push(request.head(self.address.authority) + framed[: int(len(framed) * share)])

    def _connected(self, deadline: float) -> socket.socket:
        self._places = self._places or _resolved(self.address, deadline)
        plain = self._dialled(deadline)
        if self.address.scheme == "http":
            return plain
        try:
            plain.settimeout(_left(deadline))
            secured = _context().wrap_socket(plain, server_hostname=self.address.host)
        except BaseException:
            plain.close()
            raise
        self.tls_version = secured.version() or ""
        self.certificate = secured.getpeercert() or {}
        return secured

    def _dialled(self, deadline: float) -> socket.socket:
        failure: OSError = OSError("the name has no address")
        for tried, (family, kind, protocol, _, place) in enumerate(list(self._places)):
            dialling = socket.socket(family, kind, protocol)
            try:
                # A share for each address: a silent one leaves time for the next.
                dialling.settimeout(_left(deadline) / (len(self._places) - tried))
                dialling.connect(place)
                # Head and body go out in two pieces; the second one would wait for the first's ACK.
                dialling.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                dialling.close()
                failure = error
            else:
                self._places = [self._places[tried]]
                return dialling
        raise failure


class Line:
    """One open connection."""

    def __init__(
        self, connected: socket.socket, authority: str, limits: Limits, deadline: float
    ) -> None:
        self._connected = connected
        self._authority = authority
        self._limits = limits
        self.deadline = deadline
        self._is_fresh = True

    def exchange(self, request: Request) -> Answer:
        """Send a request and return its answer.

        Raises:
            NoAnswer: none came in time.
        """
        if not self._is_fresh:  # the first one was counted when the connection was made
            self.deadline = self._limits.take(self._limits.each)
        self._is_fresh = False
        began = time.monotonic()
        with _explained():
            source: io.BufferedReader[Any] = io.BufferedReader(_Incoming(self))
            self.push(request.head(self._authority))
            is_continued = "Expect" in request.fields and self._is_continued(source)
            self._push_body(request.framed())
            response = HTTPResponse(cast("socket.socket", _Source(source)), method=request.method)
            response.begin()
            body = response.read(_MAX_ANSWER_BYTES)
        headers = {name.lower(): value for name, value in response.getheaders()}
        taken = time.monotonic() - began
        is_last = bool(response.will_close)
        return Answer(response.status, headers, body, taken, is_continued, is_last)

    def push(self, data: bytes) -> None:
        """Send all bytes before the deadline."""
        for start in range(0, len(data), _PIECE_BYTES):
            self._connected.settimeout(_left(self.deadline))
            self._connected.sendall(data[start : start + _PIECE_BYTES])

    def receive(self, buffer: Any) -> int:
        """Read what has arrived, before the deadline."""
        self._connected.settimeout(_left(self.deadline))
        return self._connected.recv_into(buffer)

    def _push_body(self, body: bytes) -> None:
        # A server may answer and read no further; half of the time is kept for its answer.
        deadline, self.deadline = self.deadline, self.deadline - _left(self.deadline) / 2
        try:
            self.push(body)
        except (ConnectionError, TimeoutError, ssl.SSLError):
            if len(body) <= _PIECE_BYTES:
                raise
        finally:
            self.deadline = deadline

    def _is_continued(self, source: "io.BufferedReader[Any]") -> bool:
        deadline = self.deadline
        self.deadline = min(deadline, time.monotonic() + _CONTINUE_SECONDS)
        try:
            return source.peek(12).startswith(b"HTTP/1.1 100")
        except TimeoutError:
            return False
        finally:
            self.deadline = deadline


class Subject:
    """The server that is checked, and the results of earlier checks."""

    def __init__(self, address: Address, limits: Limits, token: str | None) -> None:
        self.address = address
        self.limits = limits
        self.wire = Wire(address, limits)
        self.token = token
        self.is_functions = False
        """Whether the Azure Functions host answers, rather than a server of our own."""
        self.metadata: Mapping[str, Any] = {}
        """The protected resource's metadata, once read."""
        self.documents: list[Mapping[str, Any]] = []
        """The authorization servers' metadata, once read."""

    def get(self, path: str, *, method: str = "GET", seconds: float | None = None) -> Answer:
        """Return the answer to a request without a body."""
        return self.wire.send(Request(method, path), seconds=seconds)

    def post(
        self,
        message: Mapping[str, Any],
        fields: Mapping[str, str] | None = None,
        *,
        has_token: bool = False,
        padding: int = 0,
        framing: Framing = Framing.LENGTH,
        host: str = "",
        seconds: float | None = None,
    ) -> Answer:
        """Return the answer to a message; blanks fill its body up to `padding` bytes."""
        request = self.request(message, fields, has_token=has_token, padding=padding)
        return self.wire.send(replace(request, framing=framing, host=host), seconds=seconds)

    def request(
        self,
        message: Mapping[str, Any],
        fields: Mapping[str, str] | None = None,
        *,
        has_token: bool = False,
        padding: int = 0,
    ) -> Request:
        """Return a message as a client of its era posts it, with the token if there is one."""
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        params = message["params"]
        if "_meta" in params:
            headers |= {"MCP-Protocol-Version": STATELESS, "Mcp-Method": message["method"]}
            if "name" in params:
                headers["Mcp-Name"] = params["name"]
        if has_token and self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        body = json.dumps(message).encode().ljust(padding)
        return Request("POST", self.address.path, headers | dict(fields or {}), body)


def content(answer: Answer) -> Mapping[str, Any]:
    """Return the JSON object of an answer, the first event's where it is events; else nothing."""
    text = answer.body.decode("utf-8", "replace")
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        lines = [line for line in text.splitlines() if line.startswith("data:")]
        text = lines[-1].removeprefix("data:") if lines else ""
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, Mapping) else {}


class _Incoming(io.RawIOBase):
    """What arrives on a line, as a stream."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._line.receive(buffer)


class _Source:
    """The one thing of a socket that `HTTPResponse` takes."""

    def __init__(self, stream: "io.BufferedReader[Any]") -> None:
        self._stream = stream

    def makefile(self, _mode: str) -> "io.BufferedReader[Any]":
        return self._stream


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _resolved(address: Address, deadline: float) -> list[Any]:
    """Return the addresses of a name; the system's own resolver has no bound of ours."""
    found: queue.SimpleQueue[list[Any] | OSError | UnicodeError] = queue.SimpleQueue()

    def look() -> None:
        try:
            found.put(socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.put(error)

    threading.Thread(target=look, daemon=True).start()
    try:
        places = found.get(timeout=_left(deadline))
    except queue.Empty as error:
        raise TimeoutError from error
    if isinstance(places, list):
        return places
    raise NoAnswer("the name of the host does not resolve") from places


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not (paths.cafile or paths.capath):
        import certifi

        context.load_verify_locations(certifi.where())
    return context


@contextmanager
def _explained() -> Iterator[None]:
    """Turn every way in which a request gets no answer into NoAnswer."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise NoAnswer(f"the certificate is not accepted ({error.verify_message})") from error
    except TimeoutError as error:
        raise NoAnswer("no answer in time") from error
    except ConnectionRefusedError as error:
        raise NoAnswer("the connection was refused") from error
    except (ConnectionError, IncompleteRead, ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
        raise NoAnswer("the connection was closed without an answer", is_closed=True) from error
    except ssl.SSLError as error:
        raise NoAnswer(f"no TLS was agreed on ({shown(error.reason or str(error))})") from error
    except (HTTPException, ValueError) as error:
        raise NoAnswer("the answer is not HTTP") from error
    except OSError as error:
        raise NoAnswer(f"no connection ({shown(error.strerror or str(error))})") from error
