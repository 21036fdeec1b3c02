"""Imports go one way, and a planted violation is found."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def check(directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=directory,
        env={"PYTHONPATH": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.requirement("S01")
@pytest.mark.requirement("S32")
@pytest.mark.parametrize(
    ("module", "planted"),
    [
        ("zava/retail/tools/get_current_utc_date.py", "import psycopg"),
        ("zava/service/analytics.py", "import mcp"),
        ("zava/data/syntax/limits.py", "import zava.protocol.mcp.jsonrpc"),
        ("zava/infrastructure/local/state_dir.py", "import zava.service.analytics"),
        ("zava/service/analytics.py", "import zava.infrastructure.postgres.pool"),
        ("zava/protocol/http/asgi.py", "import azure.identity"),
        ("zava/protocol/mcp/fast_path.py", "import zava.retail.tools.registry"),
        ("zava/data/metrics/reader.py", "import zava.data.sql_query.free_query"),
        ("zava/composition/health.py", "import zava.infrastructure.postgres.pool"),
        ("zava/unplaced.py", "import zava.app"),
    ],
)
@pytest.mark.slow
def test_planted_violation_is_found(tmp_path: Path, module: str, planted: str) -> None:
    shutil.copytree(ROOT / "zava", tmp_path / "zava")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    file = tmp_path / module
    text = file.read_text() if file.exists() else '"""A module that no layer names."""\n'
    file.write_text(f"{text}\n{planted}\n")
    checked = check(tmp_path)
    assert checked.returncode == 1, checked.stdout
    assert "BROKEN" in checked.stdout


def test_layers_hold() -> None:
    checked = check(ROOT)
    assert checked.returncode == 0, checked.stdout + checked.stderr


_LOAD_THE_CORE = """
import importlib, pkgutil
core = ("protocol", "service", "data", "infrastructure", "telemetry", "model")
for package in core:
    package = importlib.import_module(f"zava.{package}")
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
"""


def without_retail(tmp_path: Path) -> Path:
    shutil.copytree(
        ROOT / "zava", tmp_path / "zava", ignore=shutil.ignore_patterns("retail", "__pycache__")
    )
    assert not (tmp_path / "zava" / "retail").exists()
    return tmp_path


def test_core_holds_no_value_of_the_domain() -> None:
    """Schema, time zone and names of stores are handed in (`Domain`)."""
    values = re.compile(r"America/Los_Angeles|['\"]retail['\"]|zava retail |\bretail\.[a-z_]+")
    found = {
        str(path.relative_to(ROOT)): values.findall(path.read_text(encoding="utf-8"))
        for package in ("protocol", "service", "data", "model", "telemetry")
        for path in (ROOT / "zava" / package).rglob("*.py")
    }
    # One hint names a time zone as an example.
    assert {path for path, held in found.items() if held} == {"zava/data/sql_query/corrections.py"}


@pytest.mark.slow
def test_core_loads_where_the_retail_domain_was_deleted(tmp_path: Path) -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", _LOAD_THE_CORE],
        cwd=without_retail(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert loaded.returncode == 0, loaded.stderr


@pytest.mark.long
def test_core_type_checks_where_the_retail_domain_was_deleted(tmp_path: Path) -> None:
    place = without_retail(tmp_path)
    shutil.copy(ROOT / "pyproject.toml", place)
    packages = ("protocol", "service", "data", "infrastructure", "telemetry", "model")
    checked = subprocess.run(
        [Path(sys.executable).parent / "mypy", *(f"zava/{package}" for package in packages)],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
