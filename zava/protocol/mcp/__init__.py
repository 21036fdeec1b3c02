"""MCP: messages, the SDK behind them, and the fast lane in front."""
