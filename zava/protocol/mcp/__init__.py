"""MCP: messages, the SDK behind them, and the fast path in front."""
