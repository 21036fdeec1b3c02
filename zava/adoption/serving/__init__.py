"""What an MCP server over an adopted database is made of."""
