"""Numbers as people write them: digits, words, fractions."""

import re

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
VALUES = {word: value for value, word in enumerate(_ONES)}
VALUES |= {word: 10 * value for value, word in enumerate(_TENS, 2)}
_MULTIPLES = {"hundred": 100, "thousand": 1000}

_SMALL = "|".join(sorted(VALUES, key=len, reverse=True))
_TWO = rf"(?:{'|'.join(_TENS)})[ -](?:{'|'.join(_ONES[1:10])})"
NUMBER_WORD = (
    rf"(?:(?:(?:a|{_TWO}|{_SMALL}) )?(?:hundred|thousand)(?: (?:and )?(?:{_TWO}|{_SMALL}))?"
    rf"|{_TWO}|{_SMALL})(?![a-z])"
)
"""Matches a whole number in words, up to some thousands."""


def number_of(text: str) -> float:
    """Return the value of digits, or of words that `NUMBER_WORD` matches."""
    text = text.strip()
    if re.fullmatch(r"\d+(?:\.\d+)?", text, re.ASCII):
        return float(text)
    total = current = 0
    for word in re.findall(r"[a-z]+", text):
        if word in _MULTIPLES:
            total += max(current, 1) * _MULTIPLES[word]
            current = 0
        else:
            current += VALUES.get(word, 0)
    return float(total + current)
