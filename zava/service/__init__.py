"""Use cases; no MCP, no HTTP, no driver, no Azure."""
