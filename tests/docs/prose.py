"""Measures the English of pages, docstrings and error texts; `make prose` prints the measure.

A rule that a script can check: banned words, and how many words a sentence has. The ceilings of
`prose.toml` are what main has; they only fall. `make prose` lowers them.
"""

import ast
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
CEILINGS = Path(__file__).with_name("prose.toml")
LONG_WORDS = 25
LONGEST_WORDS = 30

BANNED = re.compile(
    r"\b(?:tells?|told|telling|says?|said|saying|hears?|heard|asks?|asked|asking|knows?|knew"
    r"|learns?|learnt|learned|sings?|sang|nobody|somebody|whoever|whatever|reckon\w*|mend(?:s|ed|ing)?"
    r"|the own|stands? in|(?-i:is none)|done without|at first need|so long as|also (?:when|where))\b",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^(?P<fence>```+|~~~+).*?^(?P=fence)\s*$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"!?\[(?P<text>[^\]]*)\]\([^)]*\)")
_END = re.compile(r"(?<!e\.g\.)(?<!i\.e\.)(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]*[A-Z0-9`])")
_SECTION = re.compile(r"^(?:Args|Raises|Returns|Yields):$")
_WORD = re.compile(r"[A-Za-z0-9][\w'./:-]*")
_BRANCHES = ("├", "│", "└")
_SENTENCE = re.compile(r"[A-Z][^\n]* [^\n]*[.!?]$")


class Sentence(NamedTuple):
    """One sentence, and where it begins."""

    text: str
    file: Path
    line: int

    @property
    def words(self) -> int:
        """How many words it has; a piece of code is one."""
        return len(_WORD.findall(self.text))


@dataclass(frozen=True)
class Measure:
    """What was found in one kind of text."""

    banned: list[tuple[str, Sentence]]
    long: list[Sentence]
    longest: list[Sentence]
    median: float

    @property
    def counts(self) -> dict[str, int]:
        """The figures that have a ceiling."""
        return {"banned": len(self.banned), "long": len(self.long), "longest": len(self.longest)}


def measure(sentences: list[Sentence]) -> Measure:
    """Measure the sentences of one kind of text."""
    return Measure(
        [(found.lower(), each) for each in sentences for found in BANNED.findall(each.text)],
        [each for each in sentences if each.words > LONG_WORDS],
        [each for each in sentences if each.words > LONGEST_WORDS],
        median([each.words for each in sentences]),
    )


def pages() -> Iterator[Path]:
    """Yield the pages that people read; the changelog and decisions are history."""
    yield from (ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md"))
    yield from sorted(page for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "adr")


def modules() -> Iterator[Path]:
    """Yield the modules of the product."""
    yield ROOT / "function_app.py"
    yield from sorted((ROOT / "zava").rglob("*.py"))


def of_page(file: Path) -> Iterator[Sentence]:
    """Yield the sentences of a page; a cell of a table is a text of its own."""
    text = file.read_text(encoding="utf-8")
    for pattern in (_FENCE, _COMMENT):
        text = pattern.sub(lambda found: "\n" * found.group().count("\n"), text)
    text = _LINK.sub(lambda found: found.group("text"), _CODE.sub("CODE", text))
    paragraph: list[str] = []
    begins = 1
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        stripped = line.strip()
        if stripped.startswith("|"):
            for cell in stripped.strip("|").split("|"):
                yield from _split(cell.strip(), file, number)
            continue
        starts_anew = re.match(r"(?:[-*+]|\d+\.|#+|>)\s+", stripped)
        if paragraph and (not stripped or starts_anew):
            yield from _split(" ".join(paragraph), file, begins)
            paragraph = []
        if stripped:
            begins = begins if paragraph else number
            paragraph.append(stripped[starts_anew.end() :] if starts_anew else stripped)


def docstrings(file: Path) -> Iterator[Sentence]:
    """Yield the sentences of a module's docstrings."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, kinds) and (text := ast.get_docstring(node)):
            line = node.body[0].lineno
            for paragraph in re.split(r"\n\s*\n", _CODE.sub("CODE", text)):
                lines = [each.strip() for each in paragraph.split("\n")]
                # The line of a tree is a text of its own.
                if any(each.startswith(_BRANCHES) for each in lines):
                    for each in lines:
                        yield from _split(each, file, line)
                    continue
                told = " ".join(each for each in lines if not _SECTION.match(each))
                yield from _split(told, file, line)


def errors(file: Path) -> Iterator[Sentence]:
    """Yield the sentences among a module's other texts: errors, hints, notes, descriptions."""
    nodes = [*ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    skipped = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # docstrings
    raised = {id(part) for node in nodes if isinstance(node, ast.Raise) for part in ast.walk(node)}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            text = "".join(
                str(part.value) if isinstance(part, ast.Constant) else "VALUE"
                for part in node.values
            )
            skipped.update(id(part) for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        is_text = id(node) in raised or _SENTENCE.fullmatch(text.strip())
        if id(node) not in skipped and is_text:
            yield from _split(_CODE.sub("CODE", text.strip()), file, node.lineno)


def _split(text: str, file: Path, line: int) -> Iterator[Sentence]:
    for sentence in _END.split(text):
        if len(_WORD.findall(sentence)) > 1:
            yield Sentence(sentence, file, line)


@cache
def measures() -> dict[str, Measure]:
    """Measure each kind of text of the project."""
    return {
        "pages": measure([each for file in pages() for each in of_page(file)]),
        "docstrings": measure([each for file in modules() for each in docstrings(file)]),
        "errors": measure([each for file in modules() for each in errors(file)]),
    }


def ceilings() -> dict[str, dict[str, int]]:
    """Read the ceilings."""
    return tomllib.loads(CEILINGS.read_text(encoding="utf-8"))


def main(*files: str) -> None:
    """Print the measure, with the places in the given files, and lower the ceilings."""
    found, held = measures(), ceilings()
    for kind, each in found.items():
        counts = ", ".join(f"{name} {count}" for name, count in each.counts.items())
        print(f"{kind}: {counts}, median {each.median:g} words")
        print("  " + ", ".join(f"{word} {n}" for word, n in _most(each)))
        held[kind] = {n: min(count, held[kind][n]) for n, count in each.counts.items()}
    wanted = {(ROOT / name).resolve() for name in files}
    places = {
        (each.file, each.line, reason, each.text)
        for measured in found.values()
        for reason, each in [*measured.banned, *((f"{e.words} words", e) for e in measured.long)]
        if each.file in wanted
    }
    for file, line, reason, text in sorted(places):
        print(f"{file.relative_to(ROOT)}:{line}: {reason}: {text}")
    CEILINGS.write_text(
        "\n".join(
            f"[{kind}]\n" + "".join(f"{name} = {count}\n" for name, count in counts.items())
            for kind, counts in held.items()
        ),
        encoding="utf-8",
    )


def _most(each: Measure) -> list[tuple[str, int]]:
    return Counter(word for word, _ in each.banned).most_common(12)


if __name__ == "__main__":
    main(*sys.argv[1:])
