"""The package that azd sends serves on its own, on the Python of the cloud as well."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from pathspec import GitIgnoreSpec

from tests.support.servers.database import Database
from tests.support.suite.patience import patient
from zava.infrastructure.local.state_dir import StateDirectory

ROOT = Path(__file__).parents[2]
CLOUD = "3.13"
SOME_ID = "11111111-2222-4333-8444-555555555555"
FUNCTIONS = [
    "console",
    *("health_live", "health_ready", "mcp", "metadata", "metadata_of_mcp"),
    *("metadata_of_sign_in", "sign_in"),
]
# What Flex Consumption's own limit leaves far behind, and what a slow upload would feel.
# What serves has 614 KiB. The builder alone reads requirements.txt, whose hashes name each system's
# wheels: 54 KiB more.
MAXIMUM_BYTES = 640 * 1024
OF_THE_BUILDER = "requirements.txt"
# The files of the console that a browser loads have a bound of their own, in its tests.
OF_BROWSERS = ("zava/protocol/console/", (".js", ".css", ".svg", ".html", ".json", ".LICENSE"))


def interpreters() -> dict[str, Path]:
    """This Python, and that of the cloud where the machine has one."""
    found = {f"{sys.version_info.major}.{sys.version_info.minor}": Path(sys.executable)}
    for candidate in (
        shutil.which(f"python{CLOUD}"),
        *Path.home().glob(f".pyenv/versions/{CLOUD}.*/bin/python"),
    ):
        if candidate is None:
            continue
        said = subprocess.run(
            [str(candidate), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if said.stdout.strip() == CLOUD:
            found[CLOUD] = Path(candidate)
    return found


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What azd packs: every file but those that .funcignore names."""
    ignored = GitIgnoreSpec.from_lines((ROOT / ".funcignore").read_text().splitlines())
    path = tmp_path_factory.mktemp("archive") / "package.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for directory, below, files in os.walk(ROOT):
            here = Path(directory).relative_to(ROOT)
            below[:] = [name for name in below if not ignored.match_file(f"{here / name}/")]
            for name in files:
                if not ignored.match_file(str(here / name)):
                    packed.write(ROOT / here / name, here / name)
    return path


def test_package_holds_what_serves_and_nothing_else(archive: Path) -> None:
    with zipfile.ZipFile(archive) as packed:
        names = packed.namelist()
    first = {Path(name).parts[0] for name in names}
    assert first == {"LICENSE", "function_app.py", "host.json", "requirements.txt", "sql", "zava"}
    for needed in ("sql/verify/isolation.sql", "zava/app.py", "zava/cold_start.py"):
        assert needed in names
    tracked = subprocess.run(
        ["git", "ls-files"],  # noqa: S607  # git of the PATH
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert {name for name in names if name.endswith((".py", ".sql"))} <= set(tracked)
    folder, kinds = OF_BROWSERS
    with zipfile.ZipFile(archive) as packed:
        of_others = sum(
            each.compress_size
            for each in packed.infolist()
            if each.filename == OF_THE_BUILDER
            or (each.filename.startswith(folder) and each.filename.endswith(kinds))
        )
    assert 0 < of_others < archive.stat().st_size
    size = archive.stat().st_size - of_others
    assert size < MAXIMUM_BYTES
    print(f"package: {len(names)} files, {size / 1024:.0f} KiB, and {of_others / 1024:.0f}")


def test_requirements_resolve_for_the_python_of_the_cloud(tmp_path: Path) -> None:
    resolved = tmp_path / "resolved.txt"
    subprocess.run(
        [
            Path(sys.executable).parent / "uv",
            "pip",
            "compile",
            "--quiet",
            "--no-header",
            "--no-emit-index-url",
            "--python-version",
            CLOUD,
            "--python-platform",
            "x86_64-manylinux2014",
            "--only-binary",
            ":all:",
            "--no-binary",
            "opencensus-ext-azure",
            ROOT / "requirements.txt",
            "-o",
            resolved,
        ],
        check=True,
    )
    lines = [line for line in resolved.read_text().splitlines() if "==" in line]
    assert any(line.startswith("azure-functions-runtime==") for line in lines)
    assert any(line.startswith("azure-functions==2.") for line in lines)


@dataclass(frozen=True)
class Environment:
    """A Python with requirements.txt and nothing else, the package, and what drives it."""

    version: str
    python: Path
    package: Path
    beside: Path
    bytes_installed: int

    def run(self, *command: str | Path, **given: str) -> list[str]:
        """Return what a command prints in the unpacked package, with these settings alone."""
        path = f"{self.package}{os.pathsep}{self.beside}"
        ended = subprocess.run(
            [self.python, *command],
            env=given | {"PATH": os.defpath, "PYTHONPATH": path},
            cwd=self.package,
            capture_output=True,
            text=True,
            check=False,
            timeout=patient(120),
        )
        assert ended.returncode == 0, ended.stderr
        assert "planted" not in ended.stderr
        return ended.stdout.splitlines()


@pytest.fixture(scope="session", params=sorted(interpreters()))
def environment(
    request: pytest.FixtureRequest, archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    """An empty environment with requirements.txt installed, and the package unpacked beside it."""
    home = tmp_path_factory.mktemp("environment")
    python, uv = home / "venv" / "bin" / "python", Path(sys.executable).parent / "uv"
    subprocess.run(
        [uv, "venv", "--quiet", "--python", interpreters()[request.param], home / "venv"],
        check=True,
        capture_output=True,
    )
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(home / "package")
    subprocess.run(
        [
            uv,
            "pip",
            "install",
            "--quiet",
            "--python",
            python,
            "-r",
            home / "package" / "requirements.txt",
        ],
        check=True,
        capture_output=True,
    )
    (home / "beside").mkdir()
    shutil.copy(ROOT / "tests" / "deployment" / "cold_call.py", home / "beside")
    shutil.copy(ROOT / "tests" / "functions" / "worker.py", home / "beside")
    (home / "beside" / "tests" / "functions").mkdir(parents=True)  # what the worker imports
    shutil.copy(
        ROOT / "tests" / "functions" / "host_requests.py", home / "beside" / "tests" / "functions"
    )
    if request.param != CLOUD:
        # The library says 3.13 and runs on 3.11 too; there it comes from beside the environment.
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
                "--ignore-requires-python",
                "--target",
                home / "beside",
                "-r",
                ROOT / "requirements-worker.txt",
            ],
            check=True,
            capture_output=True,
        )
    installed = sum(
        file.stat().st_size for file in (home / "venv" / "lib").rglob("*") if file.is_file()
    )
    yield Environment(request.param, python, home / "package", home / "beside", installed)
    shutil.rmtree(home, ignore_errors=True)


