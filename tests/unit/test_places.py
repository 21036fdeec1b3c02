"""A file's place and name state its subject: small folders, and each name once."""

import ast
from collections import Counter, defaultdict
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "zava"
MODULES = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]

MAX_FILES = 12
MAX_FILES_AT_THE_ROOT = 9


def test_no_folder_has_more_files_than_a_reader_can_survey() -> None:
    files = Counter(path.parent for path in PACKAGE.rglob("*.py"))
    assert len(files) > MAX_FILES, "the package was found"
    crowded = {str(folder): count for folder, count in files.items() if count > MAX_FILES}
    assert crowded == {}
    assert files[PACKAGE] <= MAX_FILES_AT_THE_ROOT


def test_no_two_modules_have_one_name() -> None:
    named = Counter(path.name for path in MODULES)
    assert [name for name, count in named.items() if count > 1] == []


def test_no_two_classes_have_one_name() -> None:
    places = defaultdict(list)
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path.relative_to(PACKAGE)))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_a_package_holds_no_code_of_its_own() -> None:
    for path in PACKAGE.rglob("__init__.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        if path.parent != PACKAGE:  # the version
            assert [type(node) for node in body] == [ast.Expr], path
