"""MCP and HTTP; knows nothing of SQL."""
