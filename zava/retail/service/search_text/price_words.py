"""Reads a price that a description names, such as "under $50" or "between 20 and 40 dollars"."""

import re
from collections.abc import Callable

from zava.retail.search_values import PriceRange
from zava.retail.service.search_text.number_words import NUMBER_WORD, number_of

_AROUND = 0.2
_K = 1000
_MAX_PRICES = 4

_DIGITS = r"\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|\d{1,4},\d\d(?!\d)|\d{1,7}(?:\.\d{1,2})?k?|\.\d\d"
_NUMBER = rf"(?:{_DIGITS}|{NUMBER_WORD})"
_CURRENCY = r"(?:us ?\$|usd|\$|dollars?|bucks?|cents?|¢)"
_MONEY = rf"(?:(?:us ?\$|usd|\$) ?(?:{_DIGITS})(?: ?(?:{_CURRENCY}))?|{_NUMBER}[ -]?{_CURRENCY})"
# Without a currency: the sentence or its part ends behind the number, so that no unit follows.
_NO_UNIT = (
    r"(?!\s*[-/x'\"#%]|\s*(?:in|inch|inches|ft|foot|feet|yards?|yd|mm|cm|m|lbs?|pounds?|oz|ounces?|"
    r"gal|gallons?|quarts?|qt|pints?|v|volts?|a|amps?|w|watts?|hp|ga|gauge|grit|packs?|pcs?|pieces?|"
    r"tiers?|degrees?|liters?|kg|sq|cubic|cu)\b)"
)
_END = r"(?=\s*(?:$|[,;!?)]|\.(?!\d)|\b(?:please|with|for|that|and|or|but|which|each|apiece)\b))"
_PRICED = (
    r"(?:(?:that |which )?(?:costs?|costing|priced?|prices|price range|sells?|selling|retails?|"
    r"retailing|going)"
    r"(?: (?:is|are|at|for|of))?:? )"
)
_BELOW = (
    r"(?:under|below|beneath|sub|less expensive than|cheaper than|(?<!no )(?<!not )less than|"
    r"lower than|<)"
)
# "That does not cost more than" is a limit above, whatever the words between.
_NOT = (
    r"(?:(?:that |which )?"
    r"(?:(?:do(?:es)?|should|would|will|must|may|can|could|is|are)(?: not|n'?t)|"
    r"wo(?:n'?t)|ca(?:n'?t)|cannot|not|never|without)"
    r"(?: (?:to|be|being|costs?|costing|priced|at|go|going|spend|spending|pay|paying|any))*)"
)
_NOT_MORE = rf"{_NOT} (?:more (?:expensive )?than|over|above|higher than|beyond|exceed(?:s|ing)?)"
_NOT_LESS = rf"{_NOT} (?:less (?:expensive )?than|under|below|cheaper than|lower than)"
_MOST = (
    r"(?:up to|at most|no more than|not more than|not over|not above|<=|≤|"
    r"within(?: (?:a |my |the )?budget(?: of)?)?|"
    r"(?:with )?(?:a |my )?(?:max(?:imum)?|budget|limit)(?: price)?(?: is| of)?:?)"
)
_ABOVE = (
    r"(?:over|above|exceeding|more expensive than|more than|pricier than|dearer than|higher than|>)"
)
_LEAST = (
    r"(?:at least|no less than|not less than|not under|starting at|upwards of|from|"
    r"min(?:imum)?(?: of)?|>=|≥)"
)
_ABOUT = r"(?:around|about|roughly|approximately|approx\.?|circa|near|~|for|at|of)"
_TO = r"(?: ?(?:-|to|and|through) ?)"
_NO_MONEY = rf"(?! ?{_MONEY})"
_UP_TO_IT = (
    rf"(?:(?:and|or) (?:less|under|below|cheaper|lower){_NO_MONEY}|max(?:imum)?|at most|tops|"
    "budget|limit)"
)
_FROM_IT = rf"(?:(?:and|or) (?:more|up|above|over|higher){_NO_MONEY}|and upwards?|min(?:imum)?|\+)"

_Rule = Callable[[re.Match[str]], PriceRange]


def read_price(text: str) -> tuple[str, PriceRange | None]:
    """Return the text without its price, and the prices that it allows, None without one.

    A number without a currency is a price only where nothing can be its unit. So "under 50" at
    the end is read, and "under 50 lb" is not.
    """
    found: PriceRange | None = None
    read = 0
    for pattern, rule in _RULES:
        while read < _MAX_PRICES and (match := pattern.search(text)):
            read += 1
            text = f"{text[: match.start()].rstrip()} {text[match.end() :].lstrip(' ')}".strip()
            found = rule(match) if found is None else _both(found, rule(match))
    if found is None:
        return text, None
    return re.sub(r"(?: *,)+", ",", " ".join(text.split())).strip(" ,;:-"), found


