"""Reads SKUs in the ways in which people write them: PWR0501, pwr-0501, pwr 0501, PWR-O5O1."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

_MAX_WORDS = 8
_MAX_WORDS_OF_A_SHORTENED = 2
_MAX_CHARACTERS = 50
_LEAST_DIGITS = 2
_ALIKE_AS_DIGIT = {"O": "0", "I": "1", "L": "1"}
_ALIKE_AS_LETTER = {"0": "O", "1": "I"}
_LETTERS = str.maketrans(_ALIKE_AS_LETTER)
_SEPARATORS = re.compile(r"[^A-Z0-9]+")
_PIECE = re.compile(r"[^\s,;:!?()\[\]{}'\"]+")
_LABEL = re.compile(
    r"(?:^|(?<=\s))(?:sku|item|article|art|part|product|no|nr|number)[.:]*\s*#?\s*$|#\s*$"
)


_Forms = Mapping[str, Sequence[tuple[int, str, Sequence[str]]]]
"""By the letters before the first digit: place, letters and digits, and shapes of that form."""


def replaced_skus(text: str, shapes: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the text with what may be SKUs in the catalogue's form, and these SKUs in capitals.

    `shapes` are the catalogue's SKUs with 9 for each digit. The longest reading counts. Whether
    there is such a product, the database decides.
    """
    pieces = list(_PIECE.finditer(text))
    forms = _by_head(tuple(shapes))
    result: list[str] = []
    skus: list[str] = []
    place = end = 0
    while place < len(pieces):
        length, found = _longest(text, pieces[place : place + _MAX_WORDS], forms)
        if not found:
            place += 1
            continue
        result += [_LABEL.sub("", text[end : pieces[place].start()]), found[0].lower()]
        skus += found
        place += length
        end = pieces[place - 1].end()
    return "".join([*result, text[end:]]), tuple(dict.fromkeys(skus))


def _longest(text: str, pieces: Sequence[re.Match[str]], forms: _Forms) -> tuple[int, list[str]]:
    for length in range(len(pieces), 0, -1):
        written = text[pieces[0].start() : pieces[length - 1].end()]
        if len(written) <= _MAX_CHARACTERS and any(character.isdigit() for character in written):
            can_be_shortened = length <= _MAX_WORDS_OF_A_SHORTENED
            found = list(_readings(written, forms, can_be_shortened=can_be_shortened))
            if found:
                return length, found
    return 0, []


@lru_cache(maxsize=2)
def _by_head(shapes: tuple[str, ...]) -> _Forms:
    """Return the shapes by what their SKUs begin with, so that a text meets few of them."""
    found: dict[str, list[str]] = {}
    for shape in shapes:
        if any(character.isalpha() for character in shape):  # a number alone is a size or a price
            found.setdefault(_SEPARATORS.sub("", shape), []).append(shape)
    by_head: dict[str, list[tuple[int, str, Sequence[str]]]] = {}
    for place, (form, wanted) in enumerate(found.items()):
        by_head.setdefault(form.partition("9")[0], []).append((place, form, wanted))
    return by_head


def _readings(written: str, forms: _Forms, *, can_be_shortened: bool) -> Iterable[str]:
    """Yield the SKUs that a text may be, one for each shape of the catalogue that it fits."""
    folded = _SEPARATORS.sub("", written.upper())
    as_letters = folded.translate(_LETTERS)
    begun = (forms.get(as_letters[:length], ()) for length in range(len(folded) + 1))
    for _, form, wanted in sorted(each for some in begun for each in some):
        if len(form) != len(folded) and not (can_be_shortened and len(folded) < len(form)):
            continue
        if letters := _fitted(_filled(folded, form), form):
            for shape in wanted:
                left = iter(letters)
                yield "".join(next(left) if place.isalnum() else place for place in shape)


def _filled(folded: str, form: str) -> str:
    """Return the text with the zeros that were left out before its number: PWR-501."""
    head = form.rstrip("9")
    missing = len(form) - len(folded)
    if not missing or not head.isalpha() or len(folded) - len(head) < _LEAST_DIGITS:
        return folded
    return f"{folded[: len(head)]}{'0' * missing}{folded[len(head) :]}"


def _fitted(folded: str, form: str) -> str:
    """Return the letters and digits in the places that the form has for them, or nothing."""
    if len(folded) != len(form):
        return ""
    found = []
    for character, wanted in zip(folded, form, strict=True):
        alike = _ALIKE_AS_DIGIT if wanted == "9" else _ALIKE_AS_LETTER
        read = alike.get(character, character)
        if not (read.isdigit() if wanted == "9" else read == wanted):
            return ""
        found.append(read)
    return "".join(found)
