"""Statements from the allowed grammar, and the same with one forbidden part, for Hypothesis.

A statement is drawn as text in which each leaf stands between marks that say its kind, so that a
mutation can put something forbidden of the same kind into any place.
"""

import re

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

_LEAF = re.compile("\x01(\\w+):(.*?)\x02", re.DOTALL)

COLUMNS = {
    "number": (
        "o.total_amount",
        "i.quantity::numeric",
        "i.unit_price",
        "i.discount_percent",
        "i.total_amount",
        "p.base_price",
    ),
    "text": ("o.status", "p.sku", "p.product_name", "p.synonyms"),
    "moment": ("o.order_date",),
    "truth": ("p.discontinued", "o.total_amount > 100"),
}
CONSTANTS = {
    "number": ("0.5", "12.5", "1e2", "-3.0", "(SELECT 2.5)"),
    "text": ("'Paint'::text", "text 'é'", "E'it\\'s'::text", "$$x$$::text", "CAST('' AS text)"),
    "moment": ("TIMESTAMPTZ '2026-03-01'", "now()", "current_date::timestamptz"),
    "truth": ("true", "EXISTS (SELECT 1 FROM retail.stores)"),
}
SHAPES = {
    "number": (
        "({number} + {number})",
        "({number} * {number})",
        "({number} / nullif({number}, 0))",
        "round({number}, 2)",
        "abs({number})",
        "greatest({number}, {number})",
        "coalesce({number}, 0.0)",
        "CASE WHEN {truth} THEN {number} ELSE {number} END",
        "extract(year FROM {moment})",
        "length({text})::numeric",
        "(ARRAY[{number}, {number}])[1]",
        "(jsonb_build_object('n', {number}) ->> 'n')::numeric",
        "(SELECT max(x) FROM (VALUES ({number}), ({number})) AS v (x))",
        "width_bucket({number}, 0, 100, 5)::numeric",
    ),
    "text": (
        "({text} || {text})",
        "upper({text})",
        "left({text}, 3)",
        "split_part({text}, ' ', 1)",
        "to_char({moment}, 'YYYY-MM')",
        "concat_ws(', ', {text}, {text})",
        "coalesce(nullif({text}, ''), {text})",
        "CASE {text} WHEN {text} THEN 'a' ELSE {text} END",
        "(to_jsonb(ARRAY[{text}]) ->> 0)",
        "repeat('#', least({number}, 20)::int)",
        "regexp_replace({text}, '[aeiou]', '*', 'g')",
        "array_to_string(ARRAY[{text}, {text}], ', ')",
    ),
    "moment": (
        "date_trunc('month', {moment})",
        "({moment} + INTERVAL '1 day')",
        "least({moment}, {moment})",
        "date_bin('15 minutes', {moment}, TIMESTAMPTZ '2020-01-01')",
    ),
    "truth": (
        "({number} < {number})",
        "({text} ILIKE '%a%')",
        "({text} IN ('a', {text}))",
        "({moment} BETWEEN {moment} AND {moment})",
        "({truth} AND {truth})",
        "({truth} OR NOT {truth})",
        "({text} IS NOT DISTINCT FROM {text})",
        "({text} ~* '^[a-m]')",
        "({number} = ANY (ARRAY[{number}, {number}]))",
        "({number}, {text}) IS NULL",
    ),
}
AGGREGATES = (
    "count(*)",
    "sum({number})",
    "avg({number}) FILTER (WHERE {truth})",
    "count(DISTINCT {text})",
    "max({moment})",
    "bool_or({truth})",
    "percentile_cont(0.5) WITHIN GROUP (ORDER BY ({number})::float8)",
    "jsonb_build_object('least', min({number}), 'most', max({number}))",
    "left(string_agg({text}, ', ' ORDER BY {number}), 100)",
    "(array_agg({text} ORDER BY {moment} DESC))[1]",
)
WINDOWS = (
    "row_number() OVER (PARTITION BY {text} ORDER BY {moment}, {number})",
    "rank() OVER (ORDER BY {number} DESC NULLS LAST)",
    "sum({number}) OVER (ORDER BY {moment} ROWS BETWEEN 3 PRECEDING AND CURRENT ROW)",
    "lag({number}, 1, 0.0) OVER w",
    "{number} - avg({number}) OVER (PARTITION BY {text})",
)
SOURCES = (
    (
        "\x01relation:retail.orders\x02 AS o JOIN retail.order_items AS i USING (store_id, order_id)"
        " JOIN \x01relation:retail.products\x02 AS p USING (product_id)"
    ),
    (
        "retail.orders AS o LEFT JOIN \x01relation:retail.order_items\x02 AS i ON i.order_id = o.order_id"
        " AND i.store_id = o.store_id LEFT JOIN retail.products AS p ON p.product_id = i.product_id"
    ),
    (
        "retail.orders AS o, LATERAL (SELECT * FROM \x01relation:retail.order_items\x02 AS x WHERE"
        " x.order_id = o.order_id AND x.store_id = o.store_id AND {truth_outside} LIMIT 2) AS i"
        " CROSS JOIN LATERAL (SELECT y.sku, y.product_name, y.synonyms, y.base_price, y.discontinued FROM retail.products AS y WHERE y.product_id = i.product_id) AS p"
    ),
)
STATEMENTS = (
    (
        "SELECT {number} AS n, {text} AS t, {window} AS w FROM {source} WHERE {truth} WINDOW w AS"
        " (PARTITION BY {text} ORDER BY {moment}) ORDER BY 1, 2 LIMIT 5"
    ),
    (
        "SELECT {text} AS t, {aggregate} AS a, {aggregate} AS b FROM {source} WHERE {truth} GROUP BY 1"
        " HAVING count(*) > 0 ORDER BY 1 LIMIT 5"
    ),
    (
        "SELECT k, {aggregate} AS a FROM (SELECT o.status AS k, o.* FROM retail.orders AS o) AS o JOIN"
        " retail.order_items AS i USING (store_id, order_id) JOIN retail.products AS p USING (product_id)"
        " GROUP BY GROUPING SETS ((k), ()) LIMIT 5"
    ),
    (
        "WITH base AS (SELECT {number} AS n, {moment} AS m FROM {source} WHERE {truth} LIMIT 50),"
        " days AS (SELECT date_trunc('day', m) AS d, sum(n) AS n FROM base GROUP BY 1)"
        " SELECT d, n, sum(n) OVER (ORDER BY d) FROM days ORDER BY d DESC LIMIT 5"
    ),
    (
        "(SELECT {number} AS n FROM {source} LIMIT 2) UNION ALL (SELECT {number} FROM {source} WHERE"
        " {truth} LIMIT 2) EXCEPT SELECT 1.0 ORDER BY n LIMIT 5"
    ),
    (
        "SELECT DISTINCT ON (o.status) o.status, {text} AS t, CASE WHEN {truth} THEN {number} END AS c"
        " FROM {source} ORDER BY o.status, o.order_date LIMIT 5"
    ),
    (
        "WITH RECURSIVE steps AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM steps WHERE n < 5)"
        " SELECT n, (SELECT {number} FROM {source} WHERE {truth} LIMIT 1) AS v FROM steps"
    ),
    (
        "SELECT d::date, (SELECT {aggregate} FROM {source} WHERE o.order_date < d) AS a FROM"
        " generate_series(DATE '2026-01-01', DATE '2026-03-01', INTERVAL '1 month') AS d"
    ),
    (
        "SELECT e.key, e.value FROM {source}, jsonb_each_text(jsonb_build_object('a', {number}, 'b',"
        " {text})) AS e WHERE {truth} LIMIT 5"
    ),
    "VALUES (1, 'a'), ((SELECT count(*)::int FROM {source} WHERE {truth}), 'b')",
)
FORBIDDEN = {
    "number": (
        "length(pg_sleep(0)::text)::numeric",
        "pg_backend_pid()",
        "(SELECT count(*) FROM pg_class)",
        "(1259).regclass::oid::int",
        "'pg_class'::regclass::oid::int",
        "length(repeat('x', 1000000))",
        "length(repeat(repeat('x', 9999), 9999))",
        "length(lpad('x', 99999))",
        "(1 OPERATOR(zava.+) 1)",
        "nextval('retail.x')",
        "lo_create(0)",
        "(SELECT 1 FROM retail.orders FOR UPDATE)",
        "(SELECT 1 FROM generate_series(1, 10 ^ 9))",
        "$1",
        "(SELECT 1 FROM retail.orders TABLESAMPLE system (1))",
        "(WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n FROM r) SELECT n FROM r LIMIT 1)",
        "1::numeric(pg_backend_pid())",
        "pg_catalog.pg_relation_size(1259)",
        "zava.store_count()",
        'U&"pg\\005fbackend\\005fpid"()',
        "(SELECT length(normalize(string_agg(x, ''))) FROM (SELECT repeat('a', 9999)) AS v (x), (VALUES (1), (2)) AS w (y))",
    ),
    "text": (
        "version()",
        "current_user",
        "CURRENT_SCHEMA",
        "set_config('zava.context', 'x', true)",
        "current_setting('search_path')",
        "query_to_xml('select 1', true, true, '')::text",
        "'pg_class'::regclass::text",
        "(n.n).regrole::text",
        "coalesce(pg_typeof(1), 'pg_class')::text",
        "pg_read_file('x')",
        "format('%99999s', 'x')",
        "xmlcomment('x')::text",
        "(SELECT rolname FROM pg_roles LIMIT 1)::text",
        "('a' COLLATE zava.mine)",
        "NULL::retail.orders::text",
        "JSON_VALUE('1', '$' RETURNING regclass)::text",
        "(o).xmin::text",
        "o.ctid::text",
        "obj_description(1259, 'pg_class')",
    ),
    "moment": (
        "pg_postmaster_start_time()",
        "pg_conf_load_time()",
        "(0::float8).pg_sleep::text::timestamptz",
        "pg_xact_commit_timestamp('1')",
    ),
    "truth": (
        "has_table_privilege('x', 'SELECT')",
        "pg_try_advisory_lock(1)",
        "EXISTS (TABLE pg_class)",
        "(xmin IS NOT NULL)",
        "(1 = ANY (SELECT pg_terminate_backend(1)::int))",
        "row_security_active('retail.orders')",
        "(1 OPERATOR(pg_catalog.===) 1)",
        "pg_logical_emit_message(true, 'x', 'y') IS NULL",
    ),
    "relation": (
        "pg_class",
        "pg_catalog.pg_roles",
        "information_schema.tables",
        "zava.principals",
        "retail.secrets",
        "postgres.retail.orders",
        "pg_stat_file('x')",
        "generate_series(1, 1000000000)",
        "ROWS FROM (generate_series(1, 2), pg_sleep(0))",
        "XMLTABLE('/a' PASSING '<a/>' COLUMNS x int PATH '.')",
        "(SELECT * FROM pg_stat_activity)",
        "json_to_record('{}') AS t (x regclass) CROSS JOIN retail.orders",
    ),
}
KINDS = tuple(SHAPES)
_PLACE = re.compile(r"\{(\w+)\}")


