"""The rules for conditions, values, queries and joins as models write them from other languages.

They are tried before the rules for clauses and windows, which look at less of the text.
"""

from zava.data.guard.syntax_rules import VALUES, SyntaxRule

_rule = SyntaxRule.reading

_COMPARES = (
    "Write x = 'a' to compare, x LIKE 'a%' for a beginning, x LIKE '%a' for an end and"
    " x ILIKE '%a%' for a part."
)
_SUBQUERY = "Put the subquery in parentheses: x IN (SELECT …), EXISTS (SELECT …)."

# What is copied with a text.
COPIED = (
    _rule(
        "Write < and > themselves: &lt; and the like are HTML.", r"&(?:[lg]t|amp|nbsp|quot|#\d+);"
    ),
    _rule("Write the statement out: … stands for no text.", r"\.{3}|…"),
    _rule("Write dates as text in the form '2026-01-31'.", r"#\s*\d{4}-\d\d-\d\d\s*#"),
    _rule(VALUES, r"#\w+#"),
)
CONDITIONS = (
    _rule("Write x IS NOT NULL.", at=r"not\s+null\b"),
    _rule(
        "Repeat the column: x = 'a' OR x IS NULL.",
        r"\b(?:or|and|where)\s+(?:is|i?like|between|in)\b",
    ),
    _rule(
        "Leave IS out: write x IN (…), x NOT IN (…).", r"\bis\s+(?:not\s+)?(?:in|i?like|between)\b"
    ),
    _rule(
        _COMPARES,
        before=r"[\w\")]",
        at=r"(?:not\s+)?(?:equals?|contains?|includes|(?:start|begin|end)s?\s*with)\b",
    ),
    _rule(
        "Write x ILIKE '%word%'. Search products with semantic_search_products.",
        at=r"(?:match|against)\b",
    ),
    _rule("Write x SIMILAR TO 'pattern', or x LIKE '%a%'.", before=r"\bsimilar", at="'"),
    _rule("Write the pattern in quotes: LIKE '%word%'.", r"\bi?like\s+\w+%\s*(?:\Z|[;)])"),
    _rule(
        "Write the pattern in quotes: LIKE '%word%'.",
        before=r"(?:\bi?like|\bto|=)",
        at=r"%(?!s\b|\()",
    ),
    _rule(
        "Write AND and OR between conditions: || joins texts.",
        r"(?:&&|\|\|)",
        before=r"(?:&&|\|\|)\s*[\w.\"]+",
        at=r"[=<>!]|(?:is|in|i?like|between|not)\b",
    ),
    _rule(_SUBQUERY, r"(?:\b(?:exists|in|any|all)|[=<>])\s+select\b"),
)
VALUES_OF_OTHERS = (
    _rule(
        "Write numbers without a thousands separator: 1000.",
        before=r"[<>=(,]\s*\d{1,3}",
        at=r",\d{3}\b",
    ),
    _rule(
        "Write the unit inside the quotes: INTERVAL '30 days'.",
        r"\binterval\s*'x*'\s*(?:days|weeks?|months|quarters?|years|hours|minutes|seconds)\b",
    ),
    _rule(
        "Write CAST(x AS integer), or x::integer.",
        before=r"\bcast\s*\(\s*[\w.\"]+",
        at=r",|(?!as\b)[a-z]",
    ),
    _rule(
        "An aggregate takes no LIMIT: write (array_agg(x ORDER BY y))[1:2].",
        before=r"\w\s*\([^()]*\border\s+by\b[^()]*",
        at=r"limit\b",
    ),
    _rule("Write CASE WHEN condition THEN a ELSE b END.", r"(?:\bselect|,)\s*if\s+[a-z(]"),
    _rule("Write sum(x) FILTER (WHERE condition).", r"\bfilter\s*\(\s*(?!where\b)\w"),
    _rule("Write SELECT DISTINCT ON (x) x, y …, with parentheses.", r"\bdistinct\s+on\s+[^\s(]"),
    _rule(
        "Write ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW.",
        r"\bunbounded\s*(?:and\b|\))",
    ),
    _rule(
        "Write ROWS BETWEEN 6 PRECEDING AND CURRENT ROW.",
        r"\b(?:rows|range)\s+\w+\s+(?:preceding|following)\s+and\b",
    ),
    _rule(
        "Write OVER (…), with parentheses: OVER () takes all rows.",
        before=r"\bover",
        at=r"(?:from|as|where|order|group|limit)\b|[,;)]|\Z",
    ),
)
QUERIES = (
    _rule("Write LIMIT n.", r"\blimit\s*="),
    _rule("Write the schema and the table with one dot: schema.table.", before=r"\w", at=r"\.\."),
    _rule(
        "Name a table after FROM.", before=r"\bfrom", at=r"(?:where|group|order|limit)\b|[;)]|\Z"
    ),
    _rule("Write names of tables without single quotes.", before=r"\b(?:from|join)", at="'"),
    _rule("Leave TABLE out: write FROM f(x).", before=r"\bfrom", at=r"table\s*\("),
    _rule("Write USING (x), with parentheses.", before=r"\busing", at=r"[a-z_\"]"),
    _rule("Remove the comma before JOIN.", r",\s*(?:(?:left|right|inner|full|cross)\s+)?join\b"),
    _rule(
        "Write JOIN after it: LEFT JOIN x ON a.y = x.y.",
        before=r"\b(?:left|right|full|cross|natural)",
        at=r"(?!(?:join|outer|apply|semi|anti|asof|any|array|lateral)\b)[a-z\"]",
    ),
    _rule("Write WITH once: WITH a AS (…), b AS (…) SELECT ….", before=",", at=r"with\b"),
    _rule(
        "Write a comma between two queries of a WITH: WITH a AS (…), b AS (…).",
        r"^\s*with\b",
        before=r"\)",
        at=r"\w+\s+as\s*\(",
    ),
    _rule(
        "Write a SELECT on both sides: SELECT … UNION ALL SELECT ….",
        before=r"\b(?:union|intersect|except)(?:\s+all)?",
        at=r"(?!(?:select|values|table|with|all|distinct|by)\b)[a-z]",
    ),
    _rule(
        "Remove the comma before this word.",
        before=",",
        at=r"(?:having|inner|left|right|cross|on|intersect|except|window|offset|and|or|then|end)\b",
    ),
)
WRITTEN_FORMS = (*COPIED, *CONDITIONS, *VALUES_OF_OTHERS, *QUERIES)
