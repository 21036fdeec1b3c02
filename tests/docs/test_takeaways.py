"""docs/explanation/takeaways.md: each lesson of the source design by a module and a test that exist."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TAKEAWAYS = [
    "Layered architecture",
    "Database patterns",
    "Connection management",
    "Error handling",
    "Performance optimization",
    "Production readiness",
]
_, *SECTIONS = (
    (ROOT / "docs" / "explanation" / "takeaways.md").read_text(encoding="utf-8").split("\n## ")
)


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.requirement("S125")
def test_every_takeaway_has_its_section() -> None:
    assert [section.partition("\n")[0] for section in SECTIONS] == TAKEAWAYS


@pytest.mark.requirement("S125")
@pytest.mark.parametrize("section", SECTIONS, ids=TAKEAWAYS)
def test_every_module_and_test_of_a_takeaway_exists(section: str) -> None:
    _head, _line, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("|")
    ]
    assert len(rows) >= 3
    for _shown_by, module, test in rows:
        assert (ROOT / module.strip("`")).is_file(), module
        path, _, name = test.strip("`").partition("::")
        assert path.startswith("tests/"), test
        assert name.startswith("test_"), test
        assert name in functions_of(ROOT / path), test
