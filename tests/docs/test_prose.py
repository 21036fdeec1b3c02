"""The English of pages, docstrings and error texts gets better only; the glossary's terms hold."""

import re
from pathlib import Path

import pytest

from tests.docs.prose import (
    LONGEST_WORDS,
    ROOT,
    ceilings,
    docstrings,
    errors,
    measure,
    measures,
    modules,
    of_page,
    pages,
)

GLOSSARY = ROOT / "docs" / "glossary.md"
_TERM = re.compile(r"^\| \*\*(?P<term>[^*]+)\*\* \| (?P<meaning>[^|]+) \| `(?P<code>[^`]+)` \|$")
_SYNONYM = re.compile(r"^\| (?P<use>[^|*`]+) \| (?P<instead>\"[^|]+\") \|$")
PAGE = """# A title that has words

The server says hello. It
returns rows, e.g. `SELECT nobody` and [a link](https://example.com/tells).

```sh
somebody asked whoever
```

| header of a table | second |
|---|---|
| the own cell | plain |
- An item of a list.
"""
MODULE = '''"""Return what nobody asked."""

raise ValueError("This statement is too large. Send less.")
name = "no sentence at all"
'''


@pytest.mark.parametrize("kind", ["pages", "docstrings", "errors"])
def test_english_is_no_worse_than_its_ceiling(kind: str) -> None:
    counts = measures()[kind].counts
    over = {name: count for name, count in counts.items() if count > ceilings()[kind][name]}
    assert not over, "`make prose` prints the places of the files that are named to it"


def test_page_is_split_into_its_sentences(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    sentences = [*of_page(page)]
    assert [(each.line, each.text) for each in sentences] == [
        (1, "A title that has words"),
        (3, "The server says hello."),
        (3, "It returns rows, e.g. CODE and a link."),
        (10, "header of a table"),
        (12, "the own cell"),
        (13, "An item of a list."),
    ]
    assert [word for word, _ in measure(sentences).banned] == ["says", "the own"]


def test_docstrings_and_texts_of_a_module_are_measured(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(MODULE, encoding="utf-8")
    assert [each.text for each in docstrings(module)] == ["Return what nobody asked."]
    assert [each.text for each in errors(module)] == ["This statement is too large.", "Send less."]
    assert [word for word, _ in measure([*docstrings(module)]).banned] == ["nobody", "asked"]


def test_each_line_of_a_tree_is_a_text_of_its_own(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        '''"""Name the errors.

Root
├── First    the first kind
└── Second   the second kind
"""
''',
        encoding="utf-8",
    )
    assert [each.words for each in docstrings(module)] == [3, 4, 4]


def test_long_sentence_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"A {'word ' * LONGEST_WORDS}more.", encoding="utf-8")
    assert len(measure([*of_page(page)]).longest) == 1


def glossary(pattern: re.Pattern[str]) -> list[re.Match[str]]:
    lines = GLOSSARY.read_text(encoding="utf-8").splitlines()
    return [found for line in lines if (found := pattern.match(line))]


def test_every_term_of_the_glossary_occurs_in_the_code() -> None:
    files = [*modules(), *sorted((ROOT / "sql").rglob("*.sql"))]
    code = "\n".join(file.read_text(encoding="utf-8") for file in files)
    terms = glossary(_TERM)
    assert len(terms) > 20
    assert [each["term"] for each in terms if each["code"] not in code] == []
    assert [each["term"] for each in terms] == sorted(
        (each["term"] for each in terms), key=str.casefold
    )


def test_no_page_uses_a_synonym_that_the_glossary_replaces() -> None:
    text = {
        page.name: " ".join(each.text for each in of_page(page))
        for page in pages()
        if page != GLOSSARY
    }
    synonyms = [
        synonym
        for row in glossary(_SYNONYM)
        for synonym in re.findall(r'"([^"]+)"', row["instead"])
    ]
    assert len(synonyms) > 5
    found = {
        (name, synonym)
        for name, words in text.items()
        for synonym in synonyms
        if re.search(rf"\b{re.escape(synonym)}\b", words, re.IGNORECASE)
    }
    assert found == set()
