"""Reads a description of a product: its SKUs, its price, its sizes, and its words."""

import re
import unicodedata
from dataclasses import dataclass

from zava.errors import InvalidInput
from zava.retail.declaration import RETAIL
from zava.retail.search_values import CatalogueWords, PriceRange, price_in
from zava.retail.service.search_text.price_words import read_price
from zava.retail.service.search_text.size_words import read_sizes
from zava.retail.service.search_text.sku_forms import replaced_skus
from zava.retail.service.search_text.spelling import Spelled, Spelling, is_english

MAX_CHARACTERS = 1000
_MAX_SKU_CHARACTERS, _MAX_SKUS = 50, 16
_MAX_SHOWN = 8
_PLAIN = {0x2033: '"', 0x201C: '"', 0x201D: '"', 0x2032: "'", 0x2019: "'", 0x2044: "/"}
_PLAIN |= {0x00D7: "x", 0x2010: "-", 0x2011: "-", 0x2012: "-", 0x2013: "-", 0x2014: "-"}
_FRACTION_BEHIND_A_NUMBER = re.compile(r"(?<=\d) ?(?=[\u00bc-\u00be\u2150-\u215e])")
# Words that no English question has, of the languages that shops here hear most.
_FOREIGN = frozenset(
    re.findall(
        r"\S+",
        """
        el los las una unos unas para con sin por del que muy mi
        le les des du au aux une pour avec sans dans sur et
        der das und für mit ohne ein eine einen zum zur ich
        il gli della per senza uno lo
        um uma os sem em não de la het een voor met zonder
        """,
    )
)
# At least three digits: 2x4 and 12awg are sizes.
_CODE = re.compile(r"(?=(?:\D*\d){3})(?=.{4,20}\Z)[a-z0-9]+(?:[-_][a-z0-9]+)*", re.ASCII)
_EXCLUDED = re.compile(
    r"(?<!\bdo )(?<!\bdoes )\b(?:not|without|except(?: for)?|excluding) ([a-z]{3,})", re.ASCII
)
_DOLLARS = re.compile(r"\$|\b(?:usd|dollars?)\b")
# Signs and words of a currency besides its code.
_MARKS = {
    "EUR": r"€|\beuros?\b|",
    "GBP": r"£|\b(?:pounds sterling|quid)\b|",
    "JPY": r"¥|\byen\b|",
    "INR": r"₹|\brupees?\b|",
    "CHF": r"\bfrancs?\b|",
}
_OTHER_MONEY = re.compile(r"[€£¥]|\b(?:euros?|eur|gbp|pounds sterling|yen)\b")


@dataclass(frozen=True, slots=True)
class ReadText:
    """The parts of a description.

    `text` is what is searched for. `plain` has SKUs in the catalogue's form and nothing else
    rewritten. `coded` is what has the form of a SKU, if there is such a product or not.
    """

    text: str
    plain: str = ""
    skus: tuple[str, ...] = ()
    price: PriceRange | None = None
    sizes: tuple[str, ...] = ()
    size_patterns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    coded: str | None = None


