"""Clients that nobody here wrote, in each era: they connect, list, call and read."""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pytest

from tests.functions.hosting import Hosted
from tests.outside.node import NODE, OUTSIDE, node, run
from zava.protocol.versions import HANDSHAKE, STATELESS
from zava.retail.resources import RESOURCES
from zava.retail.tools.registry import TOOLS

pytestmark = pytest.mark.outside

CALLS: dict[str, dict[str, Any]] = {
    "query_metrics": {"metrics": ["revenue"]},
    "show_sales_chart": {"kind": "bars"},
    "get_store_performance": {"store": "Redmond"},
    "compare_with_chain": {"metric": "revenue"},
    "get_multiple_table_schemas": {"table_names": ["retail.orders"]},
    "execute_sales_query": {"postgresql_query": "SELECT count(*) AS orders FROM retail.orders"},
    "semantic_search_products": {"query_description": "hammer"},
    "get_current_utc_date": {},
}
"""One call for each tool; a tool that is missing here fails the tests."""

WRONG_CALLS: dict[str, tuple[dict[str, Any], str]] = {
    "query_metrics": ({"metrics": ["footfall"]}, "VALIDATION_ERROR"),
    "show_sales_chart": ({"kind": "pie"}, "VALIDATION_ERROR"),
    "get_store_performance": ({"store": "Seattle"}, "AUTHORIZATION_ERROR"),
    "compare_with_chain": ({"metric": "footfall"}, "VALIDATION_ERROR"),
    "get_multiple_table_schemas": ({"table_names": ["retail.payroll"]}, "VALIDATION_ERROR"),
    "execute_sales_query": ({"postgresql_query": "SELECT x FROM retail.orders"}, "DATABASE_ERROR"),
    "semantic_search_products": ({"query_description": ""}, "VALIDATION_ERROR"),
    "get_current_utc_date": ({"zone": "UTC"}, "VALIDATION_ERROR"),
}
"""One call for each tool that fails, and the code with which the error's text begins."""

CLIENTS = OUTSIDE / "clients"
LATEST_HANDSHAKE = HANDSHAKE[0]
INSPECTOR_TOOL_ERROR = 5


class Client(NamedTuple):
    """A program, the mode that it is asked to connect in, and the revision that it must reach."""

    name: str
    mode: str
    protocol: str
    command: Sequence[str]


PYTHON = (sys.executable, str(CLIENTS / "python_mcp.py"))
FASTMCP = (sys.executable, str(CLIENTS / "python_fastmcp.py"))
TYPESCRIPT_1 = (str(NODE), str(CLIENTS / "typescript_v1.mjs"))
TYPESCRIPT_2 = (str(NODE), str(CLIENTS / "typescript_v2.mjs"))

PROGRAMS = (
    Client("Python mcp 2", "auto", STATELESS, PYTHON),
    Client("Python mcp 2", "legacy", LATEST_HANDSHAKE, PYTHON),
    Client("Python mcp 2", STATELESS, STATELESS, PYTHON),
    Client("FastMCP 4", "auto", STATELESS, FASTMCP),
    Client("FastMCP 4", "legacy", LATEST_HANDSHAKE, FASTMCP),
    Client("TypeScript sdk 1", "legacy", LATEST_HANDSHAKE, TYPESCRIPT_1),
    Client("TypeScript client 2", "auto", STATELESS, TYPESCRIPT_2),
    Client("TypeScript client 2", "legacy", LATEST_HANDSHAKE, TYPESCRIPT_2),
    Client("TypeScript client 2", STATELESS, STATELESS, TYPESCRIPT_2),
)


@pytest.fixture(scope="module")
def table() -> Iterator[list[tuple[str, ...]]]:
    """Rows of client, mode, revision, tools, calls, errors, resource; printed when all ran."""
    rows: list[tuple[str, ...]] = []
    yield rows
    print("\n")
    for row in [("client", "mode", "revision", "tools", "calls", "errors", "resource"), *rows]:
        print("{:<21}{:<12}{:<12}{:<7}{:<7}{:<7}{}".format(*row))


