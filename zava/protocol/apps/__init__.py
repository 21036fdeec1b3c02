"""Pages that a client shows inside a conversation (MCP Apps)."""