class TextReader:
    """Reads descriptions with the words of one catalogue."""

    def __init__(self, words: CatalogueWords) -> None:
        self.words = words
        self._spelling = Spelling(words)

    def read(self, description: str, currency: str = RETAIL.currency) -> ReadText:
        """Return the parts of a description; a price in it is in the currency of list prices.

        Raises:
            InvalidInput: it holds no word, too many, or a price alone.
        """
        plain, written = replaced_skus(normalised(description), self.words.sku_shapes)
        marked, is_other = _in_dollars(plain, currency)
        text, price = (plain, None) if is_other else read_price(marked)
        if not any(character.isalnum() for character in text):
            raise InvalidInput(
                "query_description names a price and no product.",
                hint="Name the product as well, such as 'drill under $50'.",
            )
        sized = read_sizes(text, self.words.named)
        unknown = self._spelling.unknown(sized.text)
        is_foreign = any(word in _FOREIGN or not word.isascii() for word in unknown)
        # A word of another language is no misspelt English one.
        spelled = (
            Spelled(sized.text, (), unknown) if is_foreign else self._spelling.read(sized.text)
        )
        is_unknown = unknown != () and not self._spelling.knows_a_word_of(spelled.text)
        notes = []
        if spelled.corrections:
            read = ", ".join(f"'{was}' as '{now}'" for was, now in spelled.corrections)
            notes.append(f"Spelling: read {read}.")
        excluded = _EXCLUDED.search(sized.text)
        if excluded and self._spelling.knows_a_word_of(excluded[1]):
            notes.append(
                f"The search excludes nothing: '{excluded[1]}' counts like the other words."
            )
        if price is not None:
            told = price_text(price, currency)
            notes.append(f"Only products {told} (list price, read from the text).")
        elif is_other:
            home = "US dollars" if currency == RETAIL.currency else currency
            notes.append(f"Prices are in {home}: the other currency was not read as a filter.")
        if is_foreign or is_unknown:
            shown = ", ".join(f"'{word}'" for word in spelled.unknown[:_MAX_SHOWN])
            is_language = is_foreign or not all(map(is_english, spelled.unknown))
            notes.append(
                f"The catalogue {'is in English and ' if is_language else ''}has none of these"
                f" words: {shown}. They were searched for by meaning only."
                f"{' Write words of another language in English.' if is_language else ''}"
            )
        # Without a word of the catalogue the likeness of the whole text decides: the fewer words of
        # it are compared, the more products seem to be alike.
        is_whole = is_unknown and price is not None and bool(self.words.named)
        return ReadText(
            text=plain if is_whole else spelled.text,
            plain=plain,
            skus=tuple(dict.fromkeys((*written, *_skus(plain))))[:_MAX_SKUS],
            price=price,
            sizes=sized.sizes,
            size_patterns=sized.patterns,
            notes=tuple(notes),
            coded=written[0] if written else _code(plain),
        )


def _in_dollars(text: str, currency: str) -> tuple[str, bool]:
    """Return a text with the marks of a currency as dollars, and whether it names another one."""
    if currency == RETAIL.currency:
        return text, _OTHER_MONEY.search(text) is not None
    marks = _MARKS.get(currency, "") + rf"\b{currency.lower()}\b"
    bare = re.sub(marks, "", text)
    is_other = _DOLLARS.search(bare) is not None or _OTHER_MONEY.search(bare) is not None
    return re.sub(marks, "$", text), is_other


def price_text(price: PriceRange, currency: str = RETAIL.currency) -> str:
    """Return the range in words, such as `from $20.00 to $40.00`."""
    least, most = (
        None if amount is None else price_in(amount, currency)
        for amount in (price.least, price.most)
    )
    if least is not None and most is not None:
        if price.is_least_in and price.is_most_in:
            return f"from {least} to {most}"
        return f"{'from' if price.is_least_in else 'above'} {least} and " + (
            f"up to {most}" if price.is_most_in else f"below {most}"
        )
    if most is not None:
        return f"{'up to' if price.is_most_in else 'below'} {most}"
    return f"{'from' if price.is_least_in else 'above'} {least}"


def normalised(description: str) -> str:
    """Return the text to search for: one line, lower case, no invisible characters.

    Raises:
        InvalidInput: the text has no letter or digit, or is too long.
    """
    if len(description) > MAX_CHARACTERS:
        raise InvalidInput(
            f"query_description has {len(description):,} characters; at most {MAX_CHARACTERS:,}"
            " are accepted.",
            hint="Describe the product in a sentence.",
        )
    description = _FRACTION_BEHIND_A_NUMBER.sub("-", description).translate(_PLAIN)
    kinds = {character: unicodedata.category(character) for character in description}
    seen = "".join(
        " " if kinds[character] == "Cc" else character
        for character in description
        if kinds[character] not in {"Cf", "Cs"}
    )
    folded = unicodedata.normalize("NFKC", seen).translate(_PLAIN).casefold()
    text = " ".join(folded.split())[:MAX_CHARACTERS]
    if not any(character.isalnum() for character in text):
        raise InvalidInput(
            "query_description holds no word.",
            hint="Name a product, what it is for, or a SKU.",
        )
    return text


def _code(text: str) -> str | None:
    """Return a text that is one code of letters and digits, in capitals, None for another."""
    return text.upper() if _CODE.fullmatch(text) else None


def _skus(text: str) -> tuple[str, ...]:
    """Return what may be SKUs, in capitals: the text itself, and words with a digit or a hyphen."""
    words = (word.strip(".,;:!?()[]{}'\"") for word in text.split())
    maybe = [text, *(word for word in words if re.search(r"[\d-]", word))]
    short = (word.upper() for word in maybe if 0 < len(word) <= _MAX_SKU_CHARACTERS)
    return tuple(dict.fromkeys(short))
