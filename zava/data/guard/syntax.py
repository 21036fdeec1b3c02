"""What to write instead, for a text that PostgreSQL's parser cannot read.

The rules (`syntax_rules.py`) are tried in their order. Each looks at the text without its literals
and comments, up to and from the place of the error. Imported when a text cannot be read.
"""

import re
from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches

from zava.data.guard.mistakes.written_forms import WRITTEN_FORMS
from zava.data.guard.syntax_rules import AROUND, BEGIN, DIALECTS, ORDER, SyntaxRule

_GENERAL = "Correct the syntax near the stated position and send the statement again."
# What the parser's reader of words reports: no word of the text is out of place then.
_BY_MESSAGE = {
    "unterminated quoted string": "Close the text with '; write '' for a quote inside it.",
    "unterminated quoted identifier": 'Close the name with ". Write text in single quotes.',
    "unterminated dollar-quoted string": "Close the text with the same $…$ that opens it.",
    "unterminated /* comment": "Close the comment with */.",
    "zero-length delimited identifier": "Write a name in double quotes, and an empty text as ''.",
    "invalid byte sequence": "Text is valid Unicode without the null character.",
    "invalid Unicode": "Write the character itself: text is Unicode without the null character.",
    "trailing junk after numeric literal": (
        "Write a number without letters behind it, and a name that begins with a digit in double"
        " quotes."
    ),
}

_LITERAL = re.compile(r"e?'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL | re.IGNORECASE)
_IDENTIFIER = re.compile(r'"(?:[^"]|"")*"')
# One class of characters: two of them side by side would try each split of a long run of blanks.
_STATEMENT = re.compile(r"[\s(]*(?:select|with|values|table|from)\b", re.IGNORECASE)


_LAST_WORD, _FIRST_WORD = re.compile(r"\w+\s*\Z"), re.compile(r"\w+")
_NAMES_OFTEN = frozenset({"order", "group", "user", "table", "column", "end", "desc", "default"})
_NAMES = _NAMES_OFTEN | {
    *("analyse", "analyze", "both", "check", "collate", "constraint", "fetch", "for", "foreign"),
    *("grant", "leading", "limit", "offset", "only", "primary", "references", "trailing", "window"),
}
_WORDS = frozenset(
    {
        *("all", "and", "any", "array", "as", "asc", "between", "case", "cast", "create", "cross"),
        *("distinct", "do", "else", "except", "false", "from", "full", "having", "ilike", "in"),
        *("inner", "intersect", "into", "is", "join", "lateral", "left", "like", "natural", "not"),
        *("null", "on", "or", "outer", "over", "right", "select", "some", "then", "to", "true"),
        *("union", "unique", "using", "when", "where"),
    }
)


_MAX_NAME_CHARACTERS = 64
_WORD = re.compile(r"(?<![.\w])[A-Za-z]\w{3,}(?![.\w]|\s*\()", re.ASCII)
# Without those that usual names are like: over and cover, current and currency, values and value.
_KEYWORDS = (
    *("select", "from", "where", "group", "having", "order", "limit", "offset", "between"),
    *("distinct", "union", "join", "partition", "preceding", "following", "unbounded", "interval"),
    *("filter", "with", "within", "recursive", "exists", "lateral", "rollup", "grouping"),
)
_CLOSE = 0.75


def syntax_hint(statement: str, message: str, position: int) -> str:
    """Return what to write instead, for a text with a syntax error at a character."""
    for start, hint in _BY_MESSAGE.items():
        if message.startswith(start):
            return hint
    place = max(position - 1, 0)
    text = _bare(statement)
    return (
        _first(AROUND, text, place)
        or ("" if _STATEMENT.match(text) else BEGIN)
        or _first(WRITTEN_FORMS, text, place)
        or _first(DIALECTS, text, place)
        or _parentheses(text)
        or _cases(text)
        or _misspelt(text, place)
        or _first(ORDER, text, place)
        or _reserved(text, place)
        or _GENERAL
    )


def _first(rules: Iterable[SyntaxRule], text: str, place: int) -> str:
    return next((rule.hint for rule in rules if rule.fits(text, place)), "")


def _parentheses(text: str) -> str:
    missing = text.count("(") - text.count(")")
    if missing > 0:
        return f"Close each parenthesis: ) is missing {missing} times."
    return "Remove a closing parenthesis: there is one too many." if missing < 0 else ""


def _cases(text: str) -> str:
    words = Counter(word.lower() for word in _FIRST_WORD.findall(text))
    if words["case"] > words["end"]:
        return "Close CASE with END."
    is_open = words["case"] and words["when"] > words["then"]
    return "Write THEN after each WHEN: CASE WHEN condition THEN a ELSE b END." if is_open else ""


def _misspelt(text: str, place: int) -> str:
    """Return the keyword that a word beside the place of the error is nearly: FORM, GRUOP BY."""
    before = _WORD.findall(text[max(0, place - _MAX_NAME_CHARACTERS) : place])[-2:]
    at = _FIRST_WORD.match(text[place:])
    for word in (*([at[0]] if at else []), *reversed(before)):
        folded = word.lower()
        if folded in _WORDS | _NAMES or folded.startswith(_KEYWORDS):
            continue  # a keyword, or a name such as orders
        if near := get_close_matches(folded, _KEYWORDS, 1, _CLOSE):
            return f"Perhaps {near[0].upper()} instead of {word[:_MAX_NAME_CHARACTERS]}."
    return ""


def _reserved(text: str, place: int) -> str:
    before = _LAST_WORD.search(text[max(0, place - _MAX_NAME_CHARACTERS) : place])
    at = _FIRST_WORD.match(text[place:])
    words = [match[0].strip().lower() for match in (before, at) if match]
    if len(words) > 1 and words[0] in _NAMES_OFTEN:
        words = words[:1]
    if words and words[-1] in _NAMES:
        return (
            f"{words[-1]} is a reserved word: write it in double quotes where it is a name."
            " Otherwise correct the syntax before it."
        )
    if at and words[-1] in _WORDS:
        return (
            f"{words[-1].upper()} does not fit here: what stands before it is not complete, or an"
            " operator or a comma is missing."
        )
    return ""


def _bare(statement: str) -> str:
    """Return the text with its literals and comments blanked, each character in its place."""

    def blanked(match: re.Match[str]) -> str:
        inner = match[0]
        return f"'{'x' * (len(inner) - 2)}'" if inner.endswith("'") else " " * len(inner)

    text = _LITERAL.sub(blanked, statement)
    return _IDENTIFIER.sub(lambda match: f'"{"x" * (len(match[0]) - 2)}"', text)
