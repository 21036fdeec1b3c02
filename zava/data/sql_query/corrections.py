"""What to write instead, for a statement that PostgreSQL has reported an error of.

The rules are tried in their order: SQLSTATEs, what the report contains, the hint. Hints hold no
text of the report: a quotation may be a cell. Imported when a statement has failed.
"""

import re
from typing import NamedTuple

from zava.errors import DatabaseFault, QueryRefused

_MEANT = re.compile("Perhaps you meant")
_QUOTED = re.compile('"([^"]*)"')
_MAX_LITERAL_CHARACTERS = 60
_OUTSIDE = "Select it in a WITH or a subquery, and filter outside: SELECT * FROM (…) AS t WHERE …"
_TO_TEXT = "Cast the argument to text: x::text."
_TO_NUMBER = "Cast the argument to a number: x::numeric."
_PLACEHOLDER = "Write the values into the statement: nothing is bound to placeholders."
_DATES = "Write dates as text in the form 'YYYY-MM-DD'."
_INTERVAL = "Write x + interval '30 days', or x - interval '1 month'. A date also takes x + 30."
_TIME = r"(?:timestamp with(?:out)? time zone|date)"
_NUMBER = r"(?:integer|bigint|smallint|numeric|double precision|real)"
_TEXT = r"(?:text|character varying|unknown)"


class _Correction(NamedTuple):
    states: frozenset[str]
    said: re.Pattern[str]
    hint: str


def _rule(states: str, said: str, hint: str) -> _Correction:
    return _Correction(frozenset(states.split()), re.compile(said), hint)


