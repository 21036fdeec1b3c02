"""The container and the workflows, without an engine: read by linters, and the commands run here.

The commands of the Dockerfile run in an empty directory, and what they install serves three
callers. A linter and the published schemas read the files.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.deployment.test_wheel import START_SECONDS, done, serves_three_callers
from tests.outside.node import OUTSIDE, node
from tests.support.products.laptop import Laptop, free_port
from tests.support.servers.homes import open_directory
from tests.support.suite.patience import patient

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROGRAMS = Path(sys.executable).parent
_LINT = """
const { validate } = require("dockerfile-utils");
const text = require("fs").readFileSync(process.argv[1], "utf8");
console.log(JSON.stringify(validate(text).map((found) => found.message)));
"""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of the Dockerfile, its lines joined."""

    name: str
    value: str


def instructions() -> list[Instruction]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [
        Instruction(name, value.strip()) for name, _, value in (x.partition(" ") for x in lines)
    ]


def of_last_stage(name: str) -> list[str]:
    every = instructions()
    last = max(index for index, each in enumerate(every) if each.name == "FROM")
    return [each.value for each in every[last:] if each.name == name]


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with open_directory() as directory:
        yield directory


@pytest.fixture(scope="module")
def built(place: Path) -> Path:
    """The environment that the commands of the first stage make, from what they may copy alone."""
    source, made = place / "source", place / "opt"
    every = instructions()
    first = every[: [each.name for each in every].index("FROM", 1)]
    for each in first:
        if each.name == "COPY":
            *names, target = each.value.split()
            for name in names:
                copied = source / (target if (ROOT / name).is_dir() else name)
                copied.parent.mkdir(parents=True, exist_ok=True)
                (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, copied)
    for each in first:
        if each.name == "RUN":
            command = each.value.replace("/opt/zava", str(made))
            done("sh", "-c", command, directory=source)
    return made


@pytest.mark.timeout(START_SECONDS)
def test_commands_of_the_image_make_a_server_that_answers(place: Path, built: Path) -> None:
    laptop = Laptop(place / "data", free_port())
    (command,) = (json.loads(value) for value in of_last_stage("CMD"))
    laptop.program, laptop.directory = (str(built / "bin" / command[0]),), place
    health = json.loads(of_last_stage("HEALTHCHECK")[0].partition("CMD ")[2])

    def is_healthy() -> bool:
        probe = subprocess.run(
            [str(built / "bin" / health[0]), *health[1:]],
            env={"PORT": str(laptop.port)},
            check=False,
            capture_output=True,
            timeout=patient(30),
        )
        return probe.returncode == 0

    assert not is_healthy()

    def while_it_runs() -> None:
        assert is_healthy()
        called = laptop.shell("call", "query_metrics", "--as", "seattle", "metrics=revenue")
        assert called.returncode == 0, called.stderr
        assert "Zava Retail Seattle" in called.stdout

    serves_three_callers(laptop, while_it_runs)


def test_image_serves_as_a_user_without_rights_and_keeps_its_home_in_a_volume() -> None:
    (user,) = of_last_stage("USER")
    assert user == "zava"
    assert f"--uid 10001 {user}" in of_last_stage("RUN")[0]
    environment = dict(
        pair.split("=", 1) for value in of_last_stage("ENV") for pair in value.split()
    )
    assert of_last_stage("VOLUME") == [environment["ZAVA_HOME"]]
    assert environment["HOST"] == "0.0.0.0"  # noqa: S104  # inside the container
    assert of_last_stage("EXPOSE") == [environment["PORT"]]
    assert not {"ZAVA_PUBLISHED_ON_LOOPBACK", "DATABASE_URL"} & environment.keys()


def test_image_takes_only_what_it_copies() -> None:
    admitted = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {
        name
        for each in instructions()
        if each.name == "COPY" and "--from" not in each.value
        for name in each.value.split()[:-1]
    }
    assert admitted == copied


def test_linter_finds_nothing_in_the_dockerfile(tmp_path: Path) -> None:
    broken = tmp_path / "Dockerfile"
    broken.write_text("FROM python:3.13-slim\nRUNS true\n", encoding="utf-8")
    for path, found in ((ROOT / "Dockerfile", 0), (broken, 1)):
        linted = node("-e", _LINT, str(path), NODE_PATH=str(OUTSIDE / "node_modules"))
        assert linted.returncode == 0, linted.stderr
        assert len(json.loads(linted.stdout)) == found, linted.stdout


def test_compose_publishes_on_this_machine_alone() -> None:
    done(
        *(str(PROGRAMS / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec"),
        str(ROOT / "compose.yaml"),
        directory=ROOT,
    )
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    published = [port for each in services.values() for port in each.get("ports", ())]
    assert len(published) == 2
    assert all(port.startswith("127.0.0.1:") for port in published)
    zava = services["zava"]
    assert zava["network_mode"] == "service:postgresql"
    assert zava["environment"]["ZAVA_PUBLISHED_ON_LOOPBACK"] == "true"


def test_workflows_are_valid_and_have_no_known_weakness() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "publish.yml"]
    names = [str(path) for path in WORKFLOWS]
    done(
        *(str(PROGRAMS / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows"),
        *names,
        directory=ROOT,
    )
    done(str(PROGRAMS / "zizmor"), "--offline", "--quiet", *names, directory=ROOT)


def test_workflow_runs_what_the_project_runs_on_each_python_it_supports() -> None:
    checked = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    check = checked["jobs"]["check"]
    assert "make check" in [step.get("run") for step in check["steps"]]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pythons = check["strategy"]["matrix"]["python"]
    assert f"Python {pythons[0]} to {pythons[-1]}" in readme


def test_development_container_installs_by_the_makefile() -> None:
    described = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
    target = described["postCreateCommand"].removeprefix("make ")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"\n{target.replace('.venv', '$(VENV)')}:" in makefile
