"""The pages of a sign-in, under the console's headers and with its look.

Every text of a client is escaped. The page has no form: the console's policy forbids forms, and
with `no-referrer` a browser sends no `Origin` with one.
"""

from collections.abc import Callable, Sequence
from functools import cache
from html import escape
from itertools import groupby
from pathlib import Path
from string import Template
from typing import NamedTuple
from urllib.parse import urlsplit

from zava.protocol.apps import sales_chart
from zava.protocol.console.console import PAGE_HEADERS
from zava.protocol.http_responses import HttpResponse
from zava.protocol.sign_in.parts import AuthorizationRequest, Person

_HERE = Path(__file__).parent
_CONSOLE = _HERE.parent / "console"
_MAX_NAMED_STORES = 4
_CHOICE = Template("""\
  <p class="lead"><b><bdi>$client</bdi></b> asks to read Zava's data as you. \
Choose only if you have just asked for this.</p>
  <p class="muted">The answer goes to <b id="goes-to">$place</b>. \
The client's name is its own claim.</p>
$people
  <p><button class="quiet" type="button">I did not ask for this</button></p>
  <p id="fault" class="fault" role="alert"></p>
  <p id="done" role="status" hidden>Done. Go back to your client; you can close this page.</p>
  <noscript><p>Signing in needs JavaScript.</p></noscript>""")
_CONSENT = Template("""\
  <p class="lead"><b><bdi>$client</bdi></b> asks to read Zava's data as \
<b id="person"><bdi>$person</bdi></b>. Allow it only if you have just asked for this.</p>
  <p class="muted">The client's name is its own claim. The answer goes to</p>
  <h2 id="goes-to">$place</h2>
  <div class="people"><button class="person" type="button" data-person="$id"><b>Allow</b></button>
  <button class="person" type="button"><b>Deny</b></button></div>
  <p id="fault" class="fault" role="alert"></p>
  <p id="done" role="status" hidden>Done. Go back to your client; you can close this page.</p>
  <noscript><p>Signing in needs JavaScript.</p></noscript>""")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Choice(NamedTuple):
    """A person that the page offers, with the audience and the stores."""

    person: Person
    audience: str
    stores: tuple[str, ...]


def choice_page(
    authorization: AuthorizationRequest, ticket: str, choices: Sequence[Choice]
) -> HttpResponse:
    """Return the page on which a person picks who they are."""
    content = _CHOICE.substitute(
        client=escape(authorization.client_name),
        place=_place(authorization.redirect_uri),
        people="\n".join(_groups(choices)),
    )
    return _page(200, "Sign in to Zava", "Who are you?", content, f' data-ticket="{ticket}"')


def consent_page(authorization: AuthorizationRequest, ticket: str, person: Person) -> HttpResponse:
    """Return the page on which a proven person allows or denies a client."""
    content = _CONSENT.substitute(
        client=escape(authorization.client_name),
        person=escape(person.name or "you"),
        place=_place(authorization.redirect_uri),
        id=escape(person.object_id),
    )
    return _page(200, "Sign in to Zava", "Allow this client?", content, f' data-ticket="{ticket}"')


def refusal_page(status: int, reason: str) -> HttpResponse:
    """Return a page that states why a sign-in cannot go on; it leads nowhere."""
    content = (
        f'  <p class="lead">{escape(reason)}</p>\n'
        '  <p class="muted">Close this page. To try again, connect again in your client.</p>'
    )
    return _page(status, "Sign in to Zava", "This sign-in cannot go on", content)


def _page(status: int, title: str, heading: str, content: str, ticket: str = "") -> HttpResponse:
    page = Template((_HERE / "page.html").read_text(encoding="utf-8"))
    text = page.substitute(title=title, heading=heading, content=content, ticket=ticket)
    return _file("text/html; charset=utf-8", text.encode(), status)


def _groups(choices: Sequence[Choice]) -> list[str]:
    lines = []
    for audience, members in groupby(choices, key=lambda choice: choice.audience):
        people = "".join(map(_button, members))
        lines.append(f'  <h2>{escape(_words(audience))}</h2>\n  <div class="people">{people}</div>')
    return lines


def _button(choice: Choice) -> str:
    stores = (
        f"{len(choice.stores)} stores"
        if len(choice.stores) > _MAX_NAMED_STORES
        else ", ".join(choice.stores)
    )
    person = choice.person
    return (
        f'<button class="person" type="button" data-person="{escape(person.object_id)}"'
        f' data-name="{escape(person.name)}"><b>{escape(_words(person.name))}</b>'
        f'<span class="muted">{escape(stores)}</span></button>'
    )


def _words(name: str) -> str:
    words = name.replace("_", " ").replace("-", " ")
    return words[:1].upper() + words[1:]


def _place(redirect: str) -> str:
    parts = urlsplit(redirect)
    if parts.hostname in _LOOPBACK and parts.scheme == "http":
        return f"a program on this computer ({escape(parts.netloc)})"
    if parts.scheme == "https":
        return escape(parts.netloc)
    # Each extension of an editor is a program of its own.
    return f"the extension {escape(parts.netloc)} of {escape(parts.scheme)} on this computer"


def _file(content_type: str, content: bytes, status: int = 200) -> HttpResponse:
    return HttpResponse(status, PAGE_HEADERS | {"content-type": content_type}, content)


@cache
def _style() -> HttpResponse:
    console = (_CONSOLE / "console.css").read_text(encoding="utf-8")
    return _file("text/css; charset=utf-8", (sales_chart.source("chart.css") + console).encode())


@cache
def _script() -> HttpResponse:
    return _file("text/javascript; charset=utf-8", (_HERE / "page.js").read_bytes())


@cache
def _icon() -> HttpResponse:
    return _file("image/svg+xml", (_CONSOLE / "icon.svg").read_bytes())


FILES: dict[str, Callable[[], HttpResponse]] = {
    "/oauth/page.css": _style,
    "/oauth/page.js": _script,
    "/oauth/icon.svg": _icon,
}
"""What the pages load, by path; read at the first request for it."""
