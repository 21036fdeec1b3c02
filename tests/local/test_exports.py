"""Exports of the console: what their files hold, what bounds them, and what ends them."""

import asyncio
import csv
import errno
import gc
import io
import resource
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from anyio.lowlevel import checkpoint

from tests.local.console_page import call, exported
from tests.support.suite.patience import patient
from zava.app import Application
from zava.data.export import row_spool
from zava.errors import Busy
from zava.model.core import Column
from zava.protocol.console import console_calls
from zava.protocol.console.console import Console
from zava.protocol.console.console_calls import EXPORT_PATH
from zava.protocol.console.exported_rows import exported as file_of
from zava.protocol.console.open_exports import MOST_OPEN, OpenExports
from zava.protocol.http.asgi import asgi_application
from zava.protocol.http_responses import HttpResponse

TEXTS = Path(__file__).with_name("csv_texts.json")
MAX_EXPORT_BYTES = 50 * 1024 * 1024
"""What an export may add to the process, which has about 90 MB before it."""


EVERY_KIND = """
SELECT n, '=' || n AS formula, -n AS negative, ARRAY[n] AS list, NULL AS nothing, n = 1 AS is_one,
       'a "b", c' AS text, 12345678901234567890.12::numeric AS long, n AS n
FROM generate_series(1, 3) AS g (n) ORDER BY n
"""


async def test_export_writes_every_kind_of_value(console: Console) -> None:
    headers, content = await exported(console, "redmond", EVERY_KIND, "csv")
    assert headers["zava-rows"] == "3"
    assert "zava-truncated" not in headers
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows[0][:2] == ["n", "formula"]
    assert rows[1] == [
        "1", "'=1", "-1", "[1]", "", "true", 'a "b", c', "12345678901234567890.12", "1",
    ]  # fmt: skip
    assert len(rows) == 4
    _, lines = await exported(console, "redmond", EVERY_KIND, "jsonl")
    assert [orjson.loads(line)["negative"] for line in lines.splitlines()] == [-1, -2, -3]


class Kept:
    """Rows that wait to leave."""

    def __init__(self, lines: list[bytes]) -> None:
        self.lines = lines
        self.is_closed = False

    def rows(self) -> Iterator[list[bytes]]:
        yield self.lines

    def close(self) -> None:
        self.is_closed = True


async def test_text_that_a_spreadsheet_would_run_is_a_text_and_others_stay() -> None:
    texts = orjson.loads(TEXTS.read_bytes())
    kept = Kept([orjson.dumps({"=a": text, "b": [text]}) for text, _ in texts])
    columns = [Column("=a", "text"), Column("b", "text[]")]
    content = b"".join([part async for part in file_of("csv", columns, kept)]).decode("utf-8-sig")
    names, *rows = csv.reader(io.StringIO(content, newline=""))
    assert names == ["'=a", "b"]
    assert [row[0] for row in rows] == [safe for _, safe in texts]
    nested = dict(zip([text for text, _ in texts], [row[1] for row in rows], strict=True))
    assert nested["a; @SUM(1)"] == '["a; \'@SUM(1)"]'
    assert nested['=HYPERLINK("http://x")'] == orjson.dumps(['=HYPERLINK("http://x")']).decode()
    assert kept.is_closed


async def test_json_lines_keep_every_text_as_it_is() -> None:
    lines = [orjson.dumps({"a": "=1;=SUM(1)"}) + b"\n"]
    assert b"".join([part async for part in file_of("jsonl", [], Kept(lines))]) == lines[0]


async def test_export_has_the_persons_own_rows_and_all_of_them(console: Console) -> None:
    counts = {}
    for person in ("redmond", "head-office"):
        headers, content = await exported(
            console, person, "SELECT store_id, line_number FROM retail.order_items", "jsonl"
        )
        counts[person] = content.count(b"\n")
        assert int(headers["zava-rows"]) == counts[person]
    assert counts["head-office"] > counts["redmond"] > 0


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        ({"postgresql_query": "UPDATE retail.orders SET status = ''"}, 422, "QUERY_REFUSED"),
        ({"postgresql_query": "SELECT nam FROM retail.products"}, 422, "DATABASE_ERROR"),
        ({"postgresql_query": "SELECT 1 / (n - 5000) FROM generate_series(1, 9000) AS g (n)"}, 422, "DATABASE_ERROR"),
        ({"postgresql_query": "SELECT $1"}, 422, "QUERY_REFUSED"),
        ({"postgresql_query": "SELECT 1", "format": "xml"}, 400, "VALIDATION_ERROR"),
        ({}, 400, "VALIDATION_ERROR"),
    ],
)  # fmt: skip
async def test_export_is_refused_as_the_tool_refuses(
    console: Console, content: dict[str, Any], status: int, code: str
) -> None:
    given, answer = await call(console, EXPORT_PATH, "redmond", {"format": "csv"} | content)
    assert (given, orjson.loads(answer.body)["error"]["code"]) == (status, code)
    assert answer.parts is None


