"""`zava stdio`: a client that starts a process speaks to the laptop's server through its pipes."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client
from mcp.shared.inbound import encode_header_value
from mcp_types import TextResourceContents

from tests.support.answers.rpc import LEGACY, META, MODERN
from tests.support.products.forked import ROOT
from tests.support.products.laptop import Laptop, free_port
from tests.support.suite.patience import patient

# The form of one header, without a server.
from zava.cli.stdio import Renewed, StdioBridge, _header
from zava.retail.tools.registry import TOOLS

COUNT = {"postgresql_query": "SELECT store_name FROM retail.stores"}


def command(laptop: Laptop, *arguments: str) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "zava", "stdio", *arguments],
        env=laptop.variables(),
        cwd=ROOT,
    )


@pytest.mark.parametrize(
    ("mode", "protocol"), [("auto", MODERN), (MODERN, MODERN), ("legacy", LEGACY[-1])]
)
async def test_client_lists_calls_and_reads_in_each_era(
    laptop: Laptop, mode: Any, protocol: str
) -> None:
    server = stdio_client(command(laptop, "--as", "eastside"))
    async with Client(server, mode=mode, read_timeout_seconds=patient(60)) as client:
        assert client.protocol_version == protocol
        assert [tool.name for tool in (await client.list_tools()).tools] == list(TOOLS)
        answer = await client.call_tool("execute_sales_query", COUNT)
        assert answer.structured_content is not None
        assert len(answer.structured_content["scope"]["stores"]) == 3
        refused = await client.call_tool("execute_sales_query", {"postgresql_query": "SELEC"})
        assert refused.is_error
        read = await client.read_resource("retail://tables/orders")
        (content,) = read.contents
        assert isinstance(content, TextResourceContents)
        assert "Zava Retail Bellevue" in content.text


@pytest.mark.parametrize(
    ("arguments", "settings", "named"),
    [
        (("--as", "nobody"), {}, "--as"),
        (("--as", "seattle"), {"WEBSITE_INSTANCE_ID": "1"}, "ZAVA_IDENTITY_ISSUER"),
        (
            ("--as", "seattle"),
            {"DATABASE_URL": "postgresql://zava@db.example/zava"},
            "ZAVA_IDENTITY_ISSUER",
        ),
    ],
)
def test_it_refuses_where_the_local_issuer_does(
    laptop: Laptop, arguments: tuple[str, ...], settings: dict[str, str], named: str
) -> None:
    ended = laptop.zava("stdio", *arguments, **settings)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"zava: {named}: ")
    assert ended.stdout == ""


def modern(method: str, request_id: int, **params: Any) -> dict[str, Any]:
    return {
        "jsonrpc": "2.0",
        "id": request_id,
        "method": method,
        "params": {**params, "_meta": META},
    }


def carried(laptop: Laptop, *messages: Any, port: int | None = None) -> list[dict[str, Any]]:
    """Send lines through a bridge in this process; return what it wrote, by id."""
    written: list[dict[str, Any]] = []
    token = laptop.zava("token", "--as", "seattle").stdout.strip()
    bridge = StdioBridge(
        port or laptop.port, lambda: token, lambda line: written.append(json.loads(line))
    )
    texts = [each if isinstance(each, str) else json.dumps(each) for each in messages]
    bridge.serve(f"{text}\n".encode() for text in texts)
    return sorted(written, key=lambda answer: str(answer.get("id")))


def test_refusals_come_back_under_the_request_s_id_and_notifications_get_none(
    laptop: Laptop,
) -> None:
    told = carried(
        laptop,
        "",
        "not json",
        "[]",
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "method": "notifications/cancelled"},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 9}},
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}},
        modern("tools/call", 2, name="Zoë\n", arguments={}),
        modern("no/such", 3),
        modern("ping", 4),
        {"jsonrpc": "2.0", "id": 5, "method": "tools/list", "params": 7},
    )
    by_id = {str(each["id"]): each for each in told}
    assert by_id.keys() == {"None", "1", "2", "3", "4", "5"}
    assert sum(each["id"] is None for each in told) == 2
    assert all(each["jsonrpc"] == "2.0" for each in told)
    assert by_id["2"]["error"]["code"] == -32602
    assert by_id["3"]["error"]["code"] == -32601


def test_without_a_server_every_request_names_what_to_start(laptop: Laptop) -> None:
    port = free_port()
    told = carried(
        laptop,
        modern("tools/list", 1),
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        port=port,
    )
    assert [each["id"] for each in told] == [1]
    assert f"No server of Zava answers on port {port}" in told[0]["error"]["message"]


def test_token_that_is_refused_is_an_error_of_the_request(laptop: Laptop) -> None:
    written: list[bytes] = []
    StdioBridge(laptop.port, lambda: "a.b.c", written.append).serve(
        [json.dumps(modern("tools/list", 1)).encode()]
    )
    (told,) = map(json.loads, written)
    assert told["id"] == 1
    assert "token" in told["error"]["message"]


class Silent:
    """A server that accepts a request and gives a prepared answer, or none."""

    def __init__(self, answer: bytes = b"") -> None:
        self._answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.asked = threading.Event()
        self.left = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            connection.recv(65536)
            self.asked.set()
            connection.sendall(self._answer)
            while connection.recv(65536):
                pass
            self.left.set()


@pytest.fixture
def silent() -> Iterator[Silent]:
    silent = Silent()
    yield silent
    silent.listener.close()


def test_events_come_as_lines_in_their_order() -> None:
    events = (
        b'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n'
        b": kept open\n\ndata:\n\n"
        b'data: {"jsonrpc":"2.0","id":7,"result":{}}\n\n'
    )
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n"
    server = Silent(head % len(events) + events)
    written: list[bytes] = []
    StdioBridge(server.port, lambda: "t", written.append).serve(
        [json.dumps(modern("tools/list", 7)).encode()]
    )
    server.listener.close()
    assert [json.loads(line).get("id") for line in written] == [None, 7]


@pytest.mark.parametrize("body", [b"not json", b"[]", b"7"])
def test_answer_of_another_program_is_an_error_of_the_request(body: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: %d\r\n\r\n"
    server = Silent(head % len(body) + body)
    written: list[bytes] = []
    StdioBridge(server.port, lambda: "t", written.append).serve(
        [json.dumps(modern("tools/list", 7)).encode()]
    )
    server.listener.close()
    (told,) = map(json.loads, written)
    assert told["id"] == 7
    assert "No server" in told["error"]["message"]


EVENTS, JSON = "text/event-stream", "application/json"
PROGRESS = b'data: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n'
DEEP = json.loads("[" * 400 + "]" * 400)


@pytest.mark.parametrize("method", ["tools/list", "initialize"])
@pytest.mark.parametrize(
    ("status", "content_type", "body", "words"),
    [
        (503, JSON, b"", "HTTP 503"),
        (202, JSON, b"", "ended early"),
        (200, EVENTS, PROGRESS, "ended early"),
        (200, EVENTS, b": kept open\n\n", "ended early"),
        (200, EVENTS, b"data: 7\n\n", "No server"),
        (200, EVENTS, b"data: {\n\n", "No server"),
        (200, JSON, b'{"jsonrpc":"2.0","id":7}', "ended early"),
        (200, JSON, b'{"jsonrpc":"2.0","id":7,"result":' + b"[" * 400 + b"]" * 400 + b"}", "carried"),
        (200, JSON, b'{"jsonrpc":"2.0","id":7,"result":[]}', None),
    ],
)  # fmt: skip
def test_request_is_answered_once_whatever_the_server_sends(
    method: str, status: int, content_type: str, body: bytes, words: str | None
) -> None:
    head = f"HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\n"
    server = Silent(f"{head}\r\n".encode() + body)
    written: list[bytes] = []
    StdioBridge(server.port, lambda: "t", written.append).serve(
        [json.dumps(modern(method, 7)).encode()]
    )
    server.listener.close()
    told = [each for each in map(json.loads, written) if each.get("id") == 7]
    final = [each for each in told if "error" in each or "result" in each]
    assert len(final) == 1
    assert words is None or words in final[0]["error"]["message"]


def test_request_without_a_token_is_an_error_of_the_request() -> None:
    def none_left() -> str:
        raise RuntimeError("the words of a cause")

    written: list[bytes] = []
    StdioBridge(1, none_left, written.append).serve(
        [json.dumps(modern(method, 7)).encode() for method in ("initialize", "tools/list")]
    )
    assert [json.loads(line)["id"] for line in written] == [7, 7]
    assert not any(b"words of a cause" in line for line in written)


@pytest.mark.parametrize("value", [DEEP, {"a": 1}, [1]])
def test_id_of_no_json_rpc_ends_no_bridge(laptop: Laptop, value: Any) -> None:
    told = carried(
        laptop,
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": value}},
        {"jsonrpc": "2.0", "id": value, "method": "initialize", "params": {}},
        {"jsonrpc": "2.0", "id": value, "method": "tools/list"},
        modern("ping", 4),
    )
    assert [each["id"] for each in told] == [4, None, None]
    assert all("error" in each for each in told[1:])


def lines_then(silent: Silent, then: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
    yield json.dumps(modern("tools/list", 7)).encode()
    assert silent.asked.wait(patient(20))
    yield from then()


def test_cancelled_request_is_closed_and_not_answered(silent: Silent) -> None:
    def cancel() -> Iterator[bytes]:
        message = {"method": "notifications/cancelled", "params": {"requestId": 7}}
        yield json.dumps({"jsonrpc": "2.0", **message}).encode()

    written: list[bytes] = []
    StdioBridge(silent.port, lambda: "t", written.append).serve(lines_then(silent, cancel))
    assert silent.left.wait(patient(20))
    assert written == []


def test_interruption_waits_for_no_answer(silent: Silent) -> None:
    def interrupt() -> Iterator[bytes]:
        if silent.asked.is_set():
            raise KeyboardInterrupt
        yield b""

    written: list[bytes] = []
    bridge = StdioBridge(silent.port, lambda: "t", written.append)
    with pytest.raises(KeyboardInterrupt):
        bridge.serve(lines_then(silent, interrupt))
    assert silent.left.wait(patient(20))
    assert written == []


def test_token_is_renewed_before_it_ends() -> None:
    now, made = [0.0], iter("abc")
    token = Renewed(lambda: next(made), 10, lambda: now[0])
    assert (token(), token()) == ("a", "a")
    now[0] = 10
    assert (token(), token()) == ("b", "b")


@pytest.mark.parametrize(
    "value", ["retail://schema", "Zoë", " x", "x ", "a b", "=?base64?eA==?=", "\n"]
)
def test_header_is_written_as_the_protocol_s_own_clients_write_it(value: str) -> None:
    assert _header(value) == encode_header_value(value)


def test_process_ends_with_its_input_and_writes_only_messages(laptop: Laptop) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "zava", "stdio", "--as", "seattle"],
        cwd=ROOT,
        env=laptop.variables(),
        input=json.dumps(modern("tools/list", 1)) + "\n",
        capture_output=True,
        text=True,
        timeout=patient(60),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [1]
