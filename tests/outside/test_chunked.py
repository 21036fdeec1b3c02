"""Clients that send every message in chunks, without a length.

The local server serves them. The Functions host drops such a body: the client is shown an error that
names what to send.
"""

import json
import re
import subprocess

import pytest

from tests.functions.hosting import Hosted
from tests.outside.node import in_chunks, run
from tests.outside.test_clients import (
    CALLS,
    LATEST_HANDSHAKE,
    TYPESCRIPT_1,
    TYPESCRIPT_2,
    WRONG_CALLS,
    Client,
)
from zava.protocol.versions import STATELESS
from zava.retail.tools.registry import TOOLS

pytestmark = pytest.mark.outside


# None that pins 2026-07-28: the error of such a one leaves out what the server answered.
PROGRAMS = (
    Client("TypeScript sdk 1", "legacy", LATEST_HANDSHAKE, in_chunks(TYPESCRIPT_1)),
    Client("TypeScript client 2", "legacy", LATEST_HANDSHAKE, in_chunks(TYPESCRIPT_2)),
    Client("TypeScript client 2", "auto", STATELESS, in_chunks(TYPESCRIPT_2)),
)
WRONG = {name: given for name, (given, _) in WRONG_CALLS.items()}


def ran(client: Client, url: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return run(
        *client.command,
        url,
        client.mode,
        json.dumps(CALLS),
        json.dumps(WRONG),
        environment=environment,
    )


def sent_in_chunks(done: "subprocess.CompletedProcess[str]") -> int:
    """Return how many bodies the client has sent."""
    found = re.search(r"^chunked: (\d+)$", done.stderr, re.MULTILINE)
    assert found, done.stderr
    return int(found[1])


@pytest.mark.parametrize("client", PROGRAMS, ids=lambda client: f"{client.name}, {client.mode}")
def test_local_server_serves_a_client_that_sends_chunks(
    local_url: str, tokens: dict[str, str], client: Client
) -> None:
    done = ran(client, local_url, ZAVA_TOKEN=tokens["redmond"])
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["protocol"] == client.protocol
    assert told["called"] == list(TOOLS)
    for name, (_, code) in WRONG_CALLS.items():
        assert told["errors"][name].startswith(f"{code}: "), told["errors"][name]
    assert sent_in_chunks(done) > len(CALLS) + len(WRONG)


@pytest.mark.parametrize("client", PROGRAMS, ids=lambda client: f"{client.name}, {client.mode}")
def test_functions_host_has_such_a_client_show_what_to_send(
    production: Hosted, tokens: dict[str, str], client: Client
) -> None:
    done = ran(client, production.mcp_url, ZAVA_TOKEN=tokens["redmond"])
    assert done.returncode != 0, done.stdout
    assert sent_in_chunks(done) > 0
    assert "Send it whole, with a Content-Length." in done.stderr