@pytest.mark.requirement("S07")
def test_every_tool_is_called_by_every_client() -> None:
    assert CALLS.keys() == TOOLS.keys()
    assert WRONG_CALLS.keys() == TOOLS.keys()


@pytest.mark.requirement("S07")
@pytest.mark.parametrize("client", PROGRAMS, ids=lambda client: f"{client.name}, {client.mode}")
def test_client_lists_calls_and_reads(
    url: str, tokens: dict[str, str], table: list[tuple[str, ...]], client: Client
) -> None:
    done = run(
        *client.command,
        url,
        client.mode,
        json.dumps(CALLS),
        json.dumps({name: given for name, (given, _) in WRONG_CALLS.items()}),
        environment={"ZAVA_TOKEN": tokens["redmond"]},
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["protocol"] == client.protocol
    assert told["tools"] == list(TOOLS)
    assert told["called"] == list(CALLS)
    for name, (_, code) in WRONG_CALLS.items():
        assert told["errors"][name].startswith(f"{code}: "), (name, told["errors"][name])
        assert "Hint: " in told["errors"][name]
    assert "retail.orders" in told["resource"]
    assert "Zava Retail Redmond" in told["resource"], "read as the token's person"
    table.append(
        (
            client.name,
            client.mode,
            told["protocol"],
            str(len(told["tools"])),
            str(len(told["called"])),
            str(len(told["errors"])),
            "read",
        )
    )


def inspector(url: str, token: str, era: str, *asked: str, exits_with: int = 0) -> Any:
    """Ask through the Inspector's command line and return the result that it prints."""
    done = node(
        "node_modules/.bin/mcp-inspector",
        "--cli",
        url,
        *("--transport", "http", "--protocol-era", era, "--format", "json"),
        *("--header", f"Authorization: Bearer {token}"),
        *asked,
    )
    assert done.returncode == exits_with, done.stderr + done.stdout
    answer = json.loads(done.stdout)
    return answer.get("result", answer)


@pytest.mark.requirement("S07")
@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_inspector_finds_nothing_to_complain_of(
    production: Hosted, tokens: dict[str, str], table: list[tuple[str, ...]], era: str
) -> None:
    url, token = production.mcp_url, tokens["redmond"]
    listed = inspector(url, token, era, "--method", "tools/list", "--strict")
    assert [tool["name"] for tool in listed["tools"]] == list(TOOLS)
    for name, given in CALLS.items():
        asked = ("--tool-name", name, "--tool-args-json", json.dumps(given))
        answer = inspector(url, token, era, "--method", "tools/call", *asked)
        assert not answer.get("isError"), answer
    for name, (given, code) in WRONG_CALLS.items():
        asked = ("--tool-name", name, "--tool-args-json", json.dumps(given))
        answer = inspector(
            url, token, era, "--method", "tools/call", *asked, exits_with=INSPECTOR_TOOL_ERROR
        )
        assert answer["isError"], answer
        assert answer["content"][0]["text"].startswith(f"{code}: ")
    resources = inspector(url, token, era, "--method", "resources/list")["resources"]
    assert [resource["uri"] for resource in resources] == [
        uri for uri, resource in RESOURCES.items() if not resource.is_template
    ]
    read = inspector(
        url, token, era, "--method", "resources/read", "--uri", "retail://tables/orders"
    )
    assert "Zava Retail Redmond" in read["contents"][0]["text"]
    revision = STATELESS if era == "modern" else LATEST_HANDSHAKE
    table.append(
        (
            "Inspector --strict",
            era,
            revision,
            str(len(listed["tools"])),
            str(len(CALLS)),
            str(len(WRONG_CALLS)),
            "read",
        )
    )
