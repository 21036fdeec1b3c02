"""What a cold instance loads for its first call: nothing that the call does not use.

Every package costs a waiting user milliseconds, so each is written down: our own modules, and the
packages of others. The list is edited by hand, so that somebody has looked at what it grows by.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.answers.rpc import MODERN, request
from tests.support.servers import pgbouncer
from tests.support.servers.database import Database
from tests.support.suite.patience import patient
from zava.infrastructure.local.state_dir import StateDirectory

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden" / "first_call_loads.txt"
# Of the test itself, and of the interpreter that runs it.
OF_THE_TEST = {"tests", "coverage", "sitecustomize", "usercustomize", "site"}
# Optional parts of uvicorn and httpx2, which load them where they find them: in no deployment, but
# here once the clients that `make clients` connects with have brought them along.
OF_OUTSIDE_CLIENTS = {"watchfiles", "backports"}


@pytest.fixture(scope="module")
def loaded(
    database: Database, home: StateDirectory, tokens: dict[str, str], context_keys: list[str]
) -> list[str]:
    """The modules of a fresh process after one right answer."""
    params = {
        "name": "execute_sales_query",
        "arguments": {"postgresql_query": "SELECT store_name FROM retail.stores"},
    }
    _, body = request(MODERN, "tools/call", params)
    finished = subprocess.run(
        [sys.executable, "-m", "tests.functions.cold_instance", f"Bearer {tokens['kirkland']}"],
        cwd=ROOT,
        env={
            "PATH": os.defpath,
            "DATABASE_URL": database.server,
            "ZAVA_CONTEXT_KEYS": ",".join(context_keys),
            "ZAVA_HOME": str(home.path),
            **pgbouncer.settings(),
        },
        input=body + b"\n",
        capture_output=True,
        check=True,
        timeout=patient(60),
    )
    answer, modules = finished.stdout.splitlines()
    assert json.loads(answer)["result"]["structuredContent"]["rows"] == [["Zava Retail Kirkland"]]
    listed: list[str] = json.loads(modules)
    return listed


def test_first_call_loads_only_what_is_written_down(loaded: list[str]) -> None:
    own = {name for name in loaded if name.split(".")[0] in {"zava", "function_app"}}
    others = {
        name
        for name in (module.split(".")[0] for module in loaded)
        if not name.startswith("_") and name not in sys.stdlib_module_names
    }
    expected = set(GOLDEN.read_text(encoding="utf-8").split())
    found = own | (others - OF_THE_TEST - OF_OUTSIDE_CLIENTS)
    assert found - expected == set(), f"a cold start loads more than {GOLDEN.name} says"
    assert expected - found == set(), f"a cold start loads less: shorten {GOLDEN.name}"


@pytest.mark.requirement("S87")
@pytest.mark.requirement("S88")
@pytest.mark.parametrize(
    "package", ["openai", "azure.identity", "azure.monitor", "opencensus", "typer", "rich"]
)
def test_client_of_a_service_is_not_loaded_before_it_is_needed(
    loaded: list[str], package: str
) -> None:
    assert not [name for name in loaded if name == package or name.startswith(f"{package}.")]
