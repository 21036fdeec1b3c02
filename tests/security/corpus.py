"""Reads the hostile corpus and judges what a statement brought or left behind."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).with_name("hostile.sql")
GUARD_ONLY = "only the guard will stop"
CATALOG = "the catalog by side doors"
PERSONAL = "personal data without the permission"
_PASSES = "-- [passes]\n"


@dataclass(frozen=True)
class Hostile:
    """One statement, and the class of attack that it belongs to.

    `passes` says that the guard lets it run, for the seal, a cap or the deadline to bound.
    """

    kind: str
    sql: str
    number: int
    passes: bool

    def filled(self, values: Mapping[str, object]) -> str:
        text = self.sql
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", str(value))
        return text

    @property
    def label(self) -> str:
        return f"{self.kind.replace(' ', '-')}-{self.number}"


def read_corpus() -> list[Hostile]:
    """Return every statement of the file, in order."""
    return list(_read())


def _read() -> Iterator[Hostile]:
    for kind, number, text in blocks(CORPUS):
        passes = text.startswith(_PASSES)
        yield Hostile(kind, text.removeprefix(_PASSES), number, passes)


def blocks(file: Path) -> Iterator[tuple[str, int, str]]:
    """Yield each block of a corpus with its class, and its number there."""
    kind = ""
    number = 0
    for block in file.read_text(encoding="utf-8").split("\n\n"):
        text = block.strip("\n")
        if text.startswith("-- # "):
            head, _, text = text.partition("\n")
            kind, number = head.removeprefix("-- # "), 0
        if kind and text:
            number += 1
            yield kind, number, text
