"""Imports go one way, and a planted violation is found."""

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
    ],
)
def test_planted_violation_is_found(tmp_path: Path, module: str, planted: str) -> None:
    shutil.copytree(ROOT / "zava", tmp_path / "zava")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    file = tmp_path / module
    file.write_text(f"{file.read_text()}\n{planted}\n")
    checked = check(tmp_path)
    assert checked.returncode == 1, checked.stdout
    assert "BROKEN" in checked.stdout


def test_layers_hold() -> None:
    checked = check(ROOT)
    assert checked.returncode == 0, checked.stdout + checked.stderr
