"""Clients and their redirects: stateless registration (RFC 7591) and the redirect policy.

Anyone may register, so a client id needs no signature: it is the client's own name and redirects.
It outlives a restart, a new home and a new key, and nothing is stored. What decides is the
redirect policy. It is applied at registration and again at each authorization.
"""

import re
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson

from zava.protocol.sign_in.parts import SignInRefused

NAMELESS = "A client without a name"

# Characters that show nothing, though Unicode has them as letters, marks and symbols: fillers of
# Hangul, joiners, variation selectors, the empty pattern of Braille.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(
    map(chr, [*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)])
)
_MAX_NAME_CHARACTERS = 80
# On one letter, as a script may need; a pile of them would be drawn over the lines beside it.
_MAX_MARKS = 3
_MAX_REDIRECTS = 10
_MAX_REDIRECT_CHARACTERS = 512
_MAX_ID_CHARACTERS = 4096
# The characters of a path or a query (RFC 3986): no space, no backslash, no fragment.
_REST = r"(?:/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*)?(?:\?[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*)?"
# Digits of ASCII: `\d` also matches those of other scripts, which URL parsers read differently.
_LOOPBACK = re.compile(rf"(http://(?:127\.0\.0\.1|localhost|\[::1\]))(?::([0-9]{{1,5}}))?({_REST})")
_MAX_PORT = 65_535
# An extension of an editor: publisher.name. A host without a dot is a command of the editor, such
# as vscode://file or vscode://mcp/install.
_NAME = r"[a-z0-9][a-z0-9\-]*"
_APPLICATION = re.compile(
    rf"(?:cursor|vscode|vscode-insiders|windsurf)://({_NAME}\.{_NAME}){_REST}"
)
# Extensions that act on their address: one clones a repository, one installs servers.
_ACTING = frozenset({"vscode.git", "anysphere.cursor-deeplink"})
# A redirect that holds one of these could replace what the server answers (RFC 6749, RFC 9207).
_ANSWERS = frozenset({"code", "state", "iss", "error", "error_description", "error_uri"})
_PAGES = frozenset({"https://vscode.dev/redirect", "https://insiders.vscode.dev/redirect"})


class Client(NamedTuple):
    """A registered client: what it calls itself, and where it may be answered."""

    name: str
    redirects: tuple[str, ...]

    @property
    def client_id(self) -> str:
        """Return the id, from which `read_client` reads the client again."""
        encoded = urlsafe_b64encode(orjson.dumps([self.name, self.redirects]))
        return encoded.rstrip(b"=").decode()

    def may_use(self, redirect: str) -> bool:
        """Whether a redirect was registered; the port of a loopback one is free (RFC 8252)."""
        return _without_port(redirect) in map(_without_port, self.redirects)


def stays_on_this_machine(redirect: str) -> bool:
    """Whether a redirect leads to a program of this machine, or to VS Code's own page."""
    return redirect in _PAGES or (
        (_is_loopback(redirect) or _is_extension(redirect)) and not _names_answer(redirect)
    )


def register(metadata: Mapping[str, Any], allows_redirect: Callable[[str], bool]) -> Client:
    """Return the client of a registration; redirects that the policy refuses are dropped.

    Raises:
        SignInRefused: the metadata are malformed, or no redirect is left.
    """
    offered = metadata.get("redirect_uris")
    if not isinstance(offered, list) or not 0 < len(offered) <= _MAX_REDIRECTS:
        raise SignInRefused(f"redirect_uris must be a list of 1 to {_MAX_REDIRECTS} addresses.")
    kept = [each for each in offered if _is_allowed(each, allows_redirect)]
    if not kept:
        raise SignInRefused(
            "No redirect is allowed. Use http://127.0.0.1, http://localhost or http://[::1]."
        )
    name = metadata.get("client_name")
    client = Client(_named(name), tuple(dict.fromkeys(kept)))
    if len(client.client_id) > _MAX_ID_CHARACTERS:
        # Such an id would be refused at each authorization, with no way out for the client.
        raise SignInRefused("The redirects are too long together. Register fewer or shorter ones.")
    return client


def read_client(client_id: str) -> Client | None:
    """Return the client of an id; None where the id is not one of ours."""
    if len(client_id) > _MAX_ID_CHARACTERS:
        return None
    try:
        name, redirects = orjson.loads(urlsafe_b64decode(client_id + "=" * (-len(client_id) % 4)))
    except (NotBase64, ValueError, TypeError):
        return None
    if not (isinstance(name, str) and isinstance(redirects, list)):
        return None
    if not all(isinstance(each, str) for each in redirects):
        return None
    client = Client(_named(name), tuple(redirects))
    # One spelling for each client: what is read must be what was written.
    return client if client.client_id == client_id else None


def _is_loopback(redirect: str) -> bool:
    found = _LOOPBACK.fullmatch(redirect)
    return found is not None and int(found[2] or 0) <= _MAX_PORT


def _is_extension(redirect: str) -> bool:
    found = _APPLICATION.fullmatch(redirect)
    return found is not None and found[1] not in _ACTING


def _names_answer(redirect: str) -> bool:
    query = redirect.partition("?")[2]
    # Some clients separate parameters by a semicolon, too.
    pairs = parse_qsl(query.replace(";", "&"), keep_blank_values=True)
    # As other parsers read a name: in any case, and as the first part of a list.
    return not _ANSWERS.isdisjoint(name.partition("[")[0].strip().lower() for name, _ in pairs)


def _is_allowed(redirect: object, allows_redirect: Callable[[str], bool]) -> bool:
    return (
        isinstance(redirect, str)
        and len(redirect) <= _MAX_REDIRECT_CHARACTERS
        and allows_redirect(redirect)
    )


def _without_port(redirect: str) -> str:
    loopback = _LOOPBACK.fullmatch(redirect)
    if loopback is None:
        return redirect
    # An empty path is the root's (RFC 3986, 6.2.3); URL libraries write one for the other.
    rest = loopback[3]
    return loopback[1] + (rest if rest.startswith("/") else f"/{rest}")


def _named(name: object) -> str:
    return (one_line(name) if isinstance(name, str) else "") or NAMELESS


def one_line(name: str) -> str:
    """Return a name as a page shows it: one line, no control, direction or blank characters."""
    printable, marks = [], 0
    for each in name:
        category = unicodedata.category(each)
        marks = marks + 1 if category.startswith("M") else 0
        if each.isspace():
            printable.append(" ")
        elif not (each in _BLANK or category.startswith("C") or marks > _MAX_MARKS):
            printable.append(each)
    return " ".join("".join(printable).split())[:_MAX_NAME_CHARACTERS].strip()
