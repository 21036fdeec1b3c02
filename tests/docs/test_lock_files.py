"""What is installed is what was locked: each line of the lock files carries its hashes."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = (
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-local.txt",
    "requirements-worker.txt",
)


def unhashed(text: str) -> list[str]:
    """Return the requirements that any file of that version would satisfy."""
    whole = text.replace("\\\n", " ")
    lines = [
        line for line in whole.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    return [
        line
        for line in lines
        if not re.fullmatch(r"\S+==\S+( ;.*?)?( +--hash=sha256:[0-9a-f]{64})+ *", line)
    ]


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_requirement_is_pinned_and_hashed(name: str) -> None:
    assert unhashed((ROOT / name).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", LOCKS)
def test_lock_names_no_registry_and_no_path(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index-url|--find-links| @ ", text)


def test_unhashed_requirement_is_found() -> None:
    assert unhashed("orjson==3.13.0\n") == ["orjson==3.13.0"]
    assert unhashed("orjson>=3 \\\n    --hash=sha256:" + "0" * 64) != []
    assert unhashed("orjson==3.13.0 \\\n    --hash=sha256:" + "0" * 64 + "\n    # via x\n") == []
