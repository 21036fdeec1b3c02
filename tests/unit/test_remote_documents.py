"""Documents of issuers and providers are read whole and in time, or not at all."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

import pytest

from tests.sign_in.broker import ISSUER
from tests.support.answers.entra import KEY, jwk
from tests.support.suite.patience import patient
from zava.protocol.auth.jwks import RemoteKeys

# Only the moment between connecting and reading shows it, and no server reaches that.
from zava.protocol.auth.remote_documents import _TimedConnection, is_safe, read_document
from zava.protocol.sign_in.directory import provider as module
from zava.protocol.sign_in.directory.provider import Documents, Provider, by_secret
from zava.protocol.sign_in.directory.redemption_limit import TooManySignIns

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@contextmanager
def speaking(*parts: bytes, last: bytes = b"") -> Iterator[str]:
    """Serve one connection that sends these parts, then `last` again and again until it is cut."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = threading.Event()

        def speak() -> None:
            with suppress(OSError), server.accept()[0] as line:
                line.recv(65536)
                line.sendall(b"".join(parts))
                while last and not ended.wait(0.02):
                    line.sendall(last)

        thread = threading.Thread(target=speak)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/document"
        ended.set()
        thread.join(patient(20))
        assert not thread.is_alive()


def test_document_is_read() -> None:
    with speaking(HEAD, b"Content-Length: 2\r\n\r\n{}") as url:
        assert read_document(url) == b"{}"


@pytest.mark.parametrize(
    "answer",
    [
        b"hello\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/9 200 OK\r\n\r\n{}",
        b"{}",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"ff\r\n{}",
        HEAD + b"Content-Length: 100\r\n\r\n{}",
        HEAD + b"x: " + b"a" * 70_000 + b"\r\n\r\n",
        HEAD + b"x: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 307 Other\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"",
    ],
)
async def test_answer_that_is_no_whole_document_is_an_error_of_the_line(answer: bytes) -> None:
    with speaking(answer) as url, pytest.raises(OSError):  # noqa: PT011  # of every kind
        read_document(url)
    with speaking(answer) as url:
        assert await RemoteKeys(url).key("k1") is None, "and no key of a set"


@pytest.mark.parametrize(
    ("said", "again"),
    [((HEAD,), b"x: y\r\n"), ((HEAD, b"\r\n"), b" "), ((CHUNKED,), b"1\r\n \r\n"), ((), b"H")],
)
def test_answer_that_never_ends_ends_with_its_time(said: tuple[bytes, ...], again: bytes) -> None:
    with speaking(*said, last=again) as url, pytest.raises(OSError):  # noqa: PT011  # of every kind
        read_document(url, seconds=0.3)


def test_connection_that_is_made_too_late_carries_nothing() -> None:
    with speaking(HEAD, b"\r\n{}") as url, _TimedConnection(20) as line:
        # Only the moment between connecting and reading shows it, and no server reaches that.
        line._cut()
        with pytest.raises(OSError, match="no whole answer in time"):
            line.opener().open(url, timeout=patient(20))


def test_answer_that_is_too_large_is_refused() -> None:
    with speaking(HEAD, b"\r\n", b"x" * 2_000_000) as url, pytest.raises(ValueError, match="large"):
        read_document(url)


@pytest.mark.parametrize(
    "url",
    [
        "file://localhost/etc/hostname",
        "ftp://localhost/document",
        "data:,{}",
        "http://accounts.example/document",
        "http://127.0.0.1.accounts.example/document",
        "http://127.0.0.1@accounts.example/document",
        "https://[",
        "//localhost/document",
        "",
    ],
)
def test_documents_are_read_over_https_or_from_this_machine_alone(url: str) -> None:
    assert not is_safe(url)
    with pytest.raises(ValueError, match=r"HTTPS|IPv6"):
        read_document(url)


@pytest.mark.parametrize("url", ["https://a b/keys", "https://127.0.0.1:x/keys", "https:///keys"])
def test_address_that_leads_nowhere_is_an_error_of_the_line(url: str) -> None:
    assert is_safe(url)
    with pytest.raises(OSError):  # noqa: PT011  # of every kind
        read_document(url)


class Slow:
    """Answers when a test lets it."""

    def __init__(self, content: object) -> None:
        self.answers = threading.Event()
        self.begun = threading.Semaphore(0)
        self.read = 0
        self._body = json.dumps(content).encode()

    def __call__(self, *_: object, **__: object) -> bytes:
        self.read += 1
        self.begun.release()
        assert self.answers.wait(patient(20))
        return self._body


async def leave(slow: Slow, begin: Callable[[], "asyncio.Future[object]"]) -> None:
    """Begin something that reads, and leave in the middle."""
    task = begin()
    assert await asyncio.to_thread(slow.begun.acquire, timeout=patient(20))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_client_that_leaves_takes_no_key_away_from_the_others() -> None:
    slow = Slow({"keys": [jwk(KEY, "k1")]})
    keys = RemoteKeys("https://directory.example/keys", fetch=slow, clock=lambda: 0.0)
    await leave(slow, lambda: asyncio.ensure_future(keys.key("unknown")))
    other = asyncio.ensure_future(keys.key("k1"))
    await asyncio.wait([other], timeout=0)
    slow.answers.set()
    assert await other is not None
    assert slow.read == 1


def provider() -> Provider:
    redirect = f"{ISSUER}/oauth/callback"
    return Provider("https://accounts.example", "z", redirect=redirect, prove=by_secret("z", "s"))


async def test_browser_that_leaves_begins_no_second_reading_of_the_metadata(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = "https://accounts.example"
    named = dict.fromkeys(("authorization_endpoint", "token_endpoint", "jwks_uri"), f"{base}/x")
    slow = Slow({"issuer": base, **named})
    monkeypatch.setattr(module, "read_document", slow)
    read = provider()
    await leave(slow, lambda: asyncio.ensure_future(read.documents()))
    other = asyncio.ensure_future(read.documents())
    await asyncio.wait([other], timeout=0)
    slow.answers.set()
    assert (await other).token_endpoint == f"{base}/x"
    assert slow.read == 1


async def test_browsers_that_leave_hold_sixteen_threads_and_none_of_the_process_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = "https://accounts.example"
    slow, of_provider = Slow({"id_token": "x"}), provider()
    known = Documents(base, base, f"{base}/token", RemoteKeys(base), (), lets_select=False)

    async def documents() -> Documents:
        return known

    # The place is given back after the answer: the test waits for it.
    given_back, give_back = threading.Semaphore(0), of_provider._limit.leave

    def count(network: str) -> None:
        give_back(network)
        given_back.release()

    monkeypatch.setattr(of_provider._limit, "leave", count)
    monkeypatch.setattr(of_provider, "documents", documents)
    monkeypatch.setattr(module, "read_document", slow)
    for number in range(16):
        redeeming = of_provider.redeem("c", "v", f"192.0.2.{number}")
        await leave(slow, partial(asyncio.ensure_future, redeeming))
    for number in range(40):
        with pytest.raises(TooManySignIns):
            await of_provider.redeem("c", "v", f"192.0.2.{number}")
    assert slow.read == 16
    slow.answers.set()
    for _ in range(16):  # each thread that ends gives its place back
        assert await asyncio.to_thread(given_back.acquire, timeout=patient(20))
    assert await of_provider.redeem("c", "v", "192.0.2.1") == "x"
