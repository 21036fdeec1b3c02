"""Serve MCP over standard input and output, for clients that start a process.

Each line is posted to the server that runs on this machine, with a token of one person. Each answer
is written as one line. Standard output carries nothing else.
"""

import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from socket import SHUT_RDWR
from threading import Lock
from typing import Any

import orjson

from zava.protocol.versions import VERSION_KEY

_TIMEOUT_SECONDS = 120  # above every deadline of the server
_MAX_AT_ONCE = 16
_NOT_SERVED = -32603
_REFUSED = 400  # the lowest status of a refusal
_PLAIN = re.compile(r"[!-~]([ -~]*[!-~])?")


class Renewed:
    """A token that is made anew when it has been used for some seconds."""

    def __init__(
        self,
        make: Callable[[], str],
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = make
        self._seconds = seconds
        self._clock = clock
        self._token = ""
        self._until = float("-inf")

    def __call__(self) -> str:
        """Return the token."""
        if self._clock() >= self._until:
            self._token, self._until = self._make(), self._clock() + self._seconds
        return self._token


class StdioBridge:
    """Carries messages between the lines of a client and the HTTP endpoint of a server."""

    def __init__(
        self, port: int, token: Callable[[], str], write: Callable[[bytes], object]
    ) -> None:
        self._port = port
        self._token = token
        self._write = write
        self._writing = Lock()
        self._version: str | None = None
        # By the request's id: the connection that waits for its answer.
        self._waiting: dict[object, HTTPConnection] = {}

    def serve(self, lines: Iterable[bytes]) -> None:
        """Carry messages until the client closes its end; those under way are finished."""
        with ThreadPoolExecutor(_MAX_AT_ONCE) as workers:
            try:
                for line in filter(bytes.strip, lines):
                    message = _read(line)
                    if message.get("method") == "notifications/cancelled":
                        self._cancel(message)
                    elif message.get("method") == "initialize":
                        self._carry(line, message)  # its answer states the version from here on
                    else:
                        workers.submit(self._carry, line, message)
            except KeyboardInterrupt:
                for key in tuple(self._waiting):
                    self._end(key)
                raise

    def _carry(self, line: bytes, message: dict[str, Any]) -> None:
        # A request whose answer is missing would hang its client, so each one gets an answer.
        request_id = _id(message.get("id"))
        try:
            answers = self._send(line, message, request_id)
            if answers is None or ("id" not in message and "method" in message):
                return  # it was cancelled, or is a notification
            if "method" in message and not any(map(_is_final, answers)):
                answers.append(_error("The server's answer ended early. Try again."))
            lines = [self._line(message, answer, request_id) for answer in answers]
        except Exception:  # noqa: BLE001  # the edge: a cause without words, and the bridge goes on
            failed = _error("The message could not be carried.") | {"id": request_id}
            lines = [orjson.dumps(failed) + b"\n"]
        for each in lines:
            with self._writing:
                self._write(each)

    def _send(
        self, line: bytes, message: dict[str, Any], request_id: object
    ) -> list[dict[str, Any]] | None:
        """Return the server's answers; None where the client has cancelled the request."""
        headers = self._headers(message)
        connection = HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT_SECONDS)
        # What has no id of its own is ended with the bridge alone.
        key = object() if request_id is None else orjson.dumps(request_id)
        self._waiting[key] = connection
        try:
            connection.request("POST", "/mcp", line, headers)
            return _answers(connection.getresponse())
        except (OSError, HTTPException, ValueError):
            if key not in self._waiting:
                return None
            return [_error(f"No server of Zava answers on port {self._port}. Start it: make run.")]
        finally:
            self._waiting.pop(key, None)
            connection.close()

    def _line(self, message: dict[str, Any], answer: dict[str, Any], request_id: object) -> bytes:
        result = answer.get("result")
        if message.get("method") == "initialize" and isinstance(result, dict):
            self._version = result.get("protocolVersion", self._version)
        if "error" in answer and answer.get("id") is None:
            answer["id"] = request_id
        return orjson.dumps(answer) + b"\n"

    def _cancel(self, message: dict[str, Any]) -> None:
        """Close the connection of a request; the server then stops its statement."""
        params = message.get("params")
        cancelled = _id(params.get("requestId")) if isinstance(params, dict) else None
        self._end(orjson.dumps(cancelled))

    def _end(self, key: object) -> None:
        connection = self._waiting.pop(key, None)
        if connection is not None and connection.sock is not None:
            with suppress(OSError):  # the server has closed it a moment ago
                connection.sock.shutdown(SHUT_RDWR)

    def _headers(self, message: dict[str, Any]) -> dict[str, str]:
        headers = {
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "authorization": f"Bearer {self._token()}",
        }
        params = message.get("params")
        params = params if isinstance(params, dict) else {}
        meta = params.get("_meta")
        stated = meta.get(VERSION_KEY) if isinstance(meta, dict) else None
        version = stated or (None if message.get("method") == "initialize" else self._version)
        if isinstance(version, str):
            headers["mcp-protocol-version"] = _header(version)
        if stated:
            headers["mcp-method"] = _header(str(message.get("method")))
            name = params.get("name", params.get("uri"))
            if isinstance(name, str):
                headers["mcp-name"] = _header(name)
        return headers


def _read(line: bytes) -> dict[str, Any]:
    """Return the message of a line; an empty one where the server will refuse the line."""
    try:
        message = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return message if isinstance(message, dict) else {}


def _id(value: object) -> str | float | None:
    """Return an id as JSON-RPC has them; None for any other value, which the server refuses."""
    return value if isinstance(value, str | int | float) else None


def _is_final(answer: dict[str, Any]) -> bool:
    return "result" in answer or "error" in answer


def _answers(response: HTTPResponse) -> list[dict[str, Any]]:
    """Return the messages of an answer: none, one, or those of an event stream.

    Raises:
        ValueError: the body is not JSON, or not of JSON objects.
    """
    body = response.read()
    if not body:
        return [] if response.status < _REFUSED else [_error(f"HTTP {response.status}")]
    if response.headers.get_content_type() == "text/event-stream":
        lines = (line for line in body.splitlines() if line.startswith(b"data:"))
        return [_object(data) for line in lines if (data := line[5:].strip())]
    answer = _object(body)
    if "jsonrpc" in answer:
        return [answer]
    return [_error(answer.get("error_description") or f"HTTP {response.status}")]


def _object(text: bytes) -> dict[str, Any]:
    answer = orjson.loads(text)
    if not isinstance(answer, dict):
        raise ValueError("another program answers")  # noqa: TRY004  # as a body that is no JSON
    return answer


def _error(message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": None, "error": {"code": _NOT_SERVED, "message": message}}


def _header(value: str) -> str:
    """Return a value as the protocol writes it in a header: in base64 where it is not plain."""
    if _PLAIN.fullmatch(value) and not value.startswith("=?"):
        return value
    return f"=?base64?{b64encode(value.encode()).decode()}?="
