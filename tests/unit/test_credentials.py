"""One credential a process, of the kind that fits the machine, and nothing imported before it."""

import subprocess
import sys

import pytest
from azure.identity import ChainedTokenCredential, ManagedIdentityCredential

from zava.infrastructure.azure import entra_credentials
from zava.infrastructure.azure.entra_credentials import azure_credential, database_tokens
from zava.settings import Settings

ON_AZURE = {
    "WEBSITE_SKU": "FlexConsumption",
    "AZURE_CLIENT_ID": "11111111-2222-4333-8444-555555555555",
}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    # The credential lives as long as the process; each test begins with another one.
    entra_credentials._credential.cache_clear()


def test_azure_has_the_managed_identity_that_the_setting_names() -> None:
    found = azure_credential(Settings.model_validate(ON_AZURE))
    assert isinstance(found, ManagedIdentityCredential)
    other = azure_credential(Settings.model_validate(ON_AZURE | {"AZURE_CLIENT_ID": "other"}))
    assert other is not found


def test_workstation_has_whoever_is_signed_in() -> None:
    assert isinstance(azure_credential(Settings.model_validate({})), ChainedTokenCredential)


@pytest.mark.parametrize("given", [{}, ON_AZURE])
def test_credential_is_shared(given: dict[str, str]) -> None:
    settings = Settings.model_validate(given)
    assert azure_credential(settings) is azure_credential(Settings.model_validate(given))


def test_password_asks_nobody_for_tokens() -> None:
    assert database_tokens(Settings.model_validate({})) is None
    assert database_tokens(Settings.model_validate({"ZAVA_DATABASE_AUTH": "entra"})) is not None


def test_app_imports_nothing_of_azure_before_it_is_needed() -> None:
    script = (
        "import sys, zava.app, zava.infrastructure.azure.entra_credentials\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('azure', 'openai', 'certifi', 'mcp')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )
    assert done.stdout.strip() == "[]"