_RULES = (
    # Functions and operators of other types.
    _rule("42883", r"function round\(double precision, integer\)", "Write round(x::numeric, 2)."),
    _rule("42883", r"function round\([^,]+, [^,]+,", "Write round(x::numeric, 2)."),
    _rule(
        "42883",
        r"function date\(.*,",
        "Write make_date(2026, 1, 31) for numbers, (x AT TIME ZONE 'UTC')::date for another zone,"
        " CURRENT_DATE - 30 for a day before today.",
    ),
    _rule(
        "42883",
        r"function unnest\((?:integer|bigint|numeric|timestamp|date)",
        "generate_series returns rows already: leave unnest out.",
    ),
    _rule("42883", r"function uuid\(\)", "Write gen_random_uuid()."),
    _rule("42883", r"function decode\(", "Write CASE x WHEN 'a' THEN 1 ELSE 0 END."),
    _rule("42883", r"function to_number\(", "Write x::numeric, or to_number(x, '999D99')."),
    _rule("42883", r"function ntile\(", "Write ntile(4) OVER (ORDER BY x)."),
    _rule(
        "42883",
        rf"function (?:ceil|ceiling|floor|power|pow|sqrt|exp|ln|log|mod|sign|div|trunc)\({_TEXT}",
        _TO_NUMBER,
    ),
    _rule(
        "42883",
        r"function (?:pow|power|mod|div)\([^,]+\)",
        "It takes two arguments: power(x, 2), mod(a, b), div(a, b).",
    ),
    _rule("42883", r"function trunc\(double precision, integer\)", "Write trunc(x::numeric, 2)."),
    _rule(
        "42883",
        r"function pg_catalog\.extract\(unknown, (?:integer|bigint|numeric)\)",
        "The difference of two dates is a number of days already: leave EXTRACT out.",
    ),
    _rule(
        "42883",
        rf"function (?:pg_catalog\.extract|date_part)\(unknown, {_TEXT}\)",
        "Cast the argument: EXTRACT(MONTH FROM x::date).",
    ),
    _rule("42883", r"function count\(.+,", "Write count(DISTINCT (a, b)), with parentheses."),
    _rule("42883", r"function (?:min|max)\(boolean\)", "Write bool_or(x) or bool_and(x)."),
    _rule(
        "42883",
        r"function (?:sum|avg)\(boolean\)",
        "Write count(*) FILTER (WHERE x), or avg(x::integer).",
    ),
    _rule("42883", rf"function (?:sum|avg|stddev|round|abs)\({_TEXT}", _TO_NUMBER),
    _rule("42883", r"function (?:min|max)\(uuid\)", _TO_TEXT),
    _rule(
        "42883",
        r"function string_agg\([^,]+,[^,]+,",
        "Write the order inside: string_agg(x::text, ', ' ORDER BY x).",
    ),
    _rule(
        "42883",
        r"function width_bucket\(",
        "It takes four arguments: width_bucket(x, low, high, count).",
    ),
    _rule(
        "42883",
        rf"function (?:sum|avg)\({_TIME}",
        "Times have no sum or mean: write min(x), max(x), or max(x) - min(x).",
    ),
    _rule("42883", r"function string_agg\(", "Write string_agg(x::text, ', '), with a separator."),
    _rule(
        "42883", rf"function date_trunc\({_TIME}", "Write the unit first: date_trunc('month', x)."
    ),
    _rule(
        "42883",
        r"function date_trunc\(",
        "Write date_trunc('month', x): x is a date, a timestamp or an interval.",
    ),
    _rule(
        "42883", r"function to_char\((?:text|unknown)", "Cast first: to_char(x::date, 'YYYY-MM')."
    ),
    _rule(
        "42883",
        r"function to_char\([^,]+\)",
        "Write to_char(x, 'FM999,990.00') for a number, to_char(x, 'YYYY-MM') for a time.",
    ),
    _rule("42883", r"function to_date\((?:unknown|text)\)", "Write to_date(x, 'YYYY-MM-DD')."),
    _rule(
        "42883",
        r"function to_date\((?:integer|numeric|bigint)",
        "Write make_date(2026, 1, 31), or to_date(x::text, 'YYYYMMDD').",
    ),
    _rule("42883", rf"function to_date\({_TIME}", "It is a time already: write x::date."),
    _rule(
        "42883", r"function trunc\((?:timestamp|date)", "Write date_trunc('day', x), or x::date."
    ),
    _rule("42883", r"function date_(?:add|subtract|sub)\(", _INTERVAL),
    _rule("42883", r"function date_part\(", "Write extract(month FROM x)."),
    _rule(
        "42883",
        r"function percentile_(?:cont|disc)\(",
        "Write percentile_cont(0.5) WITHIN GROUP (ORDER BY x).",
    ),
    _rule(
        "42883",
        r"function generate_series\((?:date|timestamp)",
        "Write generate_series(date '2026-01-01', date '2026-01-31', interval '1 day').",
    ),
    _rule("42883", r"function concat_ws\(|function format\(", _TO_TEXT),
    _rule(
        "42883",
        r"function (?:left|right|lower|upper|length|substr|substring|trim|btrim|initcap|replace"
        r"|split_part|lpad|rpad|strpos|starts_with|regexp_\w+|pg_catalog\.\w+|reverse|repeat"
        r"|char_length|character_length|octet_length|md5|translate|ascii|string_to_array)\(",
        _TO_TEXT,
    ),
    _rule("42883", r"operator does not exist: [@:?]", _PLACEHOLDER),
    _rule("42883", rf"operator does not exist: {_TEXT} \+", "|| joins texts: a || ' ' || b."),
    _rule("42883", rf"operator does not exist: \S+ \+ {_TEXT}$", "|| joins texts: a || ' ' || b."),
    _rule(
        "42883",
        r"operator does not exist: (?:uuid|integer|bigint|numeric|date|timestamp.*|boolean) !?~~",
        "Cast to text for LIKE: x::text LIKE '…'. Compare times by >= and <.",
    ),
    _rule(
        "42883",
        rf"operator does not exist: {_TIME} (?:[<>=]+|<>) {_NUMBER}",
        "Put the date in quotes: '2026-01-31'. For a year write extract(year FROM x) = 2026.",
    ),
    _rule(
        "42883",
        rf"operator does not exist: {_TIME} (?:~~|~)\*? {_TEXT}",
        "Write x >= '2026-01-01' AND x < '2026-02-01', or to_char(x, 'YYYY-MM').",
    ),
    _rule(
        "42883", r"operator does not exist: timestamp.* [-+] (?:integer|bigint|numeric)", _INTERVAL
    ),
    _rule("42883", r"operator does not exist: date [-+] (?:numeric|double)", _INTERVAL),
    _rule(
        "42883",
        rf"operator does not exist: interval (?:[<>=]+|<>) {_NUMBER}",
        "Write interval '30 days', or a::date - b::date for a number of days.",
    ),
    _rule(
        "42883",
        rf"operator does not exist: {_TIME} (?:[<>=]+|<>) interval",
        "Compare with a time: x >= CURRENT_DATE - interval '30 days'.",
    ),
    _rule(
        "42883",
        rf"operator does not exist: {_NUMBER} (?:[<>=]+|<>) interval",
        "a::date - b::date is a number of days: compare it with a number.",
    ),
    _rule("42883", r"operator does not exist: boolean (?:&&|&|\|\|?|\+)", "Write AND, OR and NOT."),
    _rule(
        "42883",
        r"operator does not exist: boolean (?:[<>=]+|<>) (?:integer|bigint)",
        "Write x, NOT x, or x = true.",
    ),
    _rule(
        "42883",
        r"operator does not exist: (?:uuid (?:[<>=]+|<>) .*|.* (?:[<>=]+|<>) uuid)",
        "An id is a uuid: join keys of the same name, or compare a name such as store_name.",
    ),
    _rule(
        "42883",
        rf"operator does not exist: {_TEXT} !?~~\*? record",
        "Write x LIKE ANY (ARRAY['%a%', '%b%']).",
    ),
    _rule(
        "42883",
        rf"operator does not exist: {_TEXT} (?:%|<->|<%|%>) {_TEXT}",
        "Write x ILIKE '%word%'. Search products with semantic_search_products.",
    ),
    _rule("42883", r"operator does not exist: double precision %", "Write x::numeric % y."),
    _rule("42883", rf"operator does not exist: {_TEXT} [-*/%]", "Cast to a number: x::numeric."),
    _rule(
        "42883", rf"operator does not exist: \S+ [-*/%] {_TEXT}", "Cast to a number: x::numeric."
    ),
    _rule(
        "42883",
        r"operator does not exist: jsonb? (?:[<>=]+|<>|~~)|operator does not exist: .* = jsonb?",
        "Read a text of the JSON first: x ->> 'key'.",
    ),
    _rule(
        "42883",
        r"operator does not exist: .*\[\]|operator does not exist: anyarray",
        "Write value = ANY (array), or array @> ARRAY[value].",
    ),
    _rule(
        "42883",
        rf"operator does not exist: {_TEXT} &&? {_TEXT}",
        "|| joins texts: a || ' ' || b. AND joins conditions.",
    ),
    _rule(
        "42883",
        r"operator does not exist",
        "The types of both sides differ: cast one of them, such as x::text or x::numeric.",
    ),
    _rule(
        "42883",
        r"function \S+\(",
        "Check the number, the order and the types of the arguments; cast them, such as x::text.",
    ),
    _rule("42725", r"function to_char\(", "Cast first: to_char(x::date, 'YYYY-MM')."),
    _rule("42725", r"unknown ->>? unknown", "Cast the JSON: x::jsonb ->> 'key'."),
    _rule("42725", r"unknown \+ unknown", "|| joins texts: a || ' ' || b."),
    _rule(
        "42725",
        r"function generate_series\(unknown",
        "Write generate_series(date '2026-01-01', date '2026-01-31', interval '1 day').",
    ),
    _rule("42725", r"is not unique", "Cast the arguments, such as x::text or x::numeric."),
    # Aggregates and windows in the wrong place.
    _rule(
        "42803",
        r"aggregate functions are not allowed in WHERE",
        "A condition on an aggregate is HAVING, after GROUP BY.",
    ),
    _rule(
        "42803",
        r"aggregate functions? (?:calls )?(?:are not allowed|cannot be nested|cannot contain)",
        "Aggregate in a WITH or a subquery first, and use its output outside.",
    ),
    _rule(
        "42803", r"subquery uses ungrouped column", "Add the column to GROUP BY of the outer query."
    ),
    _rule("42P20", r"window functions? (?:calls )?(?:are not allowed|cannot)", _OUTSIDE),
    _rule("42809", r"requires an OVER clause", "Add OVER (PARTITION BY x ORDER BY y)."),
    _rule("42809", r"parameterless aggregate", "Write count(*)."),
    _rule("42809", r"aggregate mode$", "Write mode() WITHIN GROUP (ORDER BY x)."),
    _rule(
        "42809",
        r"WITHIN GROUP is required",
        "Write percentile_cont(0.5) WITHIN GROUP (ORDER BY x).",
    ),
    _rule(
        "42809",
        r"(?:OVER|FILTER|DISTINCT|ORDER BY) specified, but",
        "It is no aggregate: leave the clause out.",
    ),
    _rule(
        "42P20",
        r"window \S+ does not exist|frame",
        "Define the window: OVER (PARTITION BY x ORDER BY y).",
    ),
    _rule("42704", r"window", "Define the window: OVER (PARTITION BY x ORDER BY y)."),
    # Forms that PostgreSQL does not have.
    _rule(
        "0A000",
        r"DISTINCT is not implemented for window",
        "Count distinct values in a GROUP BY of a WITH, and join it.",
    ),
    _rule(
        "0A000",
        r"OVER is not supported for ordered-set aggregate",
        "Compute it with GROUP BY in a WITH, and join that by the group.",
    ),
    _rule(
        "0A000",
        r"aggregate ORDER BY is not implemented for window",
        "Write the ORDER BY into OVER (…), or aggregate in a WITH and join it.",
    ),
    _rule(
        "0A000",
        r"FILTER is not implemented for non-aggregate window",
        "Write CASE WHEN condition THEN x END as the argument.",
    ),
    _rule(
        "0A000",
        r"FULL JOIN is only supported",
        "FULL JOIN needs = in ON. Else write a LEFT JOIN, UNION ALL the rows without a match.",
    ),
    _rule(
        "0A000 22023",
        r"[Uu]nit .* not supported for type date",
        "A date has no time of day: extract the hour from the timestamp itself, without ::date.",
    ),
    _rule(
        "0A000 22023",
        r"[Uu]nit .* not (?:supported|recognized)",
        "Units are year, quarter, month, week, day, hour, minute, second, dow, isodow, doy, epoch.",
    ),
    _rule("0A000", r"timestamps cannot be binned", "Write date_trunc('month', x)."),
    _rule("0A000", r"RANGE with offset", "Write ROWS BETWEEN 6 PRECEDING AND CURRENT ROW."),
    _rule(
        "0A000",
        r"set-returning functions are not allowed|set-returning functions must",
        "Move it into FROM: CROSS JOIN LATERAL unnest(x) AS t.",
    ),
    _rule(
        "0A000",
        r"invalid UNION/INTERSECT/EXCEPT ORDER BY",
        "Sort by an output's name, or wrap the UNION: SELECT * FROM (…) AS t ORDER BY …",
    ),
    _rule("0A000", r"could not implement", "Group by comparable columns: cast JSON to text."),
    # Types that do not fit together.
    _rule(
        "42804",
        r"argument of (?:WHERE|HAVING|AND|OR|NOT|JOIN|CASE|FILTER)\S* .*must be type boolean",
        "Write a comparison, such as x > 0 or x IS NOT NULL.",
    ),
    _rule("42804", r"argument of (?:LIMIT|OFFSET)", "LIMIT and OFFSET take whole numbers."),
    _rule(
        "42804",
        r"types .* cannot be matched",
        "Cast all parts to one type, such as x::text.",
    ),
    _rule("42804", r"", "Cast the value to the type that is wanted."),
    _rule("42846", r"cannot cast type money", "Write x::numeric."),
    _rule(
        "42846",
        r"cannot cast type (?:timestamp|date|interval)",
        "Write extract(epoch FROM x) for seconds, extract(year FROM x) for a field.",
    ),
    _rule("42846", r"", "These types have no cast. Show or compare the value as text: x::text."),
    _rule("42P18", r"could not determine", "Cast the value: NULL::text."),
    # Names and lists.
    _rule(
        "42P01",
        r"missing FROM-clause entry",
        "FROM has no such table or alias: join it, or use the alias that FROM gives.",
    ),
    _rule(
        "42P01", r"invalid reference to FROM-clause", "Use the alias that FROM gives to the table."
    ),
    _rule("42712", r"specified more than once", "Give each table in FROM an alias of its own."),
    _rule("42701", r"", "Give each column a name of its own."),
    _rule(
        "42P10",
        r"SELECT DISTINCT, ORDER BY",
        "Add the sort key to the outputs, or use GROUP BY instead of DISTINCT.",
    ),
    _rule("42P10", r"DISTINCT ON", "ORDER BY must begin with the expressions of DISTINCT ON."),
    _rule(
        "42P10",
        r"in an aggregate with DISTINCT",
        "Sort by the aggregated expression itself, or leave DISTINCT out.",
    ),
    _rule("42P10", r"position \d+", "A number in ORDER BY or GROUP BY counts the outputs."),
    _rule("42P10", r"has \d+ columns available", "Name as many columns as the query has outputs."),
    _rule("42601", r"same number of columns", "Each query of the UNION needs as many outputs."),
    _rule("42601", r"one column", "Select one column in the subquery."),
    _rule("42601", r"too (?:many|few) columns", "Name as many columns on both sides."),
    _rule("42601", r"SELECT \* with no tables", "Name a table in FROM."),
    _rule("21000", r"more than one row", "Write IN (…), or aggregate, or add LIMIT 1."),
    _rule("42P19", r"", "The recursive query may name itself once, in FROM of its second part."),
    # Values.
    _rule(
        "22007",
        r': "(?:day|week|month|quarter|year)s?"$',
        "A unit is not a time: write date_trunc('month', x), or extract(year FROM age(a, b)).",
    ),
    _rule(
        "22007",
        r': "-?\d+ (?:day|week|month|quarter|year|hour)s?"$',
        "Write the word before it: CURRENT_DATE - interval '30 days'.",
    ),
    _rule("22007 22008", r"(?:date|time|timestamp|out of range|zone)", _DATES),
    _rule("22007 22P02", r"interval", "Write interval '30 days' or interval '1 month'."),
    _rule(
        "22P02",
        r"type uuid",
        "An id is a uuid: compare a name instead, such as store_name or sku.",
    ),
    _rule("22P02", r"type boolean", "Write true or false."),
    _rule("22023", r"[Tt]ime zone", "Write a time zone such as 'America/Los_Angeles' or 'UTC'."),
    _rule(
        "22P02",
        r"^literal .*type (?:integer|bigint|smallint|numeric|double precision|real)",
        "A number is wanted here. Write one, or cast the other side to text: x::text.",
    ),
    _rule(
        "22P02",
        r"type (?:integer|bigint|smallint|numeric|double precision|real)",
        "The text is no number. Leave such rows out first: WHERE x ~ '^[0-9.]+$'.",
    ),
    _rule("22P02", r"array", "Write ARRAY['a', 'b'], or '{a,b}'."),
    _rule("22P02", r"json", "Write valid JSON, with double quotes around keys and texts."),
    _rule("22003", r"percentile value", "Write a fraction: 0.9 for the 90th percentile."),
    _rule("22003", r"out of range", "Cast first: x::bigint or x::numeric."),
    _rule("2201B", r"", "Escape . ( ) [ ] * + ? with a backslash in the pattern, or use LIKE."),
    _rule("22025", r"", "End the LIKE pattern with % or a plain character, not with a backslash."),
    _rule("2201W 2201X", r"", "LIMIT and OFFSET take numbers from 0."),
    _rule("22011", r"", "The length of a substring is not negative: use greatest(n, 0)."),
    _rule("2201F 2201E", r"", "Take the root or logarithm of positive numbers: WHERE x > 0."),
    _rule("22023", r"field number|size|step", "Give a number other than 0."),
)


def correct(
    fault: DatabaseFault | QueryRefused, statement: str, *, state: str, said: str, position: int
) -> None:
    """Write into a fault the hint of the first rule that fits, and the literal that did not fit.

    A report with a position is about the statement itself, and what it quotes is repeated only
    where the statement has it as a literal.
    """
    if not _MEANT.match(fault.hint):  # PostgreSQL's own hint names an alias
        # Where the report has a place, a literal of the statement did not fit, else a cell.
        told = f"literal {said}" if position and state.startswith("22") else said
        rules = (rule for rule in _RULES if state in rule.states and rule.said.search(told))
        fault.hint = next((rule.hint for rule in rules), fault.hint)
    quoted = _QUOTED.search(said)
    if position and quoted and f"'{quoted[1]}'" in statement:
        fault.message = fault.message.replace('"…"', f"'{quoted[1][:_MAX_LITERAL_CHARACTERS]}'", 1)
