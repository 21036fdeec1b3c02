"""Clients that nobody here wrote sign in at a deployment: the URL alone, a directory, consent.

The directory has the rules of Microsoft Entra ID that are known here, and demands the token of the
app's managed identity. With ZAVA_TEST_BROWSER=chromium the person sits at a real browser.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.outside.browser import Browser
from tests.outside.deployed import Deployed, deployment
from tests.outside.node import run
from tests.outside.test_clients_signing_in import COUNT, PROGRAMS, Client, inspected
from tests.outside.test_large_clients import CLAUDE, CODEX, STORES, Large, called, found, started
from tests.support.servers.database import Database
from zava.infrastructure.local.state_dir import StateDirectory
from zava.model.core import Caller
from zava.protocol.versions import STATELESS
from zava.retail.tools.registry import TOOLS

pytestmark = pytest.mark.outside


@pytest.fixture(scope="module")
def deployed(
    database: Database, home: StateDirectory, context_keys: list[str], callers: dict[str, Caller]
) -> Iterator[Deployed]:
    with deployment(database, home, context_keys, callers["redmond"]) as served:
        yield served


@pytest.fixture(scope="module")
def orders(database: Database) -> int:
    """How many orders the directory's person may count."""
    with psycopg.connect(database.owner) as owner:
        row = owner.execute(
            "SELECT count(*) FROM retail.orders JOIN retail.stores USING (store_id)"
            " WHERE store_name = 'Zava Retail Redmond'"
        ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("client", PROGRAMS, ids=lambda client: f"{client.name}, {client.mode}")
def test_client_signs_in_by_the_url_alone(
    deployed: Deployed, orders: int, tmp_path: Path, client: Client
) -> None:
    browser = Browser(tmp_path / "home", "allow")
    told = client.told(deployed.url, browser)
    assert told["protocol"] == client.protocol
    assert told["tools"] == list(TOOLS)
    assert f"\n{orders}\n" in told["texts"]["execute_sales_query"]
    assert told["errors"]["query_metrics"].startswith("VALIDATION_ERROR: ")
    assert browser.times_opened == 1
    assert deployed.directory.refusals == []
    print(f"\n{client.name:<21}{client.mode:<9}{told['protocol']}  signed in; 1 success, 1 error")


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_inspector_signs_in_by_the_url_alone(
    deployed: Deployed, orders: int, tmp_path: Path, era: str
) -> None:
    browser = Browser(tmp_path / "home", "allow")
    answer = inspected(deployed.url, browser, era, "execute_sales_query", COUNT)
    assert answer["structuredContent"]["rows"] == [[orders]]
    assert browser.times_opened == 1
    print(
        f"\n{'Inspector':<21}{era:<9}{STATELESS if era == 'modern' else ''}  signed in; 1 success"
    )


@pytest.mark.parametrize("client", [CLAUDE, CODEX], ids=lambda client: f"large {client.name}")
def test_large_client_signs_in_by_the_url_alone(
    deployed: Deployed, tmp_path: Path, client: Large
) -> None:
    browser = Browser(tmp_path / "home", "allow")
    said = [started(command.format(url=deployed.url), browser) for command in client.commands]
    assert client.connected in started(client.check, browser), said
    assert browser.times_opened == 1
    token = found(json.loads((tmp_path / "home" / client.kept).read_text()), client.at)
    answer = called(deployed.url, token, "execute_sales_query", STORES)
    assert answer["structuredContent"]["rows"] == [["Zava Retail Redmond"]]
    refused = called(deployed.url, token, "query_metrics", {"metrics": ["footfall"]})
    assert refused["content"][0]["text"].startswith("VALIDATION_ERROR: ")
    print(f"\n{client.name:<21}signed in, connected; 1 success, 1 error")


def test_person_who_denies_ends_the_client(deployed: Deployed, tmp_path: Path) -> None:
    browser = Browser(tmp_path / "home", "nobody")
    done = run(
        *PROGRAMS[0].command,
        *(deployed.url, PROGRAMS[0].mode, "{}", "{}"),
        environment=browser.environment,
    )
    assert done.returncode != 0
    assert "No authorization code received" in done.stderr
