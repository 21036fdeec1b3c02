"""docs/adr: a record for each choice that the source design leaves open, and each can be found."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
RECORDS = sorted((DOCS / "adr").glob("*.md"))
TRADE_OFFS = {
    "identity carrier": "0001-identity-carrier.md",
    "SQL sandbox": "0002-sql-sandbox.md",
    "hosting": "0005-hosting.md",
    "vector index": "0006-vector-index.md",
    "cache": "0007-result-cache.md",
}


def parts(record: Path) -> dict[str, str]:
    """Return what a record says under each of its bold words."""
    text = record.read_text(encoding="utf-8")
    return dict(re.findall(r"^\*\*(\w+)\.\*\* (.+)$", text, re.MULTILINE))


@pytest.mark.requirement("S126")
@pytest.mark.parametrize("name", TRADE_OFFS.values(), ids=TRADE_OFFS.keys())
def test_trade_off_weighs_choices(name: str) -> None:
    told = parts(DOCS / "adr" / name)
    assert list(told) == ["Problem", "Choices", "Decision", "Consequences"]
    assert all(len(text.split()) >= 10 for text in told.values())
    assert len(told["Choices"].split(". ")) >= 3, "what else was there?"


@pytest.mark.requirement("S126")
@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_record_is_numbered_complete_and_linked(record: Path) -> None:
    number = int(record.name[:4])
    assert record.read_text(encoding="utf-8").startswith(f"# {number}. ")
    assert parts(record).keys() >= {"Problem", "Decision", "Consequences"}
    architecture = (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8")
    assert f"(../adr/{record.name})" in architecture


@pytest.mark.requirement("S126")
def test_records_are_numbered_without_gaps() -> None:
    assert [int(record.name[:4]) for record in RECORDS] == [*range(1, len(RECORDS) + 1)]
