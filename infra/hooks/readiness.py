"""Waits until the deployed app has proved isolation from where it runs, as itself."""

from __future__ import annotations

import json
import threading
from http.client import HTTPException
from typing import Any, Callable, Mapping
from urllib.error import HTTPError
from urllib.request import urlopen

from deployment import Refused, needed

# The two states that come with status 200; degraded is a part that the app does without.
READY = ("healthy", "degraded")
TRIES = 30
PAUSE_SECONDS = 10.0
ANSWER_SECONDS = 60.0


def wait_until_ready(
    environment: Mapping[str, str],
    *,
    pause: Callable[[float], Any] = threading.Event().wait,
) -> None:
    """Repeat the request until the app is ready, after refused connections and time-outs too.

    Raises:
        Refused: The app is not ready after all tries.
    """
    url = needed(environment, "ZAVA_READY_URL")
    seen = ""
    for _ in range(TRIES):
        checks, seen = look(url)
        if checks.get("status") in READY:
            print_address(environment)
            return
        pause(PAUSE_SECONDS)
    raise Refused(
        f"The app is not ready: {url} answered {seen}; "
        "docs/how-to/deploy.md lists causes under `When something is wrong`."
    )


def print_address(environment: Mapping[str, str]) -> None:
    """Print what people give to their client."""
    client_id = environment.get("ZAVA_CLIENT_ID")
    where = needed(environment, "ZAVA_MCP_URL")
    print(
        "MCP clients connect to", where, *(("with the client id", client_id) if client_id else ())
    )


def look(url: str) -> tuple[dict[str, Any], str]:
    """Return the state that the app reports, empty where there is none, and what was seen."""
    try:
        with urlopen(url, timeout=ANSWER_SECONDS) as answer:  # noqa: S310  # an output of ours, https
            body, seen = answer.read(65536), str(answer.status)
    except HTTPError as error:
        body, seen = error.read(65536), str(error.code)
    except (OSError, HTTPException) as error:
        return {}, f"nothing ({error})"
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return {}, f"{seen} and no JSON"
    return found, f"{seen} {body.decode('utf-8', 'replace')}"