def _both(first: PriceRange, second: PriceRange) -> PriceRange:
    leasts = [p for p in (first, second) if p.least is not None]
    mosts = [p for p in (first, second) if p.most is not None]
    lower = max(leasts, key=lambda p: p.least or 0, default=PriceRange())
    upper = min(mosts, key=lambda p: p.most or 0, default=PriceRange())
    return PriceRange(
        lower.least, upper.most, is_least_in=lower.is_least_in, is_most_in=upper.is_most_in
    )


def _amount(text: str) -> float:
    if re.search(r"cents?|¢", text):
        return _amount(re.sub(r"cents?|¢", "", text)) / 100
    text = re.sub(_CURRENCY, "", text).strip(" -")
    if re.fullmatch(r"\d+,\d\d", text):  # a decimal comma
        text = text.replace(",", ".")
    if text.startswith("."):
        text = f"0{text}"
    if text.endswith("k") and text[:-1].replace(".", "").isdigit():
        return float(text[:-1]) * _K
    return number_of(text.replace(",", ""))


def _below(match: re.Match[str]) -> PriceRange:
    return PriceRange(None, _amount(match["most"]), is_most_in=False)


def _most(match: re.Match[str]) -> PriceRange:
    return PriceRange(None, _amount(match["most"]))


def _above(match: re.Match[str]) -> PriceRange:
    return PriceRange(_amount(match["least"]), None, is_least_in=False)


def _least(match: re.Match[str]) -> PriceRange:
    return PriceRange(_amount(match["least"]), None)


def _between(match: re.Match[str]) -> PriceRange:
    least, most = sorted((_amount(match["least"]), _amount(match["most"])))
    return PriceRange(least, most)


def _about(match: re.Match[str]) -> PriceRange:
    amount = _amount(match["price"])
    return PriceRange(round(amount * (1 - _AROUND), 2), round(amount * (1 + _AROUND), 2))


def _patterns() -> tuple[tuple[str, _Rule], ...]:
    one_has_currency = (
        rf"(?P<least>{_MONEY}){_TO}(?P<most>{_MONEY}|{_NUMBER})",
        rf"(?P<least>{_DIGITS}){_TO}(?P<most>{_MONEY})",
        rf"(?P<least>{NUMBER_WORD}) (?:to|and|through) (?P<most>{_MONEY})",
    )
    plain_range = f"(?P<least>{_NUMBER}){_TO}(?P<most>{_NUMBER})"
    lead = rf"{_PRICED}?(?:ranging )?(?:(?:between|from|for|in the range of) )?"
    return (
        *((lead + pattern, _between) for pattern in one_has_currency),
        (f"{_PRICED}(?:between|from) {plain_range}{_NO_UNIT}", _between),
        (f"between {plain_range}{_END}", _between),
        (f"{_PRICED}{plain_range}{_NO_UNIT}", _between),
        (rf"{_PRICED}?(?:for )?(?P<most>{_MONEY}) {_UP_TO_IT}", _most),
        (rf"{_PRICED}?(?:for )?(?P<least>{_MONEY}) ?{_FROM_IT}", _least),
        *(
            (rf"{_PRICED}?(?:for |at )?{words} ?(?P<{end}>{_MONEY})", rule)
            for words, end, rule in _COMPARED
        ),
        *(
            (rf"{_PRICED}(?:for )?{words} ?(?P<{end}>{_NUMBER}){_NO_UNIT}", rule)
            for words, end, rule in _COMPARED
        ),
        (rf"(?:for |at )?{_BELOW} ?(?P<most>{_NUMBER}){_END}", _below),
        (rf"{_NOT_MORE} (?P<most>{_NUMBER}){_END}", _most),
        (rf"(?:at most|no more than|not more than) (?P<most>{_NUMBER}){_END}", _most),
        (rf"{_PRICED}?(?:{_ABOUT} ?)?(?P<price>{_MONEY})(?:-?ish)?", _about),
    )


_COMPARED: tuple[tuple[str, str, _Rule], ...] = (
    (_NOT_MORE, "most", _most),
    (_NOT_LESS, "least", _least),
    (_BELOW, "most", _below),
    (_MOST, "most", _most),
    (_ABOVE, "least", _above),
    (_LEAST, "least", _least),
)
_EACH = r"(?: (?:each|apiece|per piece|a piece|per unit))?"
_RULES = tuple(
    (re.compile(rf"(?<![\w$.,/-]){pattern}(?![\w/])(?!\.\d){_EACH}"), rule)
    for pattern, rule in _patterns()
)
