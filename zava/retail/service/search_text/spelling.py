"""Corrects words that the catalogue does not have, by distance and by sound.

The words to correct to are those of the products, which every caller sees. A common English word
stays as it is: a question about shoes is not about a shower. It is corrected only if the catalogue
has its like beside the same neighbour.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from zava.retail.search_values import CatalogueWords

_ENGLISH = Path(__file__).with_name("english_words.txt")
_MIN_CHARACTERS = 3
_MAX_CHARACTERS = 40
_MAX_TRIED = 12
_MAX_DISTANCE = 4
_LONG_ENOUGH_FOR_TWO, _LONG_ENOUGH_FOR_THREE = 8, 11
_LONG_ENOUGH_TO_BE_MEANT = 6
_BY_NEIGHBOUR = 0.75
_BY_SOUND = 0.5
_RARE = 0.25
_OTHER_START = 1.0

_ENDINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("s", ("",)),
    ("es", ("",)),
    ("ies", ("y",)),
    ("ves", ("f", "fe")),
    ("ing", ("", "e")),
    ("ed", ("", "e")),
    ("er", ("", "e")),
    ("ly", ("",)),
)
_DERIVED = ("ity", "ness", "ful", "ical", "ally", "ic", "ly", "y")
# Not the letters of a size or a code, such as 2x4, 12awg, 6-piece or PWR-0501.
_WORD = re.compile(r"(?<!\w)(?<!\d-)[^\W\d_]++(?!-?\d)")
_TWO_WORDS = re.compile(r"(?<!\w)([^\W\d_]{2,})[ -]([^\W\d_]{2,})(?!\w)")
_SOUNDS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"^(?:kn|gn|pn)", "n"),
        (r"^wr", "r"),
        (r"^(?:ps|sc(?=[eiy]))", "s"),
        (r"^wh", "w"),
        (r"(?:tion|sion|shun|shon|tian|cion)", "xn"),
        (r"igh|ght", "t"),
        (r"tt$", "t"),
        (r"ph", "f"),
        (r"tch", "x"),
        (r"sch", "sk"),
        (r"[cs]h", "x"),
        (r"ck|cc|q", "k"),
        (r"c(?=[eiy])", "s"),
        (r"c", "k"),
        (r"dg", "j"),
        (r"g(?=[eiy])", "j"),
        (r"mb$", "m"),
        (r"z", "s"),
        (r"v", "f"),
        (r"x", "ks"),
    )
)
_SILENT = re.compile(r"(?<=.)[aeiouyhw]")
_DOUBLED = re.compile(r"(.)\1+")


@dataclass(frozen=True, slots=True)
class Spelled:
    """A text with its words as the catalogue writes them.

    `corrections` are pairs of what was written and what it was read as. `unknown` are the words
    that the catalogue does not have.
    """

    text: str
    corrections: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...]


class Spelling:
    """The words of one catalogue, and what a misspelt word most likely is."""

    def __init__(self, words: CatalogueWords) -> None:
        self._named = words.named
        self._known = frozenset(words.named) | words.described
        self._pairs = frozenset(
            pair for phrase in words.phrases for pair in pairwise(_WORD.findall(phrase))
        )
        self._words = [
            word for word in words.named if len(word) >= _MIN_CHARACTERS and word.isalpha()
        ]
        self._sounds = {word: _sound(word) for word in self._words}

    def unknown(self, text: str) -> tuple[str, ...]:
        """Return the words that the catalogue does not have, none of them corrected."""
        return tuple(word for word in _WORD.findall(text) if not self._is_known(word))

    def knows_a_word_of(self, text: str) -> bool:
        """Whether the catalogue has at least one of the words."""
        return len(self.unknown(text)) < len(_WORD.findall(text))

    def read(self, text: str) -> Spelled:
        """Return the text with its misspelt words corrected, joined or divided."""
        text, corrections = self._joined(text)
        words = _WORD.findall(text)
        unknown: list[str] = []
        tried = 0
        pieces: list[str] = []
        end = 0
        for place, match in enumerate(_WORD.finditer(text)):
            word = match[0]
            pieces.append(text[end : match.start()])
            end = match.end()
            found = word
            if not self._is_known(word):
                tried += 1
                if tried <= _MAX_TRIED:
                    words[place] = found = self._corrected(words, place)
                if found == word:
                    unknown.append(word)
                else:
                    corrections.append((word, found))
            pieces.append(found)
        return Spelled("".join([*pieces, text[end:]]), tuple(corrections), tuple(unknown))

    def _is_known(self, word: str) -> bool:
        return any(form in self._known for form in _forms(word))

    def _joined(self, text: str) -> tuple[str, list[tuple[str, str]]]:
        """Join two words that the catalogue writes as one: "pad lock", but not "paint brush"."""
        corrections: list[tuple[str, str]] = []
        place = 0
        while match := _TWO_WORDS.search(text, place):
            whole = match[1] + match[2]
            forms = (whole, whole.removesuffix("s"))
            form = next((form for form in forms if form in self._named), None)
            are_a_pair = any((match[1], second) in self._pairs for second in _forms(match[2]))
            if form is None or are_a_pair:
                place = match.end(1)
                continue
            corrections.append((match[0], form))
            text = f"{text[: match.start()]}{form}{text[match.end() :]}"
            place = match.start() + len(form)
        return text, corrections

    def _corrected(self, words: Sequence[str], place: int) -> str:
        word = words[place]
        if not _MIN_CHARACTERS <= len(word) <= _MAX_CHARACTERS or not word.isascii():
            return word
        is_common = is_english(word)
        best = min(
            (
                (cost - _BY_NEIGHBOUR * fits, -self._named[near], near)
                for near, cost in self._near(word)
                # A common word is meant, unless the catalogue has its like beside this neighbour.
                if (fits := self._fits(words, place, near)) or not is_common
            ),
            default=None,
        )
        if best is None:
            return self._divided(word) or word
        if self._fits(words, place, best[2]) or not _is_nearer_to_english(word, best[2]):
            return best[2]
        return word

    def _fits(self, words: Sequence[str], place: int, near: str) -> bool:
        """Whether the word beside is one that the catalogue writes beside this one."""
        return (place > 0 and (words[place - 1], near) in self._pairs) or (
            place + 1 < len(words) and (near, words[place + 1]) in self._pairs
        )

    def _near(self, word: str) -> Iterable[tuple[str, float]]:
        """Yield words that this one may be, with how much speaks against each."""
        # Loaded for the first misspelt word: no call of another tool needs it.
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        # `_bearable` allows no more. Of a large catalogue, fewer words are left to judge.
        most = min(_MAX_DISTANCE, len(word) // 2 + 1)
        found = process.extract(
            word, self._words, scorer=OSA.distance, score_cutoff=most, limit=None
        )
        sound = _sound(word)
        for near, distance, _ in found:
            sounds_alike = self._sounds[near] == sound
            if distance <= _bearable(word, near, sounds_alike=sounds_alike):
                other_start = _OTHER_START * (near[0] != word[0])
                cost = distance * _BY_SOUND if sounds_alike else distance + other_start
                yield near, cost + _RARE * (self._named[near] == 1)

    def _divided(self, word: str) -> str | None:
        """Return two words of the catalogue that were written as one."""
        for place in range(_MIN_CHARACTERS, len(word) - _MIN_CHARACTERS + 1):
            first, second = word[:place], word[place:]
            if any((first, form) in self._pairs for form in _forms(second)):
                return f"{first} {second}"
        return None


def _bearable(word: str, near: str, *, sounds_alike: bool) -> int:
    """Return how many letters may differ: a long word, or one of the same sound, bears more."""
    if _is_derived(word, near):
        return 0
    length = min(len(word), len(near))
    if sounds_alike:
        return max(1, length // 2 + 1)
    if length <= _MIN_CHARACTERS or (word[0] != near[0] and word[1:2] != near[1:2]):
        return 0
    return 1 if length < _LONG_ENOUGH_FOR_TWO else 2 if length < _LONG_ENOUGH_FOR_THREE else 3


def _forms(word: str) -> Iterable[str]:
    """Yield the word, and the words that it may be an inflection of."""
    yield word
    for ending, others in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _MIN_CHARACTERS - 1:
            stem = word[: -len(ending)]
            yield from (stem + other for other in others)
            if ending in {"ing", "ed", "er"} and stem[-1] == stem[-2]:
                yield stem[:-1]
    if not word.endswith("s"):
        yield f"{word}s"


def _is_derived(word: str, near: str) -> bool:
    """Whether the word is another one of the same root: rainy is not a misspelt rain."""
    return any(
        word.endswith(ending) and near.startswith(word.removesuffix(ending))
        for ending in _DERIVED
        if len(word) - len(ending) > _MIN_CHARACTERS
    )


def is_english(word: str) -> bool:
    """Whether a word is a common one of English, also one that the catalogue does not have."""
    return any(form in _english() for form in _forms(word))


def _is_nearer_to_english(word: str, near: str) -> bool:
    """Whether a common word that the catalogue does not have is nearer: safty is no soft."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    if OSA.distance(word, near) <= 1:
        return False
    found = process.extract(word, _english(), scorer=OSA.distance, score_cutoff=1, limit=None)
    return any(len(each) >= _LONG_ENOUGH_TO_BE_MEANT for each, _, _ in found)


@cache
def _english() -> frozenset[str]:
    return frozenset(_ENGLISH.read_text(encoding="ascii").split())


def _sound(word: str) -> str:
    """Return about how a word sounds: misspelt words mostly keep that."""
    for pattern, sound in _SOUNDS:
        word = pattern.sub(sound, word)
    return _SILENT.sub("", _DOUBLED.sub(r"\1", word))
