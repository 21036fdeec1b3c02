"""Tools as `tools/list` shows them, in the protocol's own JSON: the same in every path."""

from typing import Any

from zava.protocol.tools.tool import Tool


def listed_tool(tool: Tool) -> dict[str, Any]:
    """Return a tool as a client reads it."""
    listed: dict[str, Any] = {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": tool.input_schema,
        "outputSchema": tool.output_schema,
        # What only reads neither destroys nor differs when it is repeated: not said again.
        "annotations": {"readOnlyHint": True, "openWorldHint": False},
    }
    meta: dict[str, Any] = {}
    if tool.app:
        # Always sent: the handshake era drops the extension from what a client says it can.
        meta["ui"] = {"resourceUri": tool.app}
    if tool.result_characters:
        meta["anthropic/maxResultSizeChars"] = tool.result_characters
    if meta:
        listed["_meta"] = meta
    return listed
