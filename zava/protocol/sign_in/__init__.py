"""An OAuth authorization server for MCP clients, loaded at the first request to sign in."""