async def test_export_that_is_left_removes_its_rows(console: Console) -> None:
    statement = "SELECT n FROM generate_series(1, 5000) AS g (n)"
    _, answer = await call(
        console, EXPORT_PATH, "redmond", {"postgresql_query": statement, "format": "csv"}
    )
    assert answer.parts is not None
    assert await anext(answer.parts)
    await answer.parts.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(answer.parts)


FEW = {"postgresql_query": "SELECT 1 AS n", "format": "jsonl"}


async def test_unread_exports_take_the_places_of_their_person_alone(console: Console) -> None:
    unread = [(await call(console, EXPORT_PATH, "redmond", FEW))[1] for _ in range(2)]
    assert all(each.parts is not None for each in unread)
    status, refused = await call(console, EXPORT_PATH, "redmond", FEW)
    error = orjson.loads(refused.body)["error"]
    assert (status, error["code"], error["retry_after_seconds"]) == (503, "BUSY", 5)
    status, _ = await call(console, EXPORT_PATH, "kirkland", FEW)
    assert status == 200
    # An answer that is dropped before its first part frees its place, as one that is read.
    unread.pop()
    gc.collect()
    status, answer = await call(console, EXPORT_PATH, "redmond", FEW)
    assert status == 200
    assert answer.parts is not None
    assert b"".join([part async for part in answer.parts]) == b'{"n":1}\n'
    assert unread[0].parts is not None
    await unread[0].parts.aclose()  # it never began, so it runs no `finally` of its own
    for _ in range(3):  # a refused statement frees its place as well
        status, _ = await call(console, EXPORT_PATH, "redmond", FEW | {"postgresql_query": "DROP"})
        assert status == 422


def test_all_persons_together_have_a_bound() -> None:
    exports = OpenExports()
    places = [exports.take(bytes([person])) for person in range(MOST_OPEN)]
    with pytest.raises(Busy):
        exports.take(b"another")
    places[0].close()
    places[0].close()
    exports.take(b"another")
    with pytest.raises(Busy):
        exports.take(b"a third")
    assert list(places[1].rows()) == []


async def test_export_ends_at_its_bytes_and_states_it(
    console: Console, monkeypatch: pytest.MonkeyPatch, application: Application
) -> None:
    calls = application.make_console_calls()
    # The application sets the bound by its host: a gigabyte would have to be made here.
    monkeypatch.setattr(calls, "_most_bytes", 10_000)
    statement = "SELECT n, repeat('x', 1000) AS long FROM generate_series(1, 100) AS g (n)"
    headers, content = await exported(console, "redmond", statement, "jsonl")
    assert headers["zava-truncated"] == "bytes"
    assert len(content) <= 10_000
    assert int(headers["zava-rows"]) == content.count(b"\n") > 5


def test_functions_host_holds_fewer_bytes_than_its_memory() -> None:
    most = console_calls.MOST_BYTES_IN_MEMORY * MOST_OPEN
    assert most <= 256 * 1024 * 1024


class FullDisk(io.BytesIO):
    """A file on a disk that has room for some bytes."""

    def flush(self) -> None:
        if self.tell() > 20_000:
            raise OSError(errno.ENOSPC, "No space left on device")


