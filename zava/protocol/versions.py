"""The protocol's revisions that are served, of both eras."""

STATELESS = "2026-07-28"
"""Each request stands alone and says its version; there is no handshake."""

HANDSHAKE = ("2025-11-25", "2025-06-18", "2025-03-26")
"""Agreed on by `initialize`, newest first; 2024-11-05 has another transport, not served here."""

SERVED = (STATELESS, *HANDSHAKE)

VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CLIENT_KEY = "io.modelcontextprotocol/clientInfo"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
LOG_LEVEL_KEY = "io.modelcontextprotocol/logLevel"
PROGRESS_KEY = "progressToken"

VERSION_HEADER = "mcp-protocol-version"
