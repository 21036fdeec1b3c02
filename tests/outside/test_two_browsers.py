"""A sign-in at a deployment in two profiles of a real browser: each ends where it began."""

from collections.abc import Iterator

import pytest

from tests.outside.deployed import Deployed, deployment
from tests.outside.node import NODE, run
from tests.pictures.serving import HERE as PICTURES
from tests.pictures.serving import chromium
from tests.support.servers.database import Database
from zava.infrastructure.local.state_dir import StateDirectory
from zava.model.core import Caller

pytestmark = pytest.mark.outside


@pytest.fixture(scope="module")
def deployed(
    database: Database, home: StateDirectory, context_keys: list[str], callers: dict[str, Caller]
) -> Iterator[Deployed]:
    with deployment(database, home, context_keys, callers["redmond"]) as served:
        yield served


def test_sign_in_ends_in_the_browser_that_began_it(deployed: Deployed) -> None:
    base = deployed.url.removesuffix("/mcp")
    done = run(str(NODE), str(PICTURES / "two_browsers.mjs"), chromium(), base)
    assert done.returncode == 0, done.stdout + done.stderr
