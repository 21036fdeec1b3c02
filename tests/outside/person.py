"""A person at a browser: opens the page, picks who they are or allows the client, and goes on.

It sends what a browser sends from the page, and runs none of its script; `make
clients-signing-in` has a real browser.

python person.py NAME URL    (`nobody` says that they did not ask for it, `allow` allows)
"""

import re
import sys
from threading import Event
from urllib.parse import urlsplit

import httpx

_MAX_TRIES, _MOMENT_SECONDS = 200, 0.05


class _Tab:
    """Follows redirects, and keeps the page's cookie as a browser does on this machine.

    http.cookiejar would not send a Secure cookie over plain HTTP, which browsers do on loopback.
    """

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._cookies: dict[str, str] = {}

    def open(self, url: str) -> httpx.Response:
        """Return the page that an address leads to."""
        while True:
            answer = self._http.get(url, headers=self._headers(url))
            cookie = answer.headers.get("set-cookie")
            if cookie is not None:
                self._cookies[urlsplit(url).netloc] = cookie.partition(";")[0]
            if not answer.is_redirect:
                return answer.raise_for_status()
            url = str(answer.next_request.url) if answer.next_request else ""

    def post(self, url: str, content: object) -> httpx.Response:
        """Send what a page sends to its own server."""
        parts = urlsplit(url)
        headers = {"origin": f"{parts.scheme}://{parts.netloc}", **self._headers(url)}
        return self._http.post(url, json=content, headers=headers).raise_for_status()

    def _headers(self, url: str) -> dict[str, str]:
        cookie = self._cookies.get(urlsplit(url).netloc)
        return {} if cookie is None else {"cookie": cookie}


def pick(name: str, url: str) -> None:
    """Pick a person on the page of this URL, or allow the client; follow the answer to it."""
    with httpx.Client(timeout=30) as http:
        tab = _Tab(http)
        page = tab.open(url)
        (ticket,) = re.findall(r'data-ticket="([^"]+)"', page.text)
        people = dict(re.findall(r'data-person="([^"]+)" data-name="([^"]+)"', page.text))
        persons = {shown: person for person, shown in people.items()} | {"nobody": None}
        persons["allow"] = re.findall(r'data-person="([^"]+)"', page.text)[0]
        choice = {"ticket": ticket, "person": persons[name]}
        answer = tab.post(str(page.url.join("/oauth/authorize")), choice)
        _go(http, answer.json()["location"])


def _go(http: httpx.Client, location: str) -> None:
    """Follow the answer; a client may begin to listen a moment after it has opened the browser."""
    never = Event()
    for _ in range(_MAX_TRIES):
        try:
            http.get(location)
        except httpx.ConnectError:
            never.wait(_MOMENT_SECONDS)
        else:
            return
    raise TimeoutError(location.partition("?")[0])


if __name__ == "__main__":
    pick(sys.argv[1], sys.argv[2])
