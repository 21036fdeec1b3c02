"""The page of settings says what the code reads, and nothing of the machine that wrote it."""

import json
from pathlib import Path

import pytest

from tests.support.generators.settings_page import PAGE, page
from zava.settings import Settings

ROOT = Path(__file__).parents[2]
SECRETS = {
    "DATABASE_URL",
    "ZAVA_REPLICA_URL",
    "PGPASSWORD",
    "ZAVA_CONTEXT_KEYS",
    "ZAVA_SIGN_IN_CLIENT_SECRET",
    "ZAVA_TOKEN",
    "REDIS_URL",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
}
# Read by the Functions host, not by Zava.
OF_THE_HOST = {
    *("FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage", "AzureWebJobsDisableHomepage"),
    *("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", "PYTHONDONTWRITEBYTECODE"),
}
NAMES = {str(field.validation_alias) for field in Settings.model_fields.values()}


def test_page_is_what_the_settings_describe() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_every_setting_is_described_and_the_secrets_are_marked() -> None:
    rows = dict(
        line.removeprefix("| ").split(" | ", 1)
        for line in page().splitlines()
        if line.startswith("| `")
    )
    assert {name.split("`")[1] for name in rows} == NAMES
    assert {name.split("`")[1] for name in rows if name.endswith("*secret*")} == SECRETS
    for name, rest in rows.items():
        default, meaning = rest.removesuffix(" |").split(" | ")
        assert default, name
        assert meaning.endswith("."), name


def test_page_holds_nothing_of_the_machine_that_writes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    written = page()
    for name in NAMES:
        monkeypatch.setenv(name, "1")
    assert page() == written
    assert "| `ZAVA_POOL_MAX` | cores + 1 |" in written
    assert str(Path.home()) not in written


def test_sample_of_local_settings_names_settings_that_exist() -> None:
    sample = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))
    assert set(sample["Values"]) - OF_THE_HOST <= NAMES
