"""Prints what the SDKs of OpenAI and Anthropic make of the MCP tools on standard input."""

import json
import sys
from copy import deepcopy
from typing import Any

import anthropic

# The provider's own conversion has no public name.
from openai.lib._pydantic import _ensure_strict_json_schema


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema in OpenAI's strict form, as its SDK sends models of pydantic."""
    given = deepcopy(schema)
    return _ensure_strict_json_schema(given, path=(), root=given)


tools = json.load(sys.stdin)
json.dump(
    {
        "openai strict": {tool["name"]: strict(tool["inputSchema"]) for tool in tools},
        "anthropic strict": {
            tool["name"]: anthropic.transform_schema(tool["inputSchema"]) for tool in tools
        },
    },
    sys.stdout,
)
