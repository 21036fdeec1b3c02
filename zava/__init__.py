"""Zava: a serverless MCP server over PostgreSQL for multi-tenant retail analytics."""
