"""Where a test reaches a private name of another module, a comment gives the reason."""

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("tests", "bench", "scripts")
OWN = {"self", "cls", "super"}
# The public methods of a named tuple begin with an underscore, lest they are fields.
OF_A_NAMED_TUPLE = {"_asdict", "_fields", "_field_defaults", "_make", "_replace"}
BY_TEXT = {"setattr", "getattr", "delattr"}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in OF_A_NAMED_TUPLE


def reached(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and name of each private attribute, import and name in a text of `setattr`."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=owner) | ast.Call(func=ast.Name(id=owner))) if (
                owner in OWN
            ):
                continue
            case ast.Attribute(attr=name) if is_private(name):
                yield node.lineno, name
            case ast.ImportFrom(names=imported):
                yield from ((node.lineno, each.name) for each in imported if is_private(each.name))
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=arguments):
                if called in BY_TEXT:
                    yield from _named_in(arguments[:2])


def _named_in(arguments: list[ast.expr]) -> Iterator[tuple[int, str]]:
    for argument in arguments:
        match argument:
            case ast.Constant(value=str(path)) if is_private(name := path.rpartition(".")[2]):
                yield argument.lineno, name


def _lines(tree: ast.Module) -> dict[int, range]:
    """Return for each line the lines of its innermost statement, with the line above it.

    Of a statement with a body it is the head alone.
    """
    lines: dict[int, range] = {}
    for node in ast.walk(tree):  # outer ones first
        if isinstance(node, ast.stmt):
            parts = [part for part in ast.iter_child_nodes(node) if not isinstance(part, ast.stmt)]
            ends = [getattr(each, "end_lineno", 0) for part in parts for each in ast.walk(part)]
            head = range(node.lineno, max(node.lineno, *ends, 0) + 1)
            lines |= dict.fromkeys(head, range(node.lineno - 1, head.stop))
    return lines


def without_reason(text: str) -> list[str]:
    """Return the private names that a file reaches and whose first use has no comment beside it."""
    tree = ast.parse(text)
    first: dict[str, int] = {}
    for line, name in sorted(reached(tree)):
        first.setdefault(name, line)
    if not first:  # as in most files: no need to read their comments
        return []
    comments = {
        token.start[0]
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT and not token.string.startswith(("# noqa", "# type:"))
    }
    lines = _lines(tree)
    return [f"{line} {name}" for name, line in first.items() if comments.isdisjoint(lines[line])]


@pytest.mark.slow
def test_each_reach_into_another_module_has_a_reason() -> None:
    files = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")]
    assert len(files) > 300, "the files were found"
    bare = {
        str(file.relative_to(ROOT)): without_reason(file.read_text(encoding="utf-8"))
        for file in files
    }
    assert {file: found for file, found in bare.items() if found} == {}


@pytest.mark.parametrize(
    "reach",
    [
        "pool._waiting.clear()",
        "from zava.data.row_decoding import (\n    read_rows,\n    _cells,\n)",
        "monkeypatch.setattr('zava.app._SECONDS', 1)",
        "getattr(pool, '_waiting')",
        "with held(pool._waiting):\n    # a comment of the body\n    pass",
        "pool._waiting = 1  # noqa: SLF001",
    ],
)
def test_a_reach_without_a_reason_is_found(reach: str) -> None:
    assert without_reason(reach)
    assert not without_reason(f"# No public name shows it.\n{reach}")


@pytest.mark.parametrize(
    "own", ["self._waiting = 1", "super()._wait()", "x._replace(a=1)", "x.__dict__", "_ = x"]
)
def test_what_is_no_reach_needs_no_reason(own: str) -> None:
    assert not without_reason(own)
