"""Tools as a client calls them: through the endpoint, over the shared database, on a fixed day."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import TODAY
from tests.database import Database
from zava.app import Application, compose
from zava.infrastructure.home import Home
from zava.one_call import call_tool
from zava.settings import Settings


@dataclass(frozen=True)
class Told:
    """What one call told: text for a reader, content for a program."""

    text: str
    content: dict[str, Any]
    is_error: bool


AskTool = Callable[[str, str, Mapping[str, Any]], Awaitable[Told]]


@pytest.fixture(scope="session")
async def moved_application(
    database: Database, home: Home, context_keys: list[str]
) -> AsyncIterator[Application]:
    settings = Settings.model_validate({"ZAVA_HOME": home.path, "ZAVA_TODAY": TODAY.isoformat()})
    application = compose(settings, conninfo=database.server, context_keys=context_keys)
    yield application
    await application.close()


@pytest.fixture(scope="session")
def ask_tool(moved_application: Application, tokens: dict[str, str]) -> AskTool:
    async def ask(principal: str, tool: str, arguments: Mapping[str, Any]) -> Told:
        status, body = await call_tool(
            moved_application.endpoint, tokens[principal], tool, arguments
        )
        assert status == 200, body
        result = body["result"]
        return Told(
            result["content"][0]["text"],
            result["structuredContent"],
            is_error=bool(result.get("isError")),
        )

    return ask