async def test_full_disk_refuses_an_export_and_the_next_one_works(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = FEW | {"postgresql_query": "SELECT n FROM generate_series(1, 5000) AS g (n)"}

    def none() -> io.BytesIO:
        raise OSError(errno.ENOSPC, "No space left on device")

    for disk in (FullDisk, none, none):
        monkeypatch.setattr(row_spool, "TemporaryFile", disk)
        status, answer = await call(console, EXPORT_PATH, "redmond", many)
        error = orjson.loads(answer.body)["error"]
        assert (status, error["code"]) == (503, "BUSY")
        assert "no room" in error["message"]
    monkeypatch.undo()
    _, content = await exported(console, "redmond", many["postgresql_query"], "jsonl")
    assert content.count(b"\n") == 5000


async def test_client_that_leaves_amid_a_statement_gives_everything_back(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = FEW | {"postgresql_query": "SELECT n FROM generate_series(1, 900000) AS g (n)"}
    has_begun = asyncio.Event()
    add = row_spool.RowSpool.add

    def noted(spool: row_spool.RowSpool, lines: list[bytes]) -> None:
        has_begun.set()
        add(spool, lines)

    monkeypatch.setattr(row_spool.RowSpool, "add", noted)
    for _ in range(6):  # more often than there are places, or connections
        has_begun.clear()
        leaving = asyncio.ensure_future(call(console, EXPORT_PATH, "redmond", many))
        async with asyncio.timeout(patient(20)):
            await has_begun.wait()
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
    async with asyncio.timeout(patient(20)):
        _, content = await exported(console, "redmond", FEW["postgresql_query"], "jsonl")
    assert content == b'{"n":1}\n'


async def test_million_rows_stay_out_of_the_servers_memory(console: Console) -> None:
    statement = (
        "SELECT n AS number, 'a text of some words ' || n AS words, n * 1.25 AS amount"
        " FROM generate_series(1, 1000001) AS g (n)"
    )
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _, answer = await call(
        console, EXPORT_PATH, "redmond", {"postgresql_query": statement, "format": "jsonl"}
    )
    assert answer.headers["zava-rows"] == "1000000"
    assert answer.headers["zava-truncated"] == "rows"
    assert answer.parts is not None
    lines = size = 0
    async for part in answer.parts:
        lines += part.count(b"\n")
        size += len(part)
    assert lines == 1_000_000
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held
    assert grown_kib * 1024 < MAX_EXPORT_BYTES < size


async def test_client_that_leaves_ends_an_export() -> None:
    is_closed, leaves = asyncio.Event(), asyncio.Event()

    async def parts() -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"x"
                await checkpoint()
        finally:
            is_closed.set()

    class Exporting:
        async def handle(self, *_: Any) -> HttpResponse:
            return HttpResponse(200, {}, b"", parts())

    arriving = iter([{"type": "http.request", "body": b""}])

    async def receive() -> Any:
        for message in arriving:
            return message
        await leaves.wait()
        return {"type": "http.disconnect"}

    sent = 0

    async def send(_: Any) -> None:
        nonlocal sent
        sent += 1
        if sent > 20:
            leaves.set()

    application = asgi_application(Exporting())
    async with asyncio.timeout(patient(10)):
        await application({"method": "POST", "path": "/", "headers": []}, receive, send)
    assert is_closed.is_set()
    assert sent > 20


class Stalled:
    """An answer in parts, and a client that takes some of them."""

    def __init__(self, *, takes: int) -> None:
        self.left = takes
        self.sent: list[Any] = []
        self.parts = self._endless()

    async def handle(self, *_: Any) -> HttpResponse:
        return HttpResponse(200, {}, b"", self.parts)

    async def _endless(self) -> AsyncGenerator[bytes, None]:
        while True:
            yield b"x"
            await checkpoint()

    async def receive(self) -> Any:
        if not self.sent:
            return {"type": "http.request", "body": b""}
        return await asyncio.Event().wait()

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        self.left -= 1
        if not self.left:
            await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("takes", "bounds"),
    [
        (1, {"stalled_seconds": 0.05}),
        (5, {"stalled_seconds": 0.05}),
        (-1, {"sending_seconds": 0.1}),
    ],
)
async def test_client_that_takes_no_part_or_too_long_loses_the_rows(
    takes: int, bounds: dict[str, float]
) -> None:
    client = Stalled(takes=takes)
    async with asyncio.timeout(patient(10)):
        scope = {"method": "POST", "path": "/", "headers": []}
        await asgi_application(client, **bounds)(scope, client.receive, client.send)
    with pytest.raises(StopAsyncIteration):
        await anext(client.parts)  # it was closed, begun or not
    assert client.sent[-1].get("more_body") or len(client.sent) == 1, "it would look whole"
