"""An MCP server over an adopted database, as tests call it: in process, with real tokens."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.adoption.foreign import Foreign
from tests.support.servers.database import CONTEXT_KEY
from zava.adopted_app import AdoptedApplication, compose_adopted
from zava.adoption.adopted_grants import AdoptedPrincipal, grant_adopted, revoke_adopted
from zava.adoption.declared_values import AdoptionDeclaration
from zava.cli.client import call_tool
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuer
from zava.protocol.tools.tool import ERROR_META
from zava.settings import Settings

KEY = f"{CONTEXT_KEY[0]}:{base64.b64encode(CONTEXT_KEY[1]).decode()}"


@dataclass(frozen=True)
class Answer:
    """What a tool answered: text for a reader, content for programs, or an error."""

    text: str
    content: dict[str, Any]
    error: dict[str, Any]

    @property
    def rows(self) -> list[list[Any]]:
        assert not self.error, self.text
        rows: list[list[Any]] = self.content["rows"]
        return rows

    @property
    def notes(self) -> list[str]:
        notes: list[str] = self.content["notes"]
        return notes


@dataclass
class Served:
    """One application over an adopted database, and the people who were granted access."""

    foreign: Foreign
    home: Path
    declaration: AdoptionDeclaration | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    people: dict[str, AdoptedPrincipal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given = {"ZAVA_HOME": str(self.home), "ZAVA_CONTEXT_KEYS": KEY} | self.settings
        self._settings = Settings.model_validate(given)
        self._declared = self.declaration or self.foreign.declaration
        self.app: AdoptedApplication = compose_adopted(
            self._settings,
            conninfo=self.foreign.server,
            administrator=self.foreign.database.admin,
            declaration=self._declared,
        )

    def grant(self, name: str, audience: str, *tenants: str) -> AdoptedPrincipal:
        with self.foreign.administrator() as connection:
            self.people[name] = grant_adopted(
                connection,
                self._declared,
                caller=None,
                name=name,
                audience=audience,
                tenants=tenants,
            )
        return self.people[name]

    def revoke(self, name: str) -> None:
        with self.foreign.administrator() as connection:
            revoke_adopted(connection, self._declared, name)

    def token(self, name: str) -> str:
        caller = self.people[name].caller
        return LocalIssuer(StateDirectory(self.home), self._settings.port).token(
            tenant_id=caller.tenant_id, object_id=caller.object_id, name=name, ttl_seconds=600
        )

    async def call(self, name: str, tool: str, **arguments: Any) -> Answer:
        _, body = await call_tool(self.app.endpoint, self.token(name), tool, arguments)
        result = body.get("result", {})
        text = "\n".join(each["text"] for each in result.get("content", ()))
        error = result.get("_meta", {}).get(ERROR_META) or body.get("error") or {}
        return Answer(text or str(body), result.get("structuredContent") or {}, error)

    async def ask(self, name: str, statement: str, max_rows: int = 50) -> Answer:
        return await self.call(
            name, "query_database", postgresql_query=statement, max_rows=max_rows
        )

    async def request(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Send another request of MCP as ana, and return its result."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        headers = {
            "host": "127.0.0.1",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "authorization": f"Bearer {self.token('ana')}",
            "mcp-protocol-version": "2025-06-18",
        }
        body = json.dumps(request).encode()
        answer = await self.app.endpoint.handle("POST", "/mcp", headers, body)
        found: dict[str, Any] = httpx.Response(answer.status, content=answer.body).json()
        return found

    async def describe(self, name: str, tables: Sequence[str]) -> Answer:
        return await self.call(name, "get_multiple_table_schemas", table_names=list(tables))
