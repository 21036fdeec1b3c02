"""The pages lead where they point to: links, anchors, and the files that they name."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from zava.cli.commands import app

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
_FENCED = re.compile(r"^(```+).*?^\1\s*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://)(?P<file>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
_CODE = re.compile(r"`((?:zava|tests|sql|infra|bench|scripts|docs)/[^`\s]+)`")
_PAGE = re.compile(r"(?<![\w/.-])(docs/[\w/-]+\.md)\b")
# Made by a command, and part of no checkout.
MADE = ("infra/hooks/hooks_env", "tests/pictures/artefacts")


def by_name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@cache
def tracked() -> tuple[Path, ...]:
    """Return the files of the checkout, relative to its root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607  # the reader's own git
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(
        Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()
    )


@cache
def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    found: set[str] = set()
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    for heading in _HEADING.findall(text):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        count = sum(1 for each in found if re.fullmatch(rf"{re.escape(anchor)}(-\d+)?", each))
        found.add(f"{anchor}-{count}" if count else anchor)
    return found


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_links_and_anchors_lead_on(page: Path) -> None:
    for link in _LINK.finditer(_FENCED.sub("", page.read_text(encoding="utf-8"))):
        target = (page.parent / link["file"]).resolve() if link["file"] else page
        assert target.exists(), link.group()
        if link["anchor"]:
            assert link["anchor"] in anchors(target), link.group()


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=by_name
)
def test_files_that_a_page_names_exist(page: Path) -> None:
    for named in _CODE.findall(page.read_text(encoding="utf-8")):
        path = named.partition("::")[0]
        assert (ROOT / path).exists() or path.startswith(MADE), named


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=by_name
)
def test_modules_targets_and_commands_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    modules = {file.name for file in tracked() if file.suffix in {".py", ".sql", ".toml"}}
    assert set(re.findall(r"`(\w+\.(?:py|sql|toml))`", text)) <= modules
    targets = re.findall(
        r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= set(targets)
    commands = set(re.findall(r"(?:`|-m )zava ([a-z-]+)", text))
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    assert commands <= group.commands.keys()


def test_pages_that_the_code_names_exist() -> None:
    named = {
        (str(file), page)
        for file in tracked()
        if file.name != "CHANGELOG.md"
        for page in _PAGE.findall((ROOT / file).read_text(encoding="utf-8", errors="ignore"))
    }
    assert len(named) > 20
    assert {(file, page) for file, page in named if not (ROOT / page).is_file()} == set()


def test_index_lists_every_page() -> None:
    index = DOCS / "README.md"
    listed = {
        (DOCS / link["file"]).resolve()
        for link in _LINK.finditer(index.read_text(encoding="utf-8"))
        if link["file"]
    }
    assert {page for page in DOCS.rglob("*.md") if page.parent.name != "adr"} - listed == {index}
