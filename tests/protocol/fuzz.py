"""Requests that no client would send: valid ones of either era, spoilt at random.

A seed makes a run repeatable; what it found is in the seed's number.
"""

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from tests.support.answers.rpc import ERAS, MODERN, request

SQL_WORDS = [
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "BY",
    "ORDER",
    "LIMIT",
    "WITH",
    "AS",
    "(",
    ")",
    "(",
    ")",
    ",",
    ".",
    ";",
    "*",
    "=",
    "<>",
    "||",
    "::",
    "'",
    '"',
    "$1",
    "--",
    "/*",
    "*/",
    "retail.orders",
    "retail.products",
    "retail.order_items",
    "o",
    "p",
    "count(*)",
    "sum(",
    "status",
    "order_date",
    "total_amount",
    "NULL",
    "1",
    "0",
    "-1",
    "1e400",
    "'x'",
    "E'\\\\0'",
    "ARRAY[",
    "]",
    "{}",
    "CASE",
    "WHEN",
    "THEN",
    "END",
    "IN",
    "EXISTS",
    "JOIN",
    "ON",
    "LATERAL",
    "generate_series(",
    "pg_sleep(",
    "current_setting(",
    "set_config(",
    "pg_read_file(",
    "zava.",
    "pg_catalog.",
    "INSERT",
    "UPDATE",
    "DELETE",
    "COPY",
    "DO",
    "RETURNING",
    "INTO",
    "INTERVAL",
    "'1",
    "day'",
    "::regclass",
    "::jsonb",
    "OVER",
    "(",
    ")",
]
TEXTS = (
    *("", " ", "\0", "\u202e", "\U0001f600", "a" * 5000, "../../etc/passwd", "%00%n%s", "{table}"),
    *("retail://tables/{table}", "retail://tables/%2e%2e", "'; DROP TABLE retail.orders; --"),
    *("null", "NaN", "-0", "\\u0000", "=?base64?4pyT?=", "x\r\nset-cookie: a=b"),
)
NUMBERS: tuple[Any, ...] = (0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 0.1, 1e300, -1e-300)
JUNK = (
    b"",
    b"\x00",
    b"\xff\xfe",
    b"{",
    b"]",
    b'"',
    b",",
    b"1e999",
    b"[" * 70,
    b"9" * 40,
    b"\\ud800",
)
METHODS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}}),
    ("server/discover", {}),
    ("ping", {}),
    ("tools/list", {}),
    ("resources/list", {}),
    ("resources/templates/list", {}),
    ("resources/read", {"uri": "retail://tables/orders"}),
    ("prompts/list", {}),
    ("prompts/get", {"name": "business_summary", "arguments": {"period": "last week"}}),
    ("prompts/get", {"name": "explain_a_table", "arguments": {"table": "retail.orders"}}),
    (
        "completion/complete",
        {
            "ref": {"type": "ref/resource", "uri": "retail://tables/{table}"},
            "argument": {"name": "table", "value": "o"},
        },
    ),
    ("tools/call", {"name": "get_current_utc_date", "arguments": {}}),
    (
        "tools/call",
        {"name": "get_multiple_table_schemas", "arguments": {"table_names": ["orders"]}},
    ),
    ("tools/call", {"name": "execute_sales_query", "arguments": {"postgresql_query": "SELECT 1"}}),
    ("logging/setLevel", {"level": "info"}),
    ("resources/subscribe", {"uri": "retail://schema"}),
    ("subscriptions/listen", {"notifications": {"toolsListChanged": True}}),
    ("tasks/get", {"taskId": "1"}),
    ("sampling/createMessage", {"messages": [], "maxTokens": 1}),
)
HEADERS = (
    *("mcp-protocol-version", "mcp-method", "mcp-name", "mcp-session-id", "mcp-param-x", "accept"),
    *("content-type", "content-length", "origin", "host", "last-event-id", "x-forwarded-host"),
)


class Fuzzed(NamedTuple):
    """One request: method, headers as they would arrive, body."""

    method: str
    headers: list[tuple[str, str]]
    body: bytes


def requests(seed: int, count: int, token: str) -> Iterator[Fuzzed]:
    """Yield that many requests, the same ones for the same seed."""
    chance = random.Random(seed)  # noqa: S311  # repeatable is what it has to be
    for _ in range(count):
        yield _request(chance, token)


def _request(chance: random.Random, token: str) -> Fuzzed:
    era = chance.choice(ERAS)
    method, params = chance.choice(METHODS)
    params = orjson.loads(orjson.dumps(params))
    if params.get("name") == "execute_sales_query" and chance.random() < 0.7:
        words = chance.choices(SQL_WORDS, k=chance.randrange(1, 30))
        params["arguments"]["postgresql_query"] = chance.choice(
            ("SELECT ", "", "WITH ")
        ) + " ".join(words)
    headers, body = request(era, method, params, token)
    if chance.random() < 0.3:
        headers.pop("mcp-name", None)
    message = orjson.loads(body)
    for _ in range(chance.randrange(4)):
        spoil(chance, message)
    if era == MODERN and chance.random() < 0.5:
        headers["mcp-method"] = str(message.get("method"))
    body = orjson.dumps(message)
    if chance.random() < 0.15:
        place = chance.randrange(len(body) + 1)
        body = body[:place] + chance.choice(JUNK) + body[place + chance.randrange(3) :]
    fields = [(name, value) for name, value in headers.items() if chance.random() > 0.02]
    for _ in range(chance.randrange(3) if chance.random() < 0.3 else 0):
        # A socket would refuse line ends in a header before anybody sees them.
        value = chance.choice((*TEXTS, *ERAS, "text/event-stream", "null")).replace("\r\n", " ")
        fields.append((chance.choice(HEADERS), value.replace("\0", "")))
    return Fuzzed(chance.choice(("POST",) * 19 + ("GET",)), fields, body)


def spoil(chance: random.Random, message: dict[str, Any]) -> None:
    """Replace, remove or add one value somewhere in the message."""
    place: Any = message
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            break
        key = chance.choice(keys)
        if isinstance(place[key], dict | list) and place[key] and chance.random() < 0.7:
            place = place[key]
            continue
        if chance.random() < 0.25:
            del place[key]
        else:
            place[key] = _value(chance)
        return
    if isinstance(place, dict):
        place[chance.choice(TEXTS)] = _value(chance)


def _value(chance: random.Random) -> Any:
    kind = chance.randrange(7)
    if kind == 0:
        return chance.choice(NUMBERS)
    if kind == 1:
        return chance.choice((None, True, False))
    if kind == 2:
        return [_value(chance) for _ in range(chance.randrange(3))]
    if kind == 3:
        return {chance.choice(TEXTS): _value(chance) for _ in range(chance.randrange(3))}
    if kind == 4:
        deep: Any = 1
        for _ in range(chance.choice((5, 60, 66))):
            deep = [deep]
        return deep
    return chance.choice(TEXTS)
