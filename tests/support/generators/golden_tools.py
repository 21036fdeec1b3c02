"""What a model reads before its first call, held in a file that `make docs` writes."""

import asyncio
import json
from pathlib import Path
from typing import Any

from mcp.client import Client

from zava.protocol.mcp.features import ServerFeatures
from zava.protocol.mcp.server import build_server
from zava.retail.declaration import RETAIL
from zava.retail.prompts import PROMPTS
from zava.retail.resources import RESOURCES
from zava.retail.tools.registry import TOOLS

GOLDEN = Path(__file__).parents[2] / "protocol" / "golden" / "tools.json"


async def listed() -> str:
    """Return the server's instructions and tools as a client receives them."""
    nobody_asks: Any = None  # listing reaches no use case
    features = ServerFeatures(RETAIL, TOOLS, RESOURCES, PROMPTS)
    async with Client(build_server(nobody_asks, features, version="0")) as client:
        told = {
            "instructions": client.instructions,
            "tools": [
                tool.model_dump(mode="json", by_alias=True, exclude_none=True)
                for tool in (await client.list_tools()).tools
            ],
        }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(asyncio.run(listed()), encoding="utf-8")


if __name__ == "__main__":
    main()
