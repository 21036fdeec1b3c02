"""What people look at, in a real browser: the app in the official host, and the console."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.outside.node import NODE, run
from tests.pictures.serving import (
    ARTEFACTS,
    CALLS_PER_MINUTE,
    HERE,
    HOSTILE,
    chromium,
    make_hostile,
    serving,
)
from tests.support.servers.database import Cluster, Database
from tests.support.servers.seeded import TODAY
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.local.token_issuer import LocalIssuer
from zava.retail.demo.principals import demo_callers

pytestmark = pytest.mark.outside

_MAX_SECONDS = 240
# Files of one run share the processor; each run has its own seconds.
_TOGETHER = ("app,console,sign_in", "explorer")
_NAME = re.compile(r'^  async "(.+)"\(context\)', re.MULTILINE)
SCENARIOS = tuple(
    name
    for file in sorted(HERE.glob("*_scenarios.mjs"))
    for name in _NAME.findall(file.read_text(encoding="utf-8"))
)


@pytest.fixture(scope="module")
def address(
    cluster: Cluster, searchable_template: Database, home: StateDirectory, context_keys: list[str]
) -> Iterator[str]:
    with cluster.database("pictures", template=searchable_template) as database:
        make_hostile(database)
        with serving(database, home, context_keys, TODAY) as url:
            yield url


@pytest.fixture(scope="module")
def tokens(address: str, home: StateDirectory) -> dict[str, str]:
    """A bearer token of the server at this address for each demo principal."""
    issuer = LocalIssuer(home, int(address.rpartition(":")[2]))
    return {
        name: issuer.token(tenant_id=caller.tenant_id, object_id=caller.object_id, name=name)
        for name, caller in demo_callers().items()
    }


@pytest.fixture(scope="module")
def outcomes(address: str, tokens: dict[str, str]) -> dict[str, str | None]:
    """What went wrong in each scenario, None where nothing did."""
    told: dict[str, str | None] = {}
    for files in _TOGETHER:
        done = run(
            *(str(NODE), str(HERE / "run.mjs"), chromium(), address, str(ARTEFACTS), "", files),
            given=json.dumps(
                {"tokens": tokens, "hostile": HOSTILE, "callsPerMinute": CALLS_PER_MINUTE}
            ),
            seconds=_MAX_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        told |= json.loads(done.stdout)
    return told


def test_every_scenario_was_run(outcomes: dict[str, str | None]) -> None:
    assert len(SCENARIOS) >= 15
    assert tuple(sorted(outcomes)) == tuple(sorted(SCENARIOS))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(outcomes: dict[str, str | None], scenario: str) -> None:
    assert outcomes[scenario] is None, outcomes[scenario]
