"""Prepares the database as its administrator, and checks the app from outside.

Every step finds what is done and leaves it, so a run that was interrupted is repeated whole.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Mapping

from deployment import ENVIRONMENT, ROOT, needed, step, switch


def prepares(environment: Mapping[str, str]) -> bool:
    """Return whether azd prepares the database: it cannot reach one in a private network."""
    is_private = switch(environment, "ZAVA_USE_PRIVATE_NETWORK", default=False)
    return switch(environment, "ZAVA_PREPARE_DATABASE", default=not is_private)


def prepare(environment: Mapping[str, str]) -> None:
    """Run the project's own commands with the outputs of main.bicep as their settings.

    Raises:
        Refused: A setting is missing, or a step failed; none after it was begun.
    """
    server = needed(environment, "ZAVA_SERVER_OBJECT_ID")
    tenant = needed(environment, "AZURE_TENANT_ID")
    deployer = needed(environment, "AZURE_PRINCIPAL_ID")
    is_application = needed(environment, "AZURE_PRINCIPAL_TYPE") == "ServicePrincipal"
    seeds = switch(environment, "ZAVA_SEED", default=False)

    zava = [_project_python(), "-m", "zava"]
    step(
        "The database was not migrated; after a time-out, its firewall needs ZAVA_DEPLOYER_IP.",
        [*zava, "migrate", "--server-identity", server],
    )
    if seeds:
        step("The demo data were not loaded.", [*zava, "seed"])
    grant = ["grant", "--as", "deployer", "--tenant", tenant, "--object", deployer]
    grant += ["--audience", "head_office"]
    if is_application:
        grant += ["--application"]
    step("The deployer was not granted head office.", [*zava, *grant])
    if environment.get("AZURE_OPENAI_ENDPOINT"):
        step("The catalogue was not embedded.", [*zava, "embed"])
    step("Tenant isolation is not proven: the deployment ends here.", [*zava, "verify"])


def check(environment: Mapping[str, str]) -> None:
    """Look at the deployed app from outside, as its clients reach it.

    Raises:
        Refused: Something that is needed is missing; the table above the sentence names it.
    """
    step(
        "The deployed app did not pass `zava check`; docs/how-to/deploy.md explains its rows.",
        [_project_python(), "-m", "zava", "check", needed(environment, "ZAVA_MCP_URL")],
    )


def _project_python() -> str:
    """Return a Python that has the project's requirements."""
    python = str(ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    if Path(sys.prefix).resolve() != ENVIRONMENT and not _has_pip(python):
        # --clear: what an interrupted run left has no pip, and would never get one.
        step(
            "The Python environment of the hooks was not made.",
            [sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)],
        )
    requirements = str(ROOT / "requirements-deploy.txt")
    quiet = ["install", "--quiet", "--disable-pip-version-check"]
    step(
        "The requirements of the project were not installed.",
        [python, "-m", "pip", *quiet, "-r", requirements],
    )
    return python


def _has_pip(python: str) -> bool:
    try:
        ended = subprocess.run([python, "-m", "pip", "--version"], check=False, capture_output=True)
    except OSError:
        return False
    return ended.returncode == 0
