"""The hooks of azd: what they run, in which order, and that every failure ends with a sentence.

Each runs as azd runs it: in the environment that azd makes beside it, from its own directory, with
exactly azd's variables. Only `pip`, `zava` and `azd` are played: they note their calls.
"""

import ast
import ensurepip
import os
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.infra.azd import DEPLOYER, OF_AZD, ROOT, outputs, website
from tests.infra.evaluation import TENANT
from tests.support.suite.patience import patient

HOOKS = ROOT / "infra" / "hooks"
MIGRATE = "zava migrate --server-identity identity-principalId"
GRANT = f"zava grant --as deployer --tenant {TENANT} --object {DEPLOYER} --audience head_office"
INSTALL = "pip install --quiet --disable-pip-version-check -r {root}/requirements-deploy.txt"
SEED, EMBED, VERIFY = "zava seed", "zava embed", "zava verify"
MCP_URL = "https://app-hostname/mcp"
CHECK = f"zava check {MCP_URL}"
READY = '{"status": "healthy", "checks": {"database": "healthy", "isolation": "healthy"}}'
UNPREPARED = '{"status": "unhealthy", "checks": {"database": "unhealthy"}}'
UNPROVEN = '{"status": "unhealthy", "checks": {"database": "healthy", "isolation": "unhealthy"}}'
# Notes its arguments, and does what the file `plan` has for one with a word in it.
NOTES = """
import os, signal, sys
root = {root!r}
call = " ".join([{name!r}, *sys.argv[1:]])
with open(root + "/notes", "a") as notes:
    notes.write(call + "\\n")
with open(root + "/plan") as plan:
    word, _, what = plan.read().partition(" ")
if word and word in call:
    if what == "interrupt":
        os.kill(os.getppid(), signal.SIGINT)
        signal.pause()
    sys.exit(int(what))
if call.startswith("azd env get-values"):
    print(open(root + "/values").read())
if call.startswith("azd auth token"):
    print('{{"token": "a-token"}}')
"""


@dataclass(frozen=True)
class Ended:
    status: int
    notes: list[str]
    printed: str
    sentence: str


@dataclass(frozen=True)
class Workstation:
    """A checkout, in a directory with a blank, whose tools only note that they were called."""

    root: Path

    def run(
        self,
        hook: str,
        given: dict[str, str],
        *,
        plan: str = "",
        python: Path | None = None,
    ) -> Ended:
        for name in ("notes", "plan"):
            (self.root / name).write_text(plan if name == "plan" else "")
        script = self.root / "infra" / "hooks" / f"{hook}.py"
        path = {"PATH": f"{self.root / 'tools'}:{os.defpath}", "PYTHONDONTWRITEBYTECODE": "1"}
        ended = subprocess.run(
            [python or script.parent / "hooks_env" / "bin" / "python", script],
            cwd=script.parent,
            env=given | path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=patient(120),
        )
        notes = (self.root / "notes").read_text().splitlines()
        return Ended(ended.returncode, notes, ended.stdout, ended.stderr)

    def play(self, place: Path, name: str, *, start: str = "") -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(start + NOTES.format(root=str(self.root), name=name))
        place.chmod(0o755)


