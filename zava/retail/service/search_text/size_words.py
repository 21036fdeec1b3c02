"""Reads sizes as people write them, such as "half inch" or 1/2", in the catalogue's own spelling.

A size does not leave other products out: who wants a hammer of 16 oz may take one of 20 oz.
Products of the size come first, and the answer marks the others.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from zava.retail.service.search_text.number_words import NUMBER_WORD, number_of

_NO_UNIT_BEHIND = (
    r"(?! ?-?\d| (?:stock|store|stores|the|a|an|my|our|this|that|your|their|any|all|total|one|"
    r"black|white|red|blue|green|gray|grey|brown|yellow)\b)"
)

# The spellings of a unit: the catalogue's most frequent one is written. Joined ones take a hyphen.
_UNITS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("inch", "inches", "in"), rf"inch(?:es)?|in\.?(?![a-z]){_NO_UNIT_BEHIND}|\"|''"),
    (("sq ft", "square feet"), r"sq\.? ?(?:ft|feet)|square (?:feet|foot)|sqft"),
    (("cubic ft", "cubic feet"), r"cu(?:bic|\.)? ?(?:ft|feet|foot)"),
    (("ft", "feet", "foot"), r"ft\.?|feet|foot|'(?!\w)"),
    (("lb", "lbs", "pound", "pounds"), r"lbs?\.?|pounds?|#"),
    (("oz", "ounce", "ounces"), r"oz\.?|ounces?"),
    (("gallon", "gallons", "gal"), r"gallons?|gals?\.?"),
    (("quart", "quarts", "qt"), r"quarts?|qts?\.?"),
    (("pint", "pints", "pt"), r"pints?|pts?\.?"),
    (("volt", "volts", "v"), r"volts?|v"),
    (("amp", "amps", "a"), r"amps?|amperes?|(?<=\d)a"),
    (("watt", "watts", "w"), r"watts?|w"),
    (("hp", "horsepower"), r"hp|horse ?power"),
    (("gauge", "ga", "awg"), r"gauge|ga\.?|awg"),
    (("degree", "degrees"), r"degrees?|deg\.?|°"),
    (("hour", "hours", "hr"), r"hours?|hrs?"),
    (("pack", "packs", "pk"), r"packs?|pk|ct|count"),
    (("piece", "pieces", "pc"), r"pieces?|pcs?|pce"),
    (("tier", "tiers"), r"tiers?"),
)
_JOINED = {"pack", "piece", "tier"}
_FRACTIONS = {
    (1, 2): "1/2",
    (1, 4): "1/4",
    (3, 4): "3/4",
    **{(top, 8): f"{top}/8" for top in (1, 3, 5, 7)},
    **{(top, 16): f"{top}/16" for top in (1, 3, 5, 7, 9, 11, 13, 15)},
    (1, 3): "1/3",
    (2, 3): "2/3",
}
_FRACTION_WORDS = {
    "half": "1/2",
    "quarter": "1/4",
    "third": "1/3",
    "eighth": "1/8",
    "sixteenth": "1/16",
}
_PARTS = "|".join(_FRACTION_WORDS)
_TOPS = "one|two|three|five|seven|nine|eleven|thirteen|fifteen"
_FRACTION = (
    rf"(?:(?:(?P<top>{_TOPS}|an?)[ -])?(?P<part>{_PARTS})s?"
    r"|(?P<digits>\d{1,2}/\d{1,2})(?:ths?)?)"
)
_WHOLE = rf"(?P<whole>\d{{1,5}}(?:\.\d{{1,3}})?|0?\.\d{{1,3}}|{NUMBER_WORD})"
_NUMBER = _WHOLE.replace("whole", "number")
_AMOUNT = (
    rf"(?:(?:{_WHOLE}(?:[ -](?=\d)| and (?:an? )?))?{_FRACTION}(?:[ -](?:of )?an?)?|{_NUMBER})"
)
_SIZES = tuple(
    (names, re.compile(rf"(?<![\w/.$-]){_AMOUNT}[ -]?(?:{spellings})(?![a-z0-9])"))
    for names, spellings in _UNITS
)
_SPELLINGS = {names[0]: spellings for names, spellings in _UNITS}
_SIDE = rf"(?:\d{{1,3}}(?:['\"]| ?(?:ft|feet|foot))?|{NUMBER_WORD})"
_BY = r"(?: ?(?:x|by) ?|-by-)"
_DIMENSIONS = re.compile(rf"(?<![\w/.$-]){_SIDE}(?:{_BY}{_SIDE}){{1,2}}(?![\w/])")
_PACK_OF = re.compile(r"(?<!\w)packs? of (\d{1,4}|a hundred)(?![\w/.])")


@dataclass(frozen=True, slots=True)
class SizedText:
    """A text with its sizes as the catalogue writes them.

    `patterns` are regular expressions of PostgreSQL that a name of each size fits.
    """

    text: str
    sizes: tuple[str, ...]
    patterns: tuple[str, ...]


def read_sizes(text: str, words: Mapping[str, int]) -> SizedText:
    """Return the text with its sizes in the spelling that most products of the catalogue have."""
    sizes: list[str] = []
    patterns: list[str] = []

    def with_dimensions(match: re.Match[str]) -> str:
        sides = re.split(_BY, re.sub(r"['\"]| ?(?:ft|feet|foot)", "", match[0]))
        form = "x".join(f"{number_of(side):g}" for side in sides)
        if form not in words:
            return match[0]
        sizes.append(form)
        patterns.append(rf"(^|[^0-9x]){form}($|[^0-9x])")
        return form

    text = _PACK_OF.sub(r"\1 pack", _DIMENSIONS.sub(with_dimensions, text))
    for names, pattern in _SIZES:

        def with_unit(match: re.Match[str], names: tuple[str, ...] = names) -> str:
            amount, spellings = _amount(match)
            if not amount:
                return match[0]
            unit = max(names, key=lambda name: words.get(name.split()[0], 0))
            sizes.append(size := f"{amount}{'-' if names[0] in _JOINED else ' '}{unit}")
            patterns.append(
                rf"(^|[^0-9./-])({'|'.join(spellings)})[ -]?({_plain(names[0])})($|[^a-z0-9])"
            )
            return size

        text = pattern.sub(with_unit, text)
    return SizedText(text, tuple(dict.fromkeys(sizes)), tuple(dict.fromkeys(patterns)))


def _plain(unit: str) -> str:
    """Return the spellings of a unit without what only a question needs."""
    return re.sub(r"\(\?!(?:[^()]|\([^()]*\))*\)", "", _SPELLINGS[unit])


def _amount(match: re.Match[str]) -> tuple[str, list[str]]:
    """Return the amount as the catalogue writes it, and the patterns of how names may."""
    number = match["number"]
    if number is not None:
        value = number_of(f"0{number}" if number.startswith(".") else number)
        whole, fraction = int(value), _as_fraction(value)
    else:
        value, fraction = 0.0, _fraction_of(match)
        whole = int(number_of(match["whole"])) if match["whole"] else 0
        top, _, bottom = fraction.partition("/")
        value = whole + (int(top) / int(bottom) if int(bottom) else 0)
    if not value:
        return "", []
    decimal = re.escape(f"{value:g}")
    if not fraction:
        return f"{value:g}", [decimal]
    is_inch = any(match[0].endswith(end) for end in ('"', "''", "in", "in.", "inch", "inches"))
    forms = [f"{whole}[ -]{fraction}" if whole else fraction, decimal]
    if not whole and fraction in _FRACTION_WORDS.values():
        forms += [word for word, digits in _FRACTION_WORDS.items() if digits == fraction]
    written = f"{whole}-{fraction}" if whole else fraction
    return (written if is_inch or number is None else f"{value:g}"), forms


def _as_fraction(value: float) -> str:
    rest = value - int(value)
    return next((text for (a, b), text in _FRACTIONS.items() if rest and rest == a / b), "")


def _fraction_of(match: re.Match[str]) -> str:
    if match["digits"]:
        return str(match["digits"])
    top, bottom = _FRACTION_WORDS[match["part"]].split("/")
    count = 1 if match["top"] in {None, "a", "an"} else int(number_of(match["top"]))
    return f"{count * int(top)}/{bottom}"
