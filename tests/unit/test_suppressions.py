"""Each suppression of a check has its reason beside it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = r"[A-Z]+\d+"
SUPPRESSION = rf"#\s*(?:noqa: {CODE}(?:, ?{CODE})*|type: ignore\[[\w\-, ]+\])"
BARE = re.compile(rf"(?:{SUPPRESSION}\s*)+$", re.MULTILINE)


def without_reason(text: str) -> list[str]:
    """Return the suppressions that end their line."""
    return BARE.findall(text)


def test_each_suppression_has_a_reason() -> None:
    files = [ROOT / "function_app.py"]
    for folder in ("zava", "tests", "bench", "scripts", "infra"):
        files += (ROOT / folder).rglob("*.py")
    assert len(files) > 500, "the files were found"
    bare = {
        str(file.relative_to(ROOT)): without_reason(file.read_text(encoding="utf-8"))
        for file in files
        if file != Path(__file__)
    }
    assert {file: found for file, found in bare.items() if found} == {}


@pytest.mark.parametrize("also", ["", ", S607", "  # type: ignore[arg-type]"])
def test_a_suppression_without_a_reason_is_found(also: str) -> None:
    bare = f"x = 1  # noqa: S104{also}"
    assert without_reason(bare)
    assert not without_reason(f"{bare}  # the setting under test")