def test_unpacked_package_answers_a_cold_tool_call(
    environment: Environment,
    database: Database,
    home: StateDirectory,
    tokens: dict[str, str],
    context_keys: list[str],
) -> None:
    """With the settings of the sample, as `func start` would give them."""
    sample = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    assert home.text("context-keys", make=lambda: context_keys[0]) == context_keys[0]
    printed = environment.run(
        *("-W", "error::SyntaxWarning", environment.beside / "cold_call.py"),
        *(environment.package, tokens["kirkland"]),
        **sample | {"DATABASE_URL": database.server, "ZAVA_HOME": str(home.path)},
    )
    said = json.loads(printed[-1])
    assert ".".join(map(str, said["python"])) == environment.version
    assert said["zava"] == str(environment.package / "zava"), "not the checkout's"
    assert said["functions"] == FUNCTIONS
    assert said["statuses"] == [200, 200]
    for result in said["rows"]:
        assert result["structuredContent"]["rows"] == [["Zava Retail Kirkland"]]
    timings = ", ".join(f"{what} {seconds:.2f} s" for what, seconds in said["seconds"].items())
    print(
        f"Python {environment.version}: {environment.bytes_installed / 2**20:.0f} MiB installed, {timings}"
    )


def test_settings_of_azure_start_the_package_and_a_missing_database_is_said(
    environment: Environment, context_keys: list[str]
) -> None:
    """As on Azure, Entra and all, with nobody at the other end: ready says so, nothing breaks."""
    script = (
        "import asyncio, sys, pathlib; from worker import Worker\n"
        "async def main():\n"
        "    worker = Worker(); await worker.start(pathlib.Path(sys.argv[1]))\n"
        "    for path in ('/health/live', '/health/ready'):\n"
        "        answer = await worker.invoke('GET', path); print(answer.status, answer.body.decode())\n"
        "    from zava.app import application; await application().close()\n"
        "asyncio.run(main())"
    )
    live, ready = environment.run(
        *("-c", script, environment.package),
        WEBSITE_SKU="FlexConsumption",
        WEBSITE_HOSTNAME="func-zava.azurewebsites.net",
        IDENTITY_ENDPOINT="http://127.0.0.1:1/msi/token",
        IDENTITY_HEADER="planted",
        AZURE_CLIENT_ID=SOME_ID,
        PGHOST="localhost",
        PGUSER="zava_server",
        ZAVA_DATABASE_AUTH="entra",
        ZAVA_CONTEXT_KEYS=",".join(context_keys),
        ZAVA_IDENTITY_ISSUER=f"https://login.microsoftonline.com/{SOME_ID}/v2.0",
        ZAVA_IDENTITY_AUDIENCE="api://zava",
        ZAVA_ALLOWED_TENANTS=SOME_ID,
    )
    assert live == '200 {"status":"alive"}'
    assert ready.startswith('503 {"status":"unhealthy","checks":{"database":"unhealthy"')


def test_requirements_of_the_hooks_are_enough_also_where_nothing_is_posix(tmp_path: Path) -> None:
    """The commands that prepare a deployment run with requirements-deploy.txt, on Windows too."""
    python, uv = tmp_path / "venv" / "bin" / "python", Path(sys.executable).parent / "uv"
    quiet = partial(subprocess.run, check=True, capture_output=True)
    quiet([uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv"])
    requirements = ROOT / "requirements-deploy.txt"
    quiet([uv, "pip", "install", "--quiet", "--python", python, "-r", requirements])
    script = (
        "import sys\n"
        "for posix in ('fcntl', 'pwd', 'grp', 'resource', 'termios'): sys.modules[posix] = None\n"
        "from zava.infrastructure.azure.key_vault import KeyVault\n"
        "from zava.infrastructure.azure.entra_credentials import azure_credential\n"
        "from zava.settings import settings\n"
        "KeyVault('https://kv-zava.vault.azure.net', azure_credential(settings()))\n"
        "sys.argv[0] = 'zava'\n"
        "from zava.cli.commands import main; main()"
    )
    given = {"ZAVA_DATABASE_AUTH": "entra", "PGHOST": "localhost", "PGUSER": "ann@contoso.com"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, "-c", script, *arguments],
            env=given | {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=patient(60),
        )

    assert "--server-identity" in run("migrate", "--help").stdout
    for command in (["verify"], ["keys", "rotate"], ["migrate"], ["seed"]):
        ended = run(*command)
        assert ended.returncode == 1
        said = ended.stderr.strip().splitlines()
        assert said[-1].startswith("zava: Microsoft Entra ID gave no token"), ended.stderr
        assert "azd auth login" in said[-1]
    assert not (tmp_path / ".zava").exists(), "nothing of a laptop is made"