@st.composite
def marked_statements(draw: DrawFn) -> str:
    """Draw a statement of the allowed grammar whose leaves are marked."""
    return _filled(draw, draw(st.sampled_from(STATEMENTS)), depth=3)


def _filled(draw: DrawFn, shape: str, *, depth: int) -> str:
    return _PLACE.sub(lambda place: _part(draw, place[1], depth), shape)


def _part(draw: DrawFn, kind: str, depth: int) -> str:
    more = {"aggregate": AGGREGATES, "window": WINDOWS, "source": SOURCES}.get(kind)
    if more is not None:
        return _filled(draw, draw(st.sampled_from(more)), depth=depth - 1)
    if kind == "truth_outside":  # beside a LATERAL join only its left side is seen
        return "\x01truth:o.total_amount > 1\x02"
    if depth > 0 and draw(st.booleans()):
        return _filled(draw, draw(st.sampled_from(SHAPES[kind])), depth=depth - 1)
    leaf = draw(st.sampled_from(COLUMNS[kind] + CONSTANTS[kind]))
    return f"\x01{kind}:{leaf}\x02"


def plain(marked: str) -> str:
    """Return the statement itself."""
    return _LEAF.sub(lambda leaf: leaf[2], marked)


@st.composite
def mutations(draw: DrawFn) -> str:
    """Draw a statement of the allowed grammar with one forbidden part in it."""
    marked = draw(marked_statements())
    leaves = list(_LEAF.finditer(marked))
    if not leaves:
        marked = f"SELECT * FROM ({marked}) AS all_of_it, \x01relation:retail.stores\x02 AS s"
        leaves = list(_LEAF.finditer(marked))
    leaf = draw(st.sampled_from(leaves))
    forbidden = draw(st.sampled_from(FORBIDDEN[leaf[1]]))
    return plain(f"{marked[: leaf.start()]}{forbidden}{marked[leaf.end() :]}")
