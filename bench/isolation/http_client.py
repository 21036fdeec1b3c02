"""Calls of MCP servers over HTTP, each tenant with a token of its own."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bench.candidates import MODERN, ROOT, Candidate, WrongAnswer, ask, first_answer, free_port
from bench.isolation.answers import Answer, NoAnswer, Tenant
from bench.isolation.stdio_client import answer_of, compact
from bench.works import WORKS


class HttpSession:
    """One server for all tenants; the token names the caller."""

    def __init__(self, port: int, tokens: Mapping[Tenant, str]) -> None:
        self._port = port
        self._tokens = tokens

    def run(self, tenant: Tenant, sql: str) -> Answer:
        """Call the tool that runs SQL."""
        arguments = {"postgresql_query": sql, "max_rows": 1000}
        params = {"name": "execute_sales_query", "arguments": arguments}
        return answer_of(self._call(tenant, "tools/call", params))

    def tools(self) -> str | None:
        """Return the answer to tools/list."""
        return compact(self._call("attacker", "tools/list", {})["result"])

    def _call(self, tenant: Tenant, method: str, params: dict[str, Any]) -> dict[str, Any]:
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": MODERN,
            "Mcp-Method": method,
            "Authorization": f"Bearer {self._tokens[tenant]}",
        }
        if "name" in params:
            headers["Mcp-Name"] = params["name"]
        meta = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientInfo": {"name": "bench-isolation", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params | {"_meta": meta}}
        try:
            response = ask(self._port, headers, json.dumps(body).encode())
        except (OSError, WrongAnswer) as error:
            raise NoAnswer(str(error)) from error
        answer: dict[str, Any] = json.loads(response)
        return answer


@contextmanager
def http_server(
    candidate: Candidate, environment: Mapping[str, str], tokens: Mapping[Tenant, str]
) -> Iterator[HttpSession]:
    """Start a server and end it afterwards."""
    port = free_port()
    with subprocess.Popen(
        [*candidate.command, str(port)],
        cwd=ROOT,
        env=os.environ | {**candidate.environment, **environment},  # noqa: TID251  # handed on whole
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            first_answer(candidate, WORKS[0], port)
            yield HttpSession(port, tokens)
        finally:
            process.kill()
