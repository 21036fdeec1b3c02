"""A person at a browser: opens the page, picks who they are, and goes where the page sends them.

It sends what a browser sends from the page, and runs none of its script; `make
clients-signing-in` has a real browser.

python person.py NAME URL    (`nobody` says that they did not ask for it)
"""

import re
import sys
from threading import Event
from urllib.parse import urlsplit

import httpx

_MOST_TRIES, _MOMENT_SECONDS = 200, 0.05


def pick(name: str, url: str) -> None:
    """Pick a person on the page of this URL; follow the answer to the client."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    with httpx.Client(timeout=30) as http:
        text = http.get(url).raise_for_status().text
        (ticket,) = re.findall(r'data-ticket="([^"]+)"', text)
        people = dict(re.findall(r'data-person="([^"]+)" data-name="([^"]+)"', text))
        persons = {shown: person for person, shown in people.items()} | {"nobody": None}
        choice = {"ticket": ticket, "person": persons[name]}
        answer = http.post(f"{origin}{parts.path}", json=choice, headers={"origin": origin})
        _go(http, answer.raise_for_status().json()["location"])


def _go(http: httpx.Client, location: str) -> None:
    """Follow the answer; a client may begin to listen a moment after it has opened the browser."""
    never = Event()
    for _ in range(_MOST_TRIES):
        try:
            http.get(location)
        except httpx.ConnectError:
            never.wait(_MOMENT_SECONDS)
        else:
            return
    raise TimeoutError(location.partition("?")[0])


if __name__ == "__main__":
    pick(sys.argv[1], sys.argv[2])
