"""Each row of the source design has its proof: a test, or a line that says otherwise."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = {f"S{number:02}" for number in range(1, 129)}


def marked_ids(tree: ast.AST) -> Iterator[str]:
    """Yield the id of each marker on a test; a marker that no run would see is an error."""
    calls: dict[ast.expr, ast.Call] = {
        node.func: node for node in ast.walk(tree) if isinstance(node, ast.Call)
    }
    on_tests = {
        decorator
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        for decorator in node.decorator_list
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and node.attr == "requirement"  # most are something else, and few are written out
            and ast.unparse(node) == "pytest.mark.requirement"
        ):
            call = calls.get(node)
            assert call in on_tests, f"line {node.lineno}: not the decorator of a test"
            (argument,) = call.args
            assert isinstance(argument, ast.Constant)
            yield str(argument.value)


@cache
def proven_by_tests() -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for file in sorted((ROOT / "tests").rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        if ".requirement" in text:  # no other file has a marker
            for row in marked_ids(ast.parse(text)):
                found.setdefault(row, []).append(file)
    return found


def met_another_way() -> dict[str, str]:
    """Return the reason that docs/explanation/architecture.md gives for each row, by id."""
    text = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
    return {
        row: reason
        for ids, reason in re.findall(r"^- \*\*(S\d+(?:, S\d+)*)\*\* *(.*)$", text, re.MULTILINE)
        for row in ids.split(", ")
    }


def test_every_row_has_a_test_or_a_reason() -> None:
    missing = ROWS - proven_by_tests().keys() - met_another_way().keys()
    assert not missing, f"no test is marked and no reason is given: {', '.join(sorted(missing))}"


def test_markers_and_reasons_name_rows_that_exist() -> None:
    unknown = {row: files for row, files in proven_by_tests().items() if row not in ROWS}
    assert not unknown
    assert met_another_way().keys() <= ROWS


def test_reason_is_given_where_a_row_is_met_another_way() -> None:
    reasons = met_another_way()
    assert reasons
    assert all(len(reason.split()) >= 5 for reason in reasons.values())


def test_marker_that_no_run_would_see_is_found() -> None:
    seen = '@pytest.mark.requirement("S24")\ndef test_it(): pass'
    assert list(marked_ids(ast.parse(seen))) == ["S24"]
    for unseen in (
        seen.replace("test_it", "helper"),
        'marker = pytest.mark.requirement("S24")',
        "marker = pytest.mark.requirement",
    ):
        with pytest.raises(AssertionError, match="not the decorator of a test"):
            list(marked_ids(ast.parse(unseen)))
