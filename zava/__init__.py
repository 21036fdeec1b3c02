"""Zava: a serverless MCP server over PostgreSQL for multi-tenant retail analytics."""

__version__ = "0.1.0"
