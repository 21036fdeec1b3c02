"""What to write instead, for a text that PostgreSQL's parser cannot read.

The rules are tried in their order. Each looks at the text without its literals and comments, up to
and from the place of the error. Imported when a text cannot be read.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

_GENERAL = "Correct the syntax near the stated position and send the statement again."
_SCHEMA = "get_multiple_table_schemas describes the tables that you can read."
_BEGIN = "The text must begin with SELECT, WITH or VALUES: send the SQL alone, without other words."
_VALUES = "Write the values into the statement: nothing is bound to placeholders."
_OUTSIDE = "Select it in a subquery and filter outside: SELECT * FROM (…) AS t WHERE …"

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
_STATEMENT = re.compile(r"\s*\(*\s*(?:select|with|values|table|from)\b", re.IGNORECASE)


_LAST_WORD, _FIRST_WORD = re.compile(r"\w+\s*\Z"), re.compile(r"\w+")
_NAMES_OFTEN = frozenset({"order", "group", "user", "table", "column", "end", "desc", "default"})
_RESERVED = _NAMES_OFTEN | {
    *("all", "analyse", "analyze", "and", "any", "array", "as", "asc", "both", "case", "cast"),
    *("check", "collate", "constraint", "create", "deferrable", "distinct", "do", "else", "except"),
    *("false", "fetch", "for", "foreign", "from", "grant", "having", "in", "initially", "into"),
    *("intersect", "lateral", "leading", "limit", "not", "null", "offset", "on", "only", "or"),
    *("placing", "primary", "references", "returning", "select", "some", "symmetric", "then"),
    *("to", "trailing", "true", "union", "unique", "using", "variadic", "when", "where", "window"),
}


# How far back a rule looks: a search for what ends at a place takes the square of it.
_WINDOW, _MAX_NAME_CHARACTERS = 1_000, 64


class _Rule(NamedTuple):
    """A hint for a text that matches; `before` ends and `at` begins at the place of the error."""

    hint: str
    anywhere: re.Pattern[str]
    before: re.Pattern[str]
    at: re.Pattern[str]

    def fits(self, text: str, place: int) -> bool:
        """Whether the text has what the rule looks for."""
        return bool(
            self.anywhere.search(text)
            and self.before.search(text[max(0, place - _WINDOW) : place])
            and self.at.match(text[place:])
        )


def _rule(hint: str, anywhere: str = "", *, before: str = "", at: str = "") -> _Rule:
    before = rf"(?:{before})\s*\Z" if before else ""
    patterns = (re.compile(each, re.IGNORECASE | re.DOTALL) for each in (anywhere, before, at))
    return _Rule(hint, *patterns)


_AROUND = (
    _rule("Send the SQL alone, without the ``` fence and the words around it.", "```"),
    _rule(
        f"There are no settings or commands of a client. {_SCHEMA}",
        r"^\s*(?:describe|desc|use|show|explain\s+table|pragma|\\d\S*|\\l|\.tables|sp_help)\b|^\s*[\\.]",
    ),
    _rule(
        "Send one SELECT: there are no variables, batches or procedures.",
        r"^\s*(?:declare|go|exec|execute|begin|set|if|print)\b",
    ),
)
_DIALECTS = (
    _rule(r"\_ is Markdown's escape: write _ alone.", at=r"\\[_*%#\[\]()~<>.|-]"),
    _rule("Write '' for a quote inside a text, not \\'.", r"\\'"),
    _rule(r"Leave the backslash out.", at=r"\\"),
    _rule("Write names plain or in double quotes, not in backticks.", "`"),
    _rule("Write names plain or in double quotes, not in square brackets.", at=r"\[\s*[a-z_]"),
    _rule(
        "Write names plain or in double quotes, not in square brackets.",
        r"(?:^|[\s,.(])\[\s*[a-z_][\w ]*\]",
    ),
    _rule("-- begins a comment, not #.", at="#"),
    _rule("-- begins a comment, not #.", r"#\s*[a-z]"),
    _rule("-- begins a comment, not //.", r"(?:^|\s)//"),
    # Placeholders.
    _rule(
        _VALUES, r"\{\{|\$\{|%\(\w+\)s|%s\b|(?:^|[\s(=,<>])[:@]\w+|(?:[=<>(,]|\blimit|\bin)\s*\?"
    ),
    _rule(_VALUES, at=r"[?{$]"),
    # Clauses of other dialects.
    _rule(
        "Write LIMIT n at the end instead of TOP.",
        r"\bselect\s+(?:distinct\s+|all\s+)?(?:top|first)\s*\(?\s*\d",
    ),
    _rule("Write LIMIT n OFFSET m: the number of rows first.", r"\blimit\s+\w+\s*,"),
    _rule("Write LIMIT n without a percent sign.", r"\blimit\s+\d+\s*(?:%|percent\b)"),
    _rule("Write LIMIT n once, after ORDER BY.", r"\blimit\s+\w+\s+order\s+by\b"),
    _rule(f"There is no QUALIFY. {_OUTSIDE}", r"\bqualify\b"),
    _rule(
        "Write CROSS JOIN LATERAL (…) AS t, or LEFT JOIN LATERAL (…) AS t ON true.",
        r"\b(?:cross|outer)\s+apply\b",
    ),
    _rule("Write CROSS JOIN LATERAL unnest(x) AS t.", r"\blateral\s+view\b"),
    _rule(
        "Name the columns that you need: * takes no EXCEPT, EXCLUDE or REPLACE.",
        r"\*\s*(?:except|exclude|replace)\b",
    ),
    _rule(
        "Leave NULLs out with a FILTER or a WHERE: window functions take no IGNORE NULLS.",
        r"\b(?:ignore|respect)\s+nulls\b",
    ),
    _rule("Write LEFT JOIN … ON instead of (+).", r"\(\s*\+\s*\)"),
    _rule(
        "Leave the lock hint out: reads take no locks.",
        r"\bnolock\b|\bwith\s*\(\s*(?:index|readpast)",
    ),
    _rule(
        "Write one sum(x) FILTER (WHERE y = '…') for each column instead of PIVOT.",
        r"\b(?:un)?pivot\b",
    ),
    _rule("Write EXCEPT instead of MINUS.", r"\bminus\s+(?:all\s+)?\(?\s*select\b"),
    _rule("Write x ~ 'pattern', or x !~ 'pattern'.", r"\b(?:not\s+)?(?:regexp|rlike)\b"),
    _rule("Write string_agg(x::text, ', ' ORDER BY x).", r"\b(?:group_concat|listagg)\s*\("),
    _rule("Write FROM … CROSS JOIN LATERAL unnest(x) WITH ORDINALITY.", r"\bwith\s+offset\b"),
    _rule("Leave the index hint out.", r"\b(?:use|force|ignore)\s+index\b|\bstraight_join\b"),
    _rule(
        "Write rows as ROW(a, b) or jsonb_build_object('a', a).", r"\bstruct\s*[<(]|\bas\s+struct\b"
    ),
    _rule("Write ARRAY[1, 2]::integer[].", r"\barray\s*<"),
    _rule(
        "Write x::numeric, x::date or x::text: there is no cast that ignores errors.",
        r"\b(?:try_cast|safe_cast|try_convert)\s*\(",
    ),
    _rule("Write x::text, or CAST(x AS text).", r"\bconvert\s*\("),
    # Expressions of other dialects.
    _rule("Write the number in quotes: INTERVAL '30 days'.", r"\binterval\s*\(?\s*[-+]?\d"),
    _rule(
        "Write the number and the unit in quotes: INTERVAL '1 month'.",
        r"\binterval\s+[a-z]\w*\s+[a-z]",
    ),
    _rule(
        "Write CURRENT_DATE without parentheses; now() is the time.",
        r"\b(?:current_(?:date|time|timestamp)|localtime(?:stamp)?)\s*\(\s*\)",
    ),
    _rule("Write a % b.", r"\bmod\b\s*[\d(]|\w\s+mod\s+\w"),
    _rule("Write div(a, b).", r"\w\s+div\s+\w"),
    _rule("Write (a OR b) AND NOT (a AND b).", r"\bxor\b"),
    _rule("Write = to compare, and AS to name an output.", r":="),
    _rule("Write <> to compare.", r"!\s+="),
    _rule("Write >= or <=.", r"=\s*[<>]|[<>]\s+="),
    _rule("Write IS NOT NULL.", r"\bis\s+not\s*=|\bnot\s+is\s+null|\bisnt\b"),
    _rule("Write ELSE and WHEN: there is no ELSEIF.", r"\belse?\s*if\b"),
    _rule("Write BETWEEN a AND b.", r"\bbetween\s+[^\s]+\s*(?:,|\bto\b|\bund\b)"),
    _rule("Write x IN (1, 2), with parentheses.", at=r".", before=r"\bin"),
)
_ORDER = (
    _rule("Name the columns in GROUP BY: ALL is not among them.", r"\bgroup\s+by\s+all\b"),
    _rule("Write NULLS FIRST or NULLS LAST.", r"\bnulls\b(?!\s+(?:first|last)\b)"),
    _rule("Write a number after LIMIT or OFFSET.", before=r"\b(?:limit|offset)", at=r"[;)]|\Z"),
    _rule(
        "Name what to sort, group or partition by.",
        before=r"\b(?:order|group|partition)\s+by",
        at=r"[;),]|(?:having|limit|order|rows|range)\b|\Z",
    ),
    _rule('Write the name in double quotes: AS "Store".', before=r"\bas", at="'"),
    _rule(
        'Write a name of two words in double quotes: AS "Store Name".',
        before=r"(?:\bas|(?:\bselect|,)\s+[\w.]+)\s+[a-z]\w*",
        at=r"[a-z]\w*\s*(?:,|from\b)",
    ),
    _rule("Write '' for a quote inside a text.", before=r"'x*'", at=r"\w"),
    _rule(
        "Write WHERE after FROM and before GROUP BY. A condition on groups is HAVING.",
        at=r"where\b",
        before=r"\b(?:group\s+by|order\s+by|having)\b[^()]*",
    ),
    _rule(
        "Write GROUP BY after WHERE and before HAVING and ORDER BY.",
        at=r"group\b",
        before=r"\b(?:order\s+by|having|limit)\b[^()]*",
    ),
    _rule(
        "Write HAVING after GROUP BY and before ORDER BY.",
        at=r"having\b",
        before=r"\b(?:order\s+by|limit)\b[^()]*",
    ),
    _rule(
        "Write JOIN before WHERE.",
        at=r"(?:inner|left|right|full|cross|join)\b",
        before=r"\b(?:where|group\s+by|order\s+by)\b[^()]*",
    ),
    _rule(
        "Write ORDER BY after GROUP BY and HAVING; in a UNION once, at the end.",
        at=r"(?:union|intersect|except)\b",
        before=r"\border\s+by\b[^()]*",
    ),
    # Commas, parentheses, ends.
    _rule(
        "Remove the comma before this word.",
        at=r"(?:from|where|group|order|limit|union|\)|;|\Z)",
        before=",",
    ),
    _rule("Write one comma between two outputs.", at=",", before=r"\bselect|,|\bby"),
    _rule(
        "Write JOIN … ON a.x = b.x, or USING (x).",
        at=r"(?:where|group|order|\Z)",
        before=r"\bon|\bjoin\s+\S+(?:\s+\w+)?",
    ),
    _rule(
        "A condition is missing before this word.",
        at=r"(?:group|order|limit|\)|\Z)",
        before=r"\b(?:where|and|or|having|not)",
    ),
)


def syntax_hint(statement: str, message: str, position: int) -> str:
    """Return what to write instead, for a text with a syntax error at a character."""
    for start, hint in _BY_MESSAGE.items():
        if message.startswith(start):
            return hint
    place = max(position - 1, 0)
    text = _bare(statement)
    return (
        _first(_AROUND, text, place)
        or ("" if _STATEMENT.match(text) else _BEGIN)
        or _first(_DIALECTS, text, place)
        or _parentheses(text)
        or _cases(text)
        or _first(_ORDER, text, place)
        or _reserved(text, place)
        or _GENERAL
    )


def _first(rules: Iterable[_Rule], text: str, place: int) -> str:
    return next((rule.hint for rule in rules if rule.fits(text, place)), "")


def _parentheses(text: str) -> str:
    missing = text.count("(") - text.count(")")
    if missing > 0:
        return f"Close each parenthesis: ) is missing {missing} times."
    return "Remove a closing parenthesis: there is one too many." if missing < 0 else ""


def _cases(text: str) -> str:
    words = Counter(word.lower() for word in _FIRST_WORD.findall(text))
    return "Close CASE with END." if words["case"] > words["end"] else ""


def _reserved(text: str, place: int) -> str:
    before = _LAST_WORD.search(text[max(0, place - _MAX_NAME_CHARACTERS) : place])
    at = _FIRST_WORD.match(text[place:])
    words = [match[0].strip().lower() for match in (before, at) if match]
    if len(words) > 1 and words[0] in _NAMES_OFTEN:
        words = words[:1]
    if words and words[-1] in _RESERVED:
        return (
            f"{words[-1]} is a reserved word: write it in double quotes where it is a name."
            " Otherwise correct the syntax before it."
        )
    return ""


def _bare(statement: str) -> str:
    """Return the text with its literals and comments blanked, each character in its place."""

    def blanked(match: re.Match[str]) -> str:
        inner = match[0]
        return f"'{'x' * (len(inner) - 2)}'" if inner.endswith("'") else " " * len(inner)

    text = _LITERAL.sub(blanked, statement)
    return _IDENTIFIER.sub(lambda match: f'"{"x" * (len(match[0]) - 2)}"', text)
