"""Each threat that SECURITY.md names is held by tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_threat_names_tests_that_exist() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = [
        row
        for row in re.findall(r"^\| (.+?) \| (.+?) \|$", text, re.MULTILINE)
        if row[0] != "threat"
    ]
    assert len(rows) >= 15
    for threat, held_by in rows:
        named = re.findall(r"`(tests/[^`]+)`", held_by)
        assert named, threat
        for path in named:
            assert (ROOT / path).is_file(), f"{threat}: {path}"
