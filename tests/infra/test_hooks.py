"""The hooks of azd: what they run, in which order, and that both shells run the same."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOOKS = ROOT / "infra" / "hooks"
# What azd gives to a hook: its environment, the outputs of main.bicep among it.
GIVEN = {
    "AZURE_TENANT_ID": "the-tenant",
    "AZURE_PRINCIPAL_ID": "the-deployer",
    "AZURE_OPENAI_ENDPOINT": "https://openai.sample",
    "ZAVA_SERVER_OBJECT_ID": "the-identity",
    "ZAVA_READY_URL": "https://func-zava.azurewebsites.net/health/ready",
    "ZAVA_MCP_URL": "https://func-zava.azurewebsites.net/mcp",
}
MIGRATE = "-m zava migrate --server-identity the-identity"
GRANT = (
    "-m zava grant --as deployer --tenant the-tenant --object the-deployer --audience head_office"
)
INSTALL = "-m pip install --quiet --disable-pip-version-check -r requirements-deploy.txt"
EMBED, SEED, VERIFY = (f"-m zava {command}" for command in ("embed", "seed", "verify"))
# Notes its arguments; fails where FAILS says so.
NOTES = """#!/bin/sh
echo "$(basename "$0") $*" >> "$NOTES"
case "$*" in $FAILS) exit 1;; esac
if [ "$1 $2" = "-m venv" ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; fi
if [ "$(basename "$0")" = curl ]; then echo 203.0.113.7; fi
"""


@dataclass(frozen=True)
class Workstation:
    """A checkout whose tools only note that they were called."""

    directory: Path

    def run(self, hook: str, *, fails: str = "nothing", **given: str) -> tuple[int, list[str]]:
        notes = self.directory / "notes"
        notes.write_text("")
        path = f"{self.directory / 'tools'}:{os.defpath}"
        ended = subprocess.run(
            ["/bin/sh", f"infra/hooks/{hook}.sh"],
            cwd=self.directory,
            env=GIVEN | given | {"PATH": path, "NOTES": str(notes), "FAILS": fails},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode in {0, 1}, ended
        return ended.returncode, notes.read_text().splitlines()


@pytest.fixture
def workstation(tmp_path: Path) -> Workstation:
    shutil.copytree(HOOKS, tmp_path / "infra" / "hooks")
    (tmp_path / "tools").mkdir()
    for name in ("python3", "curl", "azd"):
        tool = tmp_path / "tools" / name
        tool.write_text(NOTES)
        tool.chmod(0o755)
    return Workstation(tmp_path)


def of_zava(notes: list[str]) -> list[str]:
    return [note.removeprefix("python ") for note in notes if note.startswith("python -m zava")]


def test_database_is_prepared_in_order(workstation: Workstation) -> None:
    status, notes = workstation.run("postprovision")
    assert status == 0
    assert notes[1:3] == ["python3 -m venv .azure/.venv", f"python {INSTALL}"]
    assert of_zava(notes) == [MIGRATE, GRANT, EMBED, VERIFY]


def test_second_time_makes_no_environment(workstation: Workstation) -> None:
    first = workstation.run("postprovision")[1]
    second = workstation.run("postprovision")[1]
    assert [note for note in first if note not in second] == ["python3 -m venv .azure/.venv"]


def test_demo_data_are_loaded_only_when_asked_and_before_the_grant(
    workstation: Workstation,
) -> None:
    notes = workstation.run("postprovision", ZAVA_SEED="true")[1]
    assert of_zava(notes)[:3] == [MIGRATE, SEED, GRANT]


def test_without_azure_openai_nothing_is_embedded(workstation: Workstation) -> None:
    status, notes = workstation.run("postprovision", AZURE_OPENAI_ENDPOINT="")
    assert status == 0
    assert of_zava(notes) == [MIGRATE, GRANT, VERIFY]


@pytest.mark.parametrize(
    ("fails", "last"),
    [
        ("*pip*", f"python {INSTALL}"),
        ("*migrate*", f"python {MIGRATE}"),
        ("*grant*", f"python {GRANT}"),
    ],
)
def test_step_that_fails_ends_the_hook(workstation: Workstation, fails: str, last: str) -> None:
    status, notes = workstation.run("postprovision", fails=fails)
    assert status == 1
    assert notes[-1] == last


def test_python_that_is_too_old_is_said_before_anything_is_made(workstation: Workstation) -> None:
    status, notes = workstation.run("postprovision", fails="-c*")
    assert status == 1
    assert len(notes) == 1


def test_database_can_be_left_to_somebody_inside_the_network(workstation: Workstation) -> None:
    assert workstation.run("postprovision", ZAVA_PREPARE_DATABASE="false") == (0, [])


def test_address_of_the_deployer_is_found_once(workstation: Workstation) -> None:
    status, notes = workstation.run("preprovision")
    assert status == 0
    assert notes[-1] == "azd env set ZAVA_DEPLOYER_IP 203.0.113.7"
    assert workstation.run("preprovision", ZAVA_DEPLOYER_IP="203.0.113.7") == (0, [])
    assert workstation.run("preprovision", ZAVA_USE_PRIVATE_NETWORK="true") == (0, [])


def test_deployment_that_does_not_get_ready_fails(workstation: Workstation) -> None:
    status, notes = workstation.run("postdeploy")
    assert status == 0
    assert notes[-1].endswith(GIVEN["ZAVA_READY_URL"])
    assert workstation.run("postdeploy", fails="*ready*")[0] == 1


@pytest.mark.parametrize("hook", ["preprovision", "postprovision", "postdeploy"])
def test_other_shell_does_the_same(hook: str) -> None:
    """No PowerShell runs here: what both scripts call, and what they ask, is compared as text."""

    def commands(suffix: str) -> list[str]:
        text = (HOOKS / f"{hook}{suffix}").read_text(encoding="utf-8").replace("$env:", "$")
        called = re.findall(r"^\s*(?:if )?((?:zava|azd) .+)$", text, re.MULTILINE)
        return [
            line.partition(">")[0].partition("*>")[0].replace('"', "").strip(" *;").lower()
            for line in called
        ]

    def settings(suffix: str) -> set[str]:
        text = (HOOKS / f"{hook}{suffix}").read_text(encoding="utf-8")
        return set(re.findall(r"\b(?:AZURE|ZAVA)_[A-Z_]+", text))

    assert commands(".sh") == commands(".ps1")
    assert settings(".sh") == settings(".ps1")


def test_first_lines_say_the_same_in_both_shells() -> None:
    for script in HOOKS.glob("*.sh"):
        comments = [line for line in script.read_text().splitlines() if line.startswith("# ")]
        other = [
            line
            for line in script.with_suffix(".ps1").read_text().splitlines()
            if line.startswith("# ")
        ]
        assert comments == other