@pytest.fixture(scope="module")
def bare_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What azd makes beside a hook, made once: no start reads where it was made."""
    environment = tmp_path_factory.mktemp("azd") / "hooks_env"
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", environment],
        check=True,
        timeout=patient(120),
    )
    return environment


@pytest.fixture
def workstation(tmp_path: Path, bare_environment: Path) -> Workstation:
    root = tmp_path / "a checkout"
    ignored = shutil.ignore_patterns("*_env", "__pycache__")
    shutil.copytree(HOOKS, root / "infra" / "hooks", ignore=ignored)
    (root / "requirements-deploy.txt").write_text("")
    station = Workstation(root)
    environment = root / "infra" / "hooks" / "hooks_env"
    shutil.copytree(bare_environment, environment, symlinks=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    station.play(packages / "pip" / "__main__.py", "pip")
    station.play(root / "zava" / "__main__.py", "zava")
    # A first line cannot name an interpreter whose path has a blank: the shell starts it, and
    # for Python these lines are a text.
    quoted = shlex.quote(sys.executable)
    start = f"#!/bin/sh\n''':'\nexec {quoted} \"$0\" \"$@\"\n'''\n"
    station.play(root / "tools" / "azd", "azd", start=start)
    return station


def deployed(**settings: str) -> dict[str, str]:
    """Return what azd gives to a hook after a deployment, with these settings made."""
    return OF_AZD | outputs() | settings


def of_zava(ended: Ended) -> list[str]:
    return [note for note in ended.notes if note.startswith("zava")]


def assert_one_sentence(ended: Ended) -> None:
    assert ended.status == 1
    assert ended.sentence.count("\n") == 1, ended.sentence
    assert ended.sentence.endswith(".\n"), ended.sentence


def test_database_is_prepared_in_order(workstation: Workstation) -> None:
    ended = workstation.run("postprovision", deployed())
    assert (ended.status, ended.sentence) == (0, "")
    assert ended.notes == [INSTALL.format(root=workstation.root), MIGRATE, GRANT, EMBED, VERIFY]


def test_second_deployment_does_the_same(workstation: Workstation) -> None:
    first, second = (workstation.run("postprovision", deployed()) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("said", ["true", "True", "TRUE", "t", "1", " true "])
def test_demo_data_are_loaded_where_azd_reads_true(workstation: Workstation, said: str) -> None:
    ended = workstation.run("postprovision", deployed(ZAVA_SEED=said))
    assert of_zava(ended)[:3] == [MIGRATE, SEED, GRANT]


@pytest.mark.parametrize("said", ["", "false", "False", "f", "0"])
def test_demo_data_are_not_loaded_where_azd_reads_false(
    workstation: Workstation, said: str
) -> None:
    ended = workstation.run("postprovision", deployed(ZAVA_SEED=said))
    assert of_zava(ended) == [MIGRATE, GRANT, EMBED, VERIFY]


@pytest.mark.parametrize("name", ["ZAVA_SEED", "ZAVA_PREPARE_DATABASE", "ZAVA_USE_PRIVATE_NETWORK"])
def test_switch_that_is_neither_is_refused_before_anything_runs(
    workstation: Workstation, name: str
) -> None:
    ended = workstation.run("postprovision", deployed(**{name: "yes"}))
    assert_one_sentence(ended)
    assert ended.sentence == f"{name} is 'yes': it takes true or false.\n"
    assert ended.notes == []


def test_without_azure_openai_nothing_is_embedded(workstation: Workstation) -> None:
    given = OF_AZD | outputs(useEmbeddings=False)
    assert of_zava(workstation.run("postprovision", given)) == [MIGRATE, GRANT, VERIFY]


def test_service_principal_is_granted_access_as_an_application(workstation: Workstation) -> None:
    given = OF_AZD | outputs(deployerType="ServicePrincipal")
    assert f"{GRANT} --application" in workstation.run("postprovision", given).notes


@pytest.mark.parametrize("step", ["install", "migrate", "seed", "grant", "embed", "verify"])
@pytest.mark.parametrize("status", [1, 2, 137])
def test_step_that_fails_ends_the_hook_with_one_sentence(
    workstation: Workstation, step: str, status: int
) -> None:
    ended = workstation.run("postprovision", deployed(ZAVA_SEED="true"), plan=f"{step} {status}")
    assert_one_sentence(ended)
    assert f" {step}" in ended.notes[-1]


def test_interrupted_hook_goes_on_at_the_next_run(workstation: Workstation) -> None:
    # What starts the tests in the background ignores interrupts, and its children inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _interrupt_and_go_on(workstation)
    finally:
        signal.signal(signal.SIGINT, before)


def _interrupt_and_go_on(workstation: Workstation) -> None:
    ended = workstation.run("postprovision", deployed(), plan="grant interrupt")
    assert_one_sentence(ended)
    assert of_zava(ended) == [MIGRATE, GRANT]
    assert of_zava(workstation.run("postprovision", deployed())) == [MIGRATE, GRANT, EMBED, VERIFY]


@pytest.mark.parametrize(
    "name",
    ["AZURE_PRINCIPAL_ID", "AZURE_PRINCIPAL_TYPE", "AZURE_TENANT_ID", "ZAVA_SERVER_OBJECT_ID"],
)
def test_missing_output_is_named_before_anything_runs(workstation: Workstation, name: str) -> None:
    ended = workstation.run("postprovision", {**deployed(), name: ""})
    assert_one_sentence(ended)
    assert ended.sentence.startswith(f"{name} is not in the environment of azd")
    assert ended.notes == []


def test_empty_environment_ends_with_a_sentence(workstation: Workstation) -> None:
    for hook in ("postprovision", "postdeploy"):
        assert_one_sentence(workstation.run(hook, {}))
    assert workstation.run("preprovision", {}).status == 0


def test_private_database_is_left_to_its_own_command(workstation: Workstation) -> None:
    given = deployed(ZAVA_USE_PRIVATE_NETWORK="True")
    ended = workstation.run("postprovision", given)
    assert (ended.status, ended.notes) == (0, [])
    assert "python infra/hooks/prepare.py" in ended.printed


def test_app_over_an_unprepared_database_is_an_end_of_its_own(workstation: Workstation) -> None:
    with website((503, UNPREPARED)) as (url, seen):
        given = deployed(ZAVA_PREPARE_DATABASE="false", ZAVA_READY_URL=url)
        ended = workstation.run("postdeploy", given)
    assert (ended.status, len(seen), ended.notes) == (0, 1, [])
    assert "python infra/hooks/prepare.py" in ended.printed
    assert "`zava check` was skipped" in ended.printed


def test_unproven_isolation_ends_a_private_deployment_too(workstation: Workstation) -> None:
    with website((503, UNPROVEN)) as (url, _):
        given = deployed(ZAVA_USE_PRIVATE_NETWORK="true", ZAVA_READY_URL=url)
        assert_one_sentence(workstation.run("postdeploy", given))


def test_command_from_inside_prepares_and_waits(workstation: Workstation) -> None:
    with website((200, READY)) as (url, seen):
        values = deployed(
            ZAVA_USE_PRIVATE_NETWORK="true", ZAVA_PREPARE_DATABASE="false", ZAVA_READY_URL=url
        )
        lines = ", ".join(f'"{name}": "{value}"' for name, value in values.items())
        (workstation.root / "values").write_text(f"{{{lines}}}")
        ended = workstation.run("prepare", {}, python=Path(sys.executable))
    assert (ended.status, ended.sentence) == (0, "")
    assert of_zava(ended) == [MIGRATE, GRANT, EMBED, VERIFY, CHECK]
    assert len(seen) == 1
    assert ended.printed.endswith(
        f"MCP clients connect to {values['ZAVA_MCP_URL']} "
        f"with the client id {values['ZAVA_CLIENT_ID']}\n"
    )


def test_command_from_inside_without_a_deployment_ends_with_a_sentence(
    workstation: Workstation,
) -> None:
    for plan, values in (("get-values 1", ""), ("", "no JSON"), ("", "[]"), ("", "{}")):
        (workstation.root / "values").write_text(values)
        ended = workstation.run("prepare", {}, plan=plan, python=Path(sys.executable))
        assert_one_sentence(ended)
        assert of_zava(ended) == []


def test_environment_that_was_not_finished_is_made_again(workstation: Workstation) -> None:
    environment = workstation.root / "infra" / "hooks" / "hooks_env"
    (pip,) = environment.glob("lib/python*/site-packages/pip")
    # Named as installed, and not there whole: only a new environment gets pip again.
    (pip / "__main__.py").unlink()
    record = pip.parent / f"pip-{ensurepip.version()}.dist-info"
    record.mkdir()
    (record / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: pip\nVersion: {ensurepip.version()}\n"
    )
    with website((200, READY)) as (url, _):
        values = deployed(ZAVA_READY_URL=url)
        lines = ", ".join(f'"{name}": "{value}"' for name, value in values.items())
        (workstation.root / "values").write_text(f"{{{lines}}}")
        ended = workstation.run("prepare", {}, python=Path(sys.executable))
    assert (ended.status, ended.sentence) == (0, "")
    assert (pip / "__main__.py").is_file()


@pytest.mark.parametrize("body", [READY, '{"status": "degraded", "checks": {}}'])
def test_deployment_ends_when_the_app_is_ready(workstation: Workstation, body: str) -> None:
    with website((200, body)) as (url, seen):
        ended = workstation.run("postdeploy", deployed(ZAVA_READY_URL=f"{url}/health/ready"))
    assert (ended.status, seen) == (0, ["/health/ready"])
    assert ended.printed == (
        "MCP clients connect to https://app-hostname/mcp with the client id clients-applicationId\n"
    )
    assert of_zava(ended) == [CHECK]


def test_private_app_that_was_prepared_is_checked(workstation: Workstation) -> None:
    with website((200, READY)) as (url, _):
        given = deployed(ZAVA_USE_PRIVATE_NETWORK="true", ZAVA_READY_URL=url)
        ended = workstation.run("postdeploy", given)
    assert (ended.status, of_zava(ended)) == (0, [CHECK])


@pytest.mark.parametrize("hook", ["postdeploy", "prepare"])
@pytest.mark.parametrize("status", [1, 2, 137])
def test_failing_check_ends_the_deployment_with_one_sentence(
    workstation: Workstation, hook: str, status: int
) -> None:
    with website((200, READY)) as (url, _):
        given = deployed(ZAVA_READY_URL=url)
        lines = ", ".join(f'"{name}": "{value}"' for name, value in given.items())
        (workstation.root / "values").write_text(f"{{{lines}}}")
        ended = workstation.run(hook, given, plan=f"{MCP_URL} {status}")
    assert_one_sentence(ended)
    assert "zava check" in ended.sentence
    assert ended.notes[-1] == CHECK


def test_app_that_is_not_ready_is_not_checked(workstation: Workstation) -> None:
    with website((503, UNPROVEN)) as (url, _):
        given = deployed(ZAVA_PREPARE_DATABASE="false", ZAVA_READY_URL=url)
        ended = workstation.run("postdeploy", given)
    assert_one_sentence(ended)
    assert ended.notes == []


@pytest.mark.parametrize("hook", sorted(HOOKS.glob("*.py")), ids=lambda hook: hook.name)
def test_old_python_reads_the_hooks_as_far_as_the_sentence(hook: Path) -> None:
    ast.parse(hook.read_text(encoding="utf-8"), feature_version=(3, 8))
