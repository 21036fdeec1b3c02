"""The paths that are served, and the names and addresses of hosts as clients send them."""

import re
from functools import lru_cache

MCP_PATH = "/mcp"
METADATA_PATH = "/.well-known/oauth-protected-resource"
CONSOLE_PATH = "/console"
CONSOLE_REDIRECT = f"{CONSOLE_PATH}/signed-in"
"""Where the console takes the answer of a sign-in: one of its own pages."""
PATHS = (MCP_PATH, METADATA_PATH, f"{METADATA_PATH}{MCP_PATH}", "/health/live", "/health/ready")

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?", re.IGNORECASE | re.ASCII)
_MAX_CHARACTERS = 260  # no name of a host is longer (RFC 1035)


def host_name(host: str) -> str:
    """Return a host without its port, in lower case; nothing, where it is not a host at all."""
    return _read_host(host) if len(host) <= _MAX_CHARACTERS else ""


@lru_cache(256)
def _read_host(host: str) -> str:
    found = _HOST.fullmatch(host)
    return found[1].lower() if found else ""


def resource_of(host: str) -> str:
    """Return the URL that clients of this host call; an issuer compares it byte for byte."""
    return f"{base_url(host)}{MCP_PATH}"


def base_url(host: str) -> str:
    """Return a host's address as URLs are normalized (RFC 3986, 6.2): no default port."""
    name = host_name(host)
    scheme, default = ("http", ":80") if name in LOOPBACK else ("https", ":443")
    return f"{scheme}://{name}{host[len(name) :].removesuffix(default)}"
