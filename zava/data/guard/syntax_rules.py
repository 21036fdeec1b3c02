"""The rules for syntax errors: what a text has around the place of the error, and what to write.

Each rule looks at the text without its literals and comments. Loaded when a text cannot be read.
"""

import re
from typing import NamedTuple

_SCHEMA = "get_multiple_table_schemas describes the tables that you can read."
BEGIN = "The text must begin with SELECT, WITH or VALUES: send the SQL alone, without other words."
VALUES = "Write the values into the statement: nothing is bound to placeholders."
_OUTSIDE = "Select it in a subquery and filter outside: SELECT * FROM (…) AS t WHERE …"

# What follows a clause within its query, with calls such as count(*).
_SAME_QUERY = r"(?:[^()]|\([^()]*\))*"

# How far back a rule looks: a search for what ends at a place takes the square of it.
_WINDOW = 1_000


class SyntaxRule(NamedTuple):
    """A hint for a text that matches; `before` ends and `at` begins at the place of the error."""

    hint: str
    anywhere: re.Pattern[str]
    before: re.Pattern[str]
    at: re.Pattern[str]

    @classmethod
    def reading(
        cls, hint: str, anywhere: str = "", *, before: str = "", at: str = ""
    ) -> "SyntaxRule":
        """Return a rule of patterns that ignore case."""
        before = rf"(?:{before})\s*\Z" if before else ""
        patterns = (re.compile(each, re.IGNORECASE | re.DOTALL) for each in (anywhere, before, at))
        return cls(hint, *patterns)

    def fits(self, text: str, place: int) -> bool:
        """Whether the text has what the rule looks for."""
        return bool(
            self.anywhere.search(text)
            and self.before.search(text[max(0, place - _WINDOW) : place])
            and self.at.match(text[place:])
        )


_rule = SyntaxRule.reading

