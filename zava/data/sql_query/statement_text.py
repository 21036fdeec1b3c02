"""Takes off what models write around a statement, and names odd characters inside one.

What `plain_statement` returns is the text that is signed, judged and run: guard, signature and
server see the same.
"""

import re
import unicodedata

from zava.data.syntax.limits import FIELD
from zava.errors import InvalidInput

# PostgreSQL reads each of these, outside of text, as a letter of a name.
_NO_WIDTH = (
    "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069"
    "\ufeff"
)
_BLANKS = (
    "\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029"
    "\u202f\u205f\u3000"
)
_QUOTES = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2032\u2033\u00b4\u00ab\u00bb"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_OPERATORS = "\u2260\u2264\u2265\u00d7\u00f7"
_WIDE = "".join(map(chr, (*range(0xFF01, 0xFF10), *range(0xFF1A, 0xFF21))))

_WRITE = {
    **dict.fromkeys(_NO_WIDTH, "Leave it out."),
    **dict.fromkeys(_BLANKS, "Write a plain blank."),
    **dict.fromkeys(_QUOTES, "Write ' around text and \" around names, no typographic quotes."),
    **dict.fromkeys(_DASHES, "Write a plain - for minus."),
    **dict.fromkeys(_OPERATORS, "Write <>, <=, >=, * or /."),
    **dict.fromkeys(_WIDE, "Write the plain sign of ASCII."),
}
_AROUND = f" \t\r\n\f\v{_NO_WIDTH}{_BLANKS}"
_FENCE = re.compile(
    r"```(?:(?:sql|postgresql|postgres|pgsql|psql)(?=\s))?(.*?)```", re.DOTALL | re.IGNORECASE
)
# Where a character stands for itself: text, a quoted name, a comment. Each ends at the latest with
# the statement.
_PART = re.compile(
    r"(?<![\w$])e'(?:[^'\\]|''|\\.)*(?:'|\Z)"
    r"|'(?:[^']|'')*(?:'|\Z)"
    r'|"(?:[^"]|"")*(?:"|\Z)'
    r"|(?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)"
    r"|--[^\r\n]*"
    r"|(?P<comment>/\*)"
    rf"|(?P<odd>[{''.join(_WRITE)}])",
    re.DOTALL | re.IGNORECASE,
)
_COMMENT_END = re.compile(r"/\*|\*/")


def plain_statement(written: str) -> str:
    """Return a statement without the odd characters and the one fence around it."""
    statement = _bare(written)
    fenced = _FENCE.fullmatch(statement)
    return _bare(fenced[1]) if fenced else statement


def check_characters(statement: str) -> None:
    """Refuse a statement that has, outside of text and comments, an odd character.

    Raises:
        InvalidInput: names the character, its place, and what to write instead.
    """
    if statement.isascii():
        return
    place = _first_odd(statement)
    if place is None:
        return
    character = statement[place]
    name = unicodedata.name(character, "control character").lower()
    raise InvalidInput(
        f"{FIELD} has a {name} (U+{ord(character):04X}) outside of text, at character {place + 1}.",
        hint=_WRITE[character],
    )


def _bare(text: str) -> str:
    text = text.strip(_AROUND)
    # A blank before the last semicolon is around the statement, too.
    shorter = text.rstrip(f"{_AROUND};")
    return text if text[len(shorter) :].isascii() else shorter


def _first_odd(statement: str) -> int | None:
    place = 0
    while part := _PART.search(statement, place):
        if part.lastgroup == "odd":
            return part.start()
        place = part.end()
        if part.lastgroup == "comment":
            place = _end_of_comment(statement, place)
    return None


def _end_of_comment(statement: str, place: int) -> int:
    """Return where a comment ends that has opened before `place`; comments nest."""
    depth = 1
    while depth:
        mark = _COMMENT_END.search(statement, place)
        if mark is None:
            return len(statement)
        depth += 1 if mark[0] == "/*" else -1
        place = mark.end()
    return place
