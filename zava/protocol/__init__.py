"""MCP and HTTP, without any SQL."""
