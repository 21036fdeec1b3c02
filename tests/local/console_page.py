"""The console as its own page calls it: signed in, with the headers of its origin."""

from typing import Any

import orjson

from zava.app import Application
from zava.composition.local_site import local_site
from zava.protocol.console.console import SIGN_IN_PATH, Console
from zava.protocol.console.console_calls import EXPORT_PATH
from zava.protocol.http.endpoint import Endpoint
from zava.protocol.http_responses import HttpResponse
from zava.settings import Settings

PORT = 7071
HOST = f"127.0.0.1:{PORT}"
OWN = {
    "host": HOST,
    "origin": f"http://{HOST}",
    "sec-fetch-site": "same-origin",
    "content-type": "application/json",
}


def site_of(application: Application, settings: Settings) -> Console | Endpoint:
    return local_site(
        application.endpoint,
        settings,
        PORT,
        make_calls=application.make_console_calls,
        administrator=application.administrator,
    )


async def sign_in(
    site: Console, person: Any = "redmond", without: str = "", **headers: str
) -> tuple[int, Any]:
    sent = OWN | {name.replace("_", "-"): value for name, value in headers.items()}
    sent.pop(without, None)
    body = orjson.dumps({"person": person})
    answer = await site.handle("POST", SIGN_IN_PATH, sent, body)
    assert answer.headers["cache-control"] == "no-store"
    assert not {"access-control-allow-origin", "set-cookie"} & answer.headers.keys()
    return answer.status, orjson.loads(answer.body)


async def call(
    site: Console, path: str, person: str, content: Any, **headers: str
) -> tuple[int, HttpResponse]:
    _, told = await sign_in(site, person)
    sent = OWN | {"authorization": f"Bearer {told['token']}"} | headers
    answer = await site.handle("POST", path, sent, orjson.dumps(content))
    return answer.status, answer


async def exported(site: Console, person: str, statement: str, form: str) -> tuple[Any, bytes]:
    status, answer = await call(
        site, EXPORT_PATH, person, {"postgresql_query": statement, "format": form}
    )
    assert status == 200, answer.body
    assert answer.parts is not None
    return answer.headers, b"".join([part async for part in answer.parts])
