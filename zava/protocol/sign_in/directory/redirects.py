"""Where the broker may answer: programs of the person's machine, and pages of known clients."""

from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from zava.protocol.sign_in.clients import stays_on_this_machine

# Pages that clients document; an address that ends with a slash stands for every one below it.
KNOWN = (
    "https://claude.ai/api/mcp/auth_callback",
    "https://claude.com/api/mcp/auth_callback",
    "https://chatgpt.com/connector_platform_oauth_redirect",
    "https://chatgpt.com/connector/oauth/",
    "https://vscode.dev/redirect",
    "https://insiders.vscode.dev/redirect",
    "https://www.cursor.com/agents/mcp/oauth/callback",
    "https://global.consent.azure-apim.net/redirect",
    "https://global.consent.azure-apim.net/redirect/",
)


def redirect_policy(more: Iterable[str]) -> Callable[[str], bool]:
    """Return whether a redirect is allowed: on the person's machine, known, or one of `more`."""
    exact = frozenset(each for each in (*KNOWN, *more) if not each.endswith("/"))
    below = tuple(each for each in (*KNOWN, *more) if each.endswith("/"))

    def allows(redirect: str) -> bool:
        return (
            stays_on_this_machine(redirect)
            or redirect in exact
            or (redirect.startswith(below) and _is_plain(redirect))
        )

    return allows


def _is_plain(address: str) -> bool:
    """Whether an address is what it appears: no way up, no fragment, no other spelling."""
    path = urlsplit(address).path
    return (
        address.isascii()
        and address.isprintable()
        # Servers of Java drop what follows a semicolon, so `..;` is a way up to them.
        and not set(address) & set(' \\#%"<>^`{|}?;')
        and "//" not in path
        and not {"..", "."} & set(path.split("/"))
    )
