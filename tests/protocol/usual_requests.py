"""Requests as clients send them, with every optional part that some client adds, and spoilt ones.

Unlike the requests of `fuzz.py` most of them are right, so that both paths have something to say.
"""

import random
from collections.abc import Iterator
from typing import Any

import orjson

from tests.protocol.fuzz import Fuzzed, spoil
from tests.support.answers.rpc import ERAS, MODERN, request

_CAPABILITIES: tuple[dict[str, Any], ...] = (
    *({}, {}, {}),
    {"roots": {"listChanged": True}, "sampling": {}},
    {"elicitation": {"form": {}, "url": {}}, "experimental": {"x": {"y": [1, None]}}},
    {"extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}},
    {"tasks": {"list": {}, "requests": {"sampling": {"createMessage": {}}}}},
    {"sampling": {"tools": {}, "context": {}}, "of a later revision": {"on": True}},
)
_CLIENTS: tuple[dict[str, Any], ...] = (
    *({"name": "client", "version": "1"}, {"name": "other", "version": "2"}),
    {"name": "client", "version": "1", "title": "A client", "websiteUrl": "https://example.com"},
    {"name": "client", "version": "1", "icons": [{"src": "https://example.com/i.png"}]},
    {"name": "c\u2028\u202e", "version": "", "description": "", "of a later revision": 1},
)
_META: tuple[dict[str, Any], ...] = (
    *({}, {}, {}, {}, {}, {}),
    {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"},
    {"progressToken": 1},
    {"io.modelcontextprotocol/logLevel": "info"},
    {"of.a/client": {"its": "own"}},
)
_IDS: tuple[Any, ...] = (0, 1, -1, 2**53 + 1, 2**63 - 1, "", "a", '"\\\u2028\U0001f600', "x" * 256)
_VERSIONS = (*ERAS, "2024-11-05", "1999-01-01", "")
_METHODS = (
    *("tools/call", "tools/call", "tools/list", "initialize", "server/discover", "ping"),
    *("notifications/initialized", "prompts/list"),
)
_CALLS: tuple[dict[str, Any], ...] = (
    {"name": "get_current_utc_date"},
    {"name": "get_current_utc_date", "arguments": None},
    {"name": "get_current_utc_date", "arguments": {}},
    {"name": "get_multiple_table_schemas", "arguments": {"table_names": ["stores", "orders"]}},
    {
        "name": "execute_sales_query",
        "arguments": {
            "postgresql_query": "SELECT store_name, NULL AS nothing, 1e300 AS much, 0.1 AS little,"
            " '\\u2028<b>\U0001f600' AS odd, ARRAY[1, 2] AS some FROM retail.stores",
            "max_rows": 3,
        },
    },
    {"name": "execute_sales_query", "arguments": {"postgresql_query": "SELECT nothing"}},
    {"name": "execute_sales_query", "arguments": {"postgresql_query": "DELETE FROM retail.stores"}},
    {
        "name": "execute_sales_query",
        "arguments": {"postgresql_query": "SELECT 1", "max_rows": 1e20},
    },
    {"name": "execute_sales_query", "arguments": {"postgresql_query": 2**64 - 1, "max_rows": 0}},
    {
        "name": "query_metrics",
        "arguments": {
            "metrics": ["revenue"],
            "time_period": "last month",
            "dimensions": ["category"],
        },
    },
    {"name": "query_metrics", "arguments": {"metrics": ["revenu"]}},
    {"name": "no such tool", "arguments": {}},
)


def usual_requests(seed: int, count: int, token: str) -> Iterator[Fuzzed]:
    """Yield that many requests, the same ones for the same seed."""
    chance = random.Random(seed)  # noqa: S311  # repeatable is what it has to be
    for _ in range(count):
        yield _request(chance, token)


def _request(chance: random.Random, token: str) -> Fuzzed:
    era = chance.choice(ERAS)
    method = chance.choice(_METHODS)
    params: dict[str, Any] = {"_meta": dict(chance.choice(_META))}
    if method == "tools/call":
        params |= orjson.loads(orjson.dumps(chance.choice(_CALLS)))
    elif method == "initialize":
        params |= {
            "protocolVersion": chance.choice(_VERSIONS),
            "capabilities": chance.choice(_CAPABILITIES),
            "clientInfo": chance.choice(_CLIENTS),
        }
    headers, body = request(era, method, params, token)
    message = orjson.loads(body)
    if era == MODERN:
        meta = message["params"]["_meta"]
        meta["io.modelcontextprotocol/clientInfo"] = chance.choice(_CLIENTS)
        meta["io.modelcontextprotocol/clientCapabilities"] = chance.choice(_CAPABILITIES)
    message["id"] = chance.choice(_IDS)
    if method.startswith("notifications/"):
        del message["id"]
    if chance.random() < 0.1:
        headers.pop("mcp-protocol-version" if era != MODERN else "mcp-name", None)
    if not message["params"]["_meta"] and chance.random() < 0.5:
        del message["params"]["_meta"]
    if not message["params"] and chance.random() < 0.5:
        del message["params"]
    message = orjson.loads(orjson.dumps(message))  # nothing is shared with the lists above
    if chance.random() < 0.2:
        spoil(chance, message)
    return Fuzzed("POST", list(headers.items()), orjson.dumps(message))