AROUND = (
    _rule("Send the SQL alone, without the ``` fence and the words around it.", "```"),
    _rule(
        f"There are no settings or commands of a client. {_SCHEMA}",
        r"^\s*(?:describe|desc|use|show|explain\s+table|pragma|\\d\S*|\\l|\.tables|sp_help)\b|^\s*[\\.]",
    ),
    _rule(
        "Send one SELECT: there are no variables, batches or procedures.",
        r"^\s*(?:declare|go|exec|execute|begin|set|if|print)\b",
    ),
    _rule("Begin with SELECT: write SELECT … FROM ….", r"^\s*from\b"),
)
DIALECTS = (
    _rule(r"\_ is Markdown's escape: write _ alone.", at=r"\\[_*%#\[\]()~<>.|-]"),
    _rule("Write '' for a quote inside a text, not \\'.", r"\\'"),
    _rule(r"Leave the backslash out.", at=r"\\"),
    _rule("Write names plain or in double quotes, not in backticks.", "`"),
    # Statements of several parts.
    _rule(
        "Write WITH x AS (SELECT …): the query in parentheses.",
        r"\bas\s+select\b|\bwith\s+\w+\s*\(\s*select\b",
    ),
    _rule("Remove the comma before SELECT.", at=r"select\b", before=","),
    _rule(
        "Leave the semicolon out: WITH and its SELECT are one statement.",
        r"^\s*with\b.*\)\s*;\s*\w",
    ),
    _rule("Write GROUP BY ROLLUP (a, b).", r"\bwith\s+(?:rollup|cube|totals)\b"),
    _rule("Write WITH before SELECT.", at=r"with\s+\w+\s+as\s*\("),
    _rule(
        "Write WHERE after FROM.",
        r"^\s*select\b(?:(?!\bfrom\b).)*\bwhere\b",
        at=r"from\b",
        before=r"\bwhere\b(?:(?!\bfrom\b).)*",
    ),
    _rule("Write FROM once.", r"\bfrom\s+from\b"),
    _rule(
        "Put a query with LIMIT in parentheses: (SELECT … LIMIT 1) UNION …",
        r"\blimit\s+\w+\s+(?:union|intersect|except)\b",
    ),
    _rule("Name the outputs of both queries in one order.", r"\bunion\s+(?:all\s+)?by\s+name\b"),
    _rule("Write SELECT DISTINCT.", r"\bselect\s+unique\b"),
    _rule(
        "Write WHERE EXISTS (…) for a semi join, WHERE NOT EXISTS (…) for an anti join.",
        r"\b(?:anti|semi)\s+join\b",
    ),
    _rule(
        "Write LEFT JOIN LATERAL (SELECT … ORDER BY x DESC LIMIT 1) AS t ON true.",
        r"\basof\s+join\b",
    ),
    _rule("Write CROSS JOIN LATERAL unnest(x) AS t.", r"\barray\s+join\b"),
    _rule("Write CROSS JOIN LATERAL unnest(x) AS t.", at=r"unnest\b", before=r"\w"),
    _rule("Name the table after JOIN: JOIN x ON a.y = x.y.", r"\bjoin\s+on\b"),
    _rule("Write INNER JOIN or LEFT JOIN.", r"\b(?:inner|outer)\s+(?!join\b|apply\b)[a-z]"),
    _rule("Write WITH RECURSIVE … UNION ALL ….", r"\bconnect\s+by\b|\bstart\s+with\b"),
    _rule("The tables have one state: leave AS OF out.", r"\bas\s+of\b|\bsystem_time\b"),
    _rule("Write WHERE instead of PREWHERE.", r"\bprewhere\b"),
    _rule(
        "Leave the hint out: settings and formats are not part of a statement.",
        r"\boption\s*\(|\bsettings\s+\w+\s*=|\bformat\s+[a-z]+\s*;?\s*$",
    ),
    _rule("Write ORDER BY random() LIMIT n.", r"\bsample\s*\(?\s*\d|\btablesample\b"),
    _rule(
        "Number the rows in a subquery: row_number() OVER (PARTITION BY x ORDER BY y) <= n.",
        r"\blimit\s+\d+\s+by\b",
    ),
    _rule(
        "Write LIMIT n, or FETCH FIRST n ROWS ONLY.",
        r"\bfetch\s+(?:first|next)\b|\blimit\s+\d+\s+rows?\b",
    ),
    # Calls and windows.
    _rule(
        "Write extract(month FROM x).",
        r"\bextract\s*\(\s*\w+\s*,|\bextract\s*\(\s*\w+\s+(?!from\b)\w",
    ),
    _rule("Write position('a' IN x), or strpos(x, 'a').", r"\bposition\s*\([^()]*,"),
    _rule(
        "Write row_number() OVER (…), with parentheses after the name.",
        r"\b(?:row_number|(?:dense_)?rank|ntile|lag|lead)\s+over\b",
    ),
    _rule(
        "Write OVER (PARTITION BY x ORDER BY y), with parentheses.",
        r"\bover\s+(?:partition|order)\b|\bwindow\s+\w+\s+as\s+(?!\()|\bpartition\s+(?!by\b)\w",
    ),
    _rule("Write WITHIN GROUP (ORDER BY x).", r"\bwithin\s+group\s+(?!\()"),
    _rule("Write WITHIN GROUP (ORDER BY x).", before=r"\bwithin\s+group\s*\(", at=r"[\w\"]"),
    _rule(
        "Write percentile_cont(0.5) WITHIN GROUP (ORDER BY x).",
        before=r"\bpercentile_\w+\s*\([^()]*\)",
        at=r"\(",
    ),
    _rule(
        "Write OVER (ORDER BY x DESC), with ORDER BY.",
        before=r"\bover\s*\(\s*[\w.]+",
        at=r"(?:desc|asc|rows|range)\b|,",
    ),
    _rule(
        "Write sum(x) FILTER (WHERE condition).",
        r"\bfilter\s+(?!\()\w|\b(?:sum|count|avg|min|max)\s*\([^()]*\b(?:where|if)\b",
    ),
    _rule(
        "Write the argument in parentheses: sum(x).",
        before=r"\b(?:sum|avg|min|max|count)",
        at=r"(?!from\b|as\b)[a-z*]",
    ),
    _rule("Write what is counted: count(DISTINCT x).", r"\bdistinct\s*\)"),
    _rule("Write string_agg(x::text, ', ' ORDER BY x).", r"\bseparator\b"),
    # Conditions and values.
    _rule(
        "Put the call in parentheses: (f(x))[1]. The first element has the number 1.",
        at=r"\[",
        before=r"[)\]]",
    ),
    _rule("Write ARRAY[1, 2].", r"(?:^|[\s,(=])\[\s*['\d]"),
    _rule("Write jsonb_build_object('a', 1).", r"\{\s*'"),
    _rule(VALUES, r"(?:^|[\s=(,])<[a-z_]+>"),
    _rule("Write x ->> 'a' to read a key of JSON.", at=r":\s*[a-z]", before=r"[\w)']"),
    _rule("Write x LIKE ANY (ARRAY['a%', 'b%']).", r"\bi?like\s+any\s*\("),
    _rule("Write x LIKE 'a%', or x ~ 'pattern'.", r"\b(?:glob|matches)\b"),
    _rule("Write x NOT IN (…).", r"(?:<>|!=)\s*in\b"),
    _rule("Write x >= CURRENT_DATE - 30.", r"\b(?:in|within)\s+(?:the\s+)?last\s+\d"),
    _rule(
        "Write = to compare: IS takes NULL, TRUE or FALSE.",
        before=r"\bis(?:\s+not)?",
        at=r"['\d]",
    ),
    _rule(
        "Repeat the column: x = 'a' OR x = 'b', or write x IN ('a', 'b').",
        before=r"\b(?:or|and)",
        at=r"[=<>]",
    ),
    _rule(
        "Remove the word: a condition is missing before it.", before=r"\bwhere", at=r"(?:and|or)\b"
    ),
    _rule(
        "Write x + interval '1 month'.",
        r"[-+]\s*\d+\s+(?:day|week|month|quarter|year|hour|minute)s?\b",
    ),
    _rule("Write timestamp '2026-01-01', or x::timestamptz.", r"\btimestamp\s*\(\s*'"),
    _rule("|| joins texts: a || b.", before=r"'x*'", at="'"),
    _rule('Write such a name in double quotes: AS "2025".', before=r"\bas", at=r"\d"),
    _rule('Write such a name in double quotes: AS "a-b".', before=r"\bas\s+\w+", at="-"),
    _rule("Write ASC or DESC.", at=r"(?:de|a)scending\b"),
    _rule(
        "Write ORDER BY x, or GROUP BY x.",
        before=r"\b(?:order|group)",
        at=r"(?!(?:by|from|where|as)\b)[a-z]",
    ),
    _rule("Write names plain or in double quotes, not in square brackets.", at=r"\[\s*[a-z_]"),
    _rule(
        "Write names plain or in double quotes, not in square brackets.",
        r"(?:^|[\s,.(])\[\s*[a-z_][\w ]*\]",
    ),
    _rule("-- begins a comment, not #.", at="#"),
    _rule("-- begins a comment, not #.", r"#\s*[a-z]"),
    _rule("-- begins a comment, not //.", r"(?:^|\s)//"),
    # Placeholders.
    _rule(VALUES, r"\{\{|\$\{|%\(\w+\)s|%s\b|(?:^|[\s(=,<>])[:@]\w+|(?:[=<>(,]|\blimit|\bin)\s*\?"),
    _rule(VALUES, at=r"[?{$]"),
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
        r"\*\s*(?:except|exclude|replace|rename)\b",
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
        r"\bpivot\b",
    ),
    _rule(
        "Write CROSS JOIN LATERAL (VALUES ('a', a), ('b', b)) AS t(name, value).",
        r"\bunpivot\b",
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
ORDER = (
    _rule("Write the SELECT that follows the WITH.", r"^\s*with\b", before=r"\)", at=r";|\Z"),
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
        at=r"(?!(?:where|group|order|limit)\b)[a-z]\w*\s*(?:,|from\b|\Z)",
    ),
    _rule("Write '' for a quote inside a text.", before=r"'x*'", at=r"\w"),
    _rule(
        "Write WHERE after FROM and before GROUP BY. A condition on groups is HAVING.",
        at=r"where\b",
        before=rf"\b(?:group\s+by|order\s+by|having)\b{_SAME_QUERY}",
    ),
    _rule(
        "Write GROUP BY after WHERE and before HAVING and ORDER BY.",
        at=r"group\b",
        before=rf"\b(?:order\s+by|having|limit)\b{_SAME_QUERY}",
    ),
    _rule(
        "Write HAVING after GROUP BY and before ORDER BY.",
        at=r"having\b",
        before=rf"\b(?:order\s+by|limit)\b{_SAME_QUERY}",
    ),
    _rule(
        "Write JOIN before WHERE.",
        at=r"(?:inner|left|right|full|cross|join)\b",
        before=rf"\b(?:where|group\s+by|order\s+by)\b{_SAME_QUERY}",
    ),
    _rule(
        "Write ORDER BY after GROUP BY and HAVING; in a UNION once, at the end.",
        at=r"(?:union|intersect|except)\b",
        before=rf"\border\s+by\b{_SAME_QUERY}",
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
