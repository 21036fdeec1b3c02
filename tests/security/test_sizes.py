"""Statements that no deadline would end, or that would take the server's memory, are refused."""

import time

import pytest

from zava.data.guard.guard import Guard
from zava.data.syntax.outside_text import OutsideText
from zava.data.syntax.parser import parsing_thread
from zava.errors import QueryRefused

guard = Guard(
    "retail",
    frozenset({"orders", "order_items", "products", "customers", "stores"}),
    frozenset({"store_id", "order_id", "product_id", "product_name", "status", "quantity"})
    | {"customer_id", "order_date", "total_amount", "email", "synonyms", "last_name"},
    frozenset({"hashtext", "int2vector", "oid", "cstring", "jsonb_send", "hash_record", "refcursor", "textlen"}
    | {"hashtextextended", "line"}),
    OutsideText({}),
)  # fmt: skip


def doubled(times: int, then: str) -> str:
    """Return a chain of queries, each of which doubles a text of 16 characters."""
    steps = [
        f"t{n} AS MATERIALIZED (SELECT s || s AS s FROM t{n - 1})" for n in range(1, times + 1)
    ]
    first = "t0 AS MATERIALIZED (SELECT 'xxxxxxxxxxxxxxxx'::text AS s)"
    return f"WITH {', '.join([first, *steps])} {then} FROM t{times}"


def nested_recursions(levels: int) -> str:
    """Return a recursive query whose condition holds another one, and so on."""
    query = "SELECT 1 AS n"
    for level in range(levels):
        query = (
            f"WITH RECURSIVE r{level} AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r{level}"
            f" WHERE n < ({query})) SELECT max(n) FROM r{level}"
        )
    return query


GATHERED = (
    "WITH a AS (SELECT jsonb_agg(g) AS j, jsonb_agg(-g) AS k FROM generate_series(1, 40000) AS g)"
)
TEXTS = "WITH a AS (SELECT string_agg(repeat('x', 10000), '') AS s FROM generate_series(1, 10000))"
ARRAYS = (
    "WITH a AS (SELECT array_agg(g) AS j, array_agg(-g) AS k FROM generate_series(1, 45000) AS g)"
)
BUILT = "jsonb_build_object('a', j, 'b', k)"
PATH = "'$ ? (@.a[*] == @.b[*])'"
NUMERIC = "WITH v AS MATERIALIZED (SELECT (7::numeric ^ 70000) AS a)"

SPAN = "(SELECT min(order_date) AS a, max(order_date) AS b FROM retail.orders) AS x"

CUT = "WITH a AS (SELECT string_agg(repeat('x', 1000), '') AS s FROM generate_series(1, 10000))"
LINES = "retail.orders AS o JOIN retail.order_items AS i USING (store_id, order_id) JOIN retail.products AS p USING (product_id)"
NAMES = "p.product_name || p.synonyms || p.product_name || p.synonyms"

GATHERED_TEXT = "string_agg(repeat('x', 50), '') AS s"
TRUE_OF_ALL = " AND ".join(f"quantity > -{number}" for number in range(1, 13))

ENDLESS = [
    # JSON paths that compare two paths, by every way to a path.
    *(
        f"{GATHERED} SELECT {function}({BUILT}, {PATH}) FROM a"
        for function in (
            *("jsonb_path_exists", "jsonb_path_match", "jsonb_path_query_first"),
            *("jsonb_path_query", "jsonb_path_query_array", "jsonb_path_exists_tz"),
        )
    ),
    f"{GATHERED} SELECT {BUILT} @? {PATH} FROM a",
    f"{GATHERED} SELECT {BUILT} @@ '$.a[*] == $.b[*]' FROM a",
    f"{GATHERED} SELECT JSON_EXISTS({BUILT}, {PATH}) FROM a",
    f"{GATHERED} SELECT JSON_VALUE({BUILT}, {PATH}) FROM a",
    f"{GATHERED} SELECT JSON_QUERY({BUILT}, {PATH}) FROM a",
    f"{GATHERED} SELECT count(*) FROM a, JSON_TABLE({BUILT}, {PATH} COLUMNS (x int PATH '$')) AS t",
    f"{GATHERED} SELECT count(*) FROM a, JSON_TABLE({BUILT}, '$' COLUMNS (x int PATH {PATH})) AS t",
    f"{GATHERED} SELECT jsonb_path_exists({BUILT}, {PATH}::jsonpath) FROM a",
    f"{GATHERED} SELECT jsonb_path_exists({BUILT}, ({PATH})::text::jsonpath) FROM a",
    f"{GATHERED} SELECT jsonb_path_exists({BUILT}, ('{{\"$\"}}'::jsonpath[])[1]) FROM a",
    f"{GATHERED} SELECT jsonb_path_exists({BUILT}, coalesce('$'::jsonpath, {PATH})) FROM a",
    f"{GATHERED} SELECT jsonb_path_exists({BUILT}, p) FROM a, (SELECT '$'::jsonpath UNION SELECT {PATH}) AS v(p)",
    f"{GATHERED} SELECT jsonb_path_exists({BUILT}, '$ ? (exists($.b[*] ? (@ == 1)))') FROM a",
    f"{GATHERED} SELECT jsonb_path_exists({BUILT}, '$ ? (@.a[*] /* && */ == @.b[*])') FROM a",
    f"{GATHERED} SELECT jsonb_path_exists({BUILT}, '$ ? ((@.a[*]) >= -(@.b[*]))') FROM a",
    f"{GATHERED} SELECT jsonb_path_exists(j, '$ ? (@[*] == $v[*])', {BUILT}) FROM a",
    f"{GATHERED} SELECT jsonb_path_exists({BUILT}, '$.**.**') FROM a",
    f"{GATHERED} SELECT JSON_EXISTS(j, '$' || '') FROM a",
    f"{GATHERED} SELECT {BUILT} @? ANY ('{{\"$ ? (@.a[*] == @.b[*])\"}}') FROM a",
    f"{GATHERED} SELECT jsonb_path_exists({BUILT}, p) FROM a, unnest(coalesce(ARRAY['$'::jsonpath], '{{\"$ ? (@.a[*] == @.b[*])\"}}')) AS p",
    f"{GATHERED} SELECT jsonb_path_query_array(path => {PATH}, target => {BUILT}) FROM a",
    f"{GATHERED} SELECT {BUILT} @? '$ ? (@.a starts   with $.\"b\")' FROM a",
    f"{GATHERED} SELECT {BUILT} @? '($.a == 1) == $.b' FROM a",
    f"{GATHERED} SELECT {BUILT} @? '$ ? (!(@.a[*] == @.b[*]))' FROM a",
    # Searches for a long text in a long text.
    doubled(13, "SELECT strpos(s || s, 'y' || s)"),
    doubled(13, "SELECT position('y' || s IN s || s || s)"),
    doubled(13, "SELECT length(replace(s || s, 'y' || s, ''))"),
    doubled(13, "SELECT length(split_part(s || s || s, 'y' || s, 2))"),
    doubled(13, "SELECT cardinality(string_to_array(s || s || s, 'y' || s))"),
    doubled(13, "SELECT count(*), string_to_table(s || s, 'y' || s)"),
    doubled(11, "SELECT length(translate(s, replace(s, 'x', 'y'), 'z'))"),
    doubled(13, "SELECT length(btrim(s, replace(s, 'x', 'y')))"),
    doubled(13, "SELECT length(ltrim(s, s))"),
    doubled(13, "SELECT normalize(s)"),
    doubled(13, "SELECT (s).normalize"),
    doubled(13, "SELECT s IS NORMALIZED"),
    "SELECT (s).normalize FROM (SELECT string_agg(chr(769) || chr(803), '') AS s FROM generate_series(1, 40000)) AS v",
    "SELECT v.normalize FROM (SELECT string_agg(chr(769), '') FROM generate_series(1, 40000)) AS v",
    "SELECT strpos(s || s || s, 'y' || s) FROM (SELECT regexp_replace(regexp_replace(repeat('x', 200), 'x', repeat('x', 200), 'g'), 'x', 'xxx', 'g') AS s) AS v",
    "SELECT strpos(s, 'y' || s) FROM (SELECT replace(replace(repeat('x', 100), 'x', repeat('x', 100)), 'x', 'xxxxxxxxxx') AS s) AS v",
    "SELECT strpos(s, 'y' || s) FROM (SELECT (B'1'::bit(160000))::text AS s) AS v",
    "SELECT strpos(s, 'y' || s) FROM (SELECT ('x'::char(160000))::text AS s) AS v",
    doubled(12, "SELECT strpos(row(s, s)::text, 'y' || s)"),
    doubled(12, "SELECT strpos((t12)::text, 'y' || s)"),
    "SELECT strpos(s, 'y' || s) FROM (SELECT JSON_ARRAYAGG(g)::text AS s FROM generate_series(1, 30000) AS g) AS v",
    "SELECT strpos(s, 'y' || s) FROM (SELECT JSON_OBJECTAGG(g::text : g)::text AS s FROM generate_series(1, 30000) AS g) AS v",
    "SELECT strpos(s, 'y' || s) FROM (SELECT JSON_ARRAY(SELECT g FROM generate_series(1, 30000) AS g)::text AS s) AS v",
    "SELECT strpos(x.array_agg::text, 'y' || x.array_agg::text) FROM (SELECT (g).array_agg FROM generate_series(1, 30000) AS g) AS x",
    "WITH RECURSIVE r(n, s) AS (SELECT 1, 'x'::text UNION ALL SELECT n + 1, s || s FROM r WHERE n < 18) SELECT strpos(s, 'y' || s) FROM r",
    "WITH RECURSIVE r(n, s) AS (SELECT 1, 'x'::text UNION ALL SELECT n + 1, s || s FROM r WHERE n < 18) SELECT length(s) FROM r",
    # Arrays and JSON values compared with each other.
    f"{ARRAYS} SELECT j && k FROM a",
    f"{ARRAYS} SELECT j @> k FROM a",
    f"{ARRAYS} SELECT k <@ j FROM a",
    f"{ARRAYS} SELECT to_jsonb(j) @> to_jsonb(k) FROM a",
    "WITH a AS (SELECT jsonb_agg(g::text) AS j, array_agg((-g)::text) AS k FROM generate_series(1, 45000) AS g) SELECT j ?| k FROM a",
    "WITH a AS (SELECT jsonb_agg(g::text) AS j, array_agg((-g)::text) AS k FROM generate_series(1, 45000) AS g) SELECT j ?& k FROM a",
    "WITH a AS (SELECT jsonb_agg(g::text) AS j, array_agg((-g)::text) AS k FROM generate_series(1, 80000) AS g) SELECT jsonb_array_length(j - k) FROM a",
    # One expression that reads a long text again and again.
    f"{TEXTS} SELECT {'||'.join(['md5(s)'] * 60)} FROM a",
    f"{TEXTS} SELECT {'||'.join(['sha512(s::bytea)::text'] * 22)} FROM a",
    f"{TEXTS} SELECT {'+'.join(['length(s)'] * 60)} FROM a",
    f"{TEXTS} SELECT {'||'.join(['upper(s)'] * 10)} FROM a",
    doubled(18, f"SELECT greatest({', '.join(['length(s || chr(97))'] * 700)})"),
    doubled(22, "SELECT length(s), s"),
    "SELECT 1 FROM retail.orders LIMIT (SELECT strpos(a::text, 'y' || a::text) FROM (SELECT ARRAY(SELECT g FROM generate_series(1, 30000) AS g) AS a) AS v)",
    "SELECT 1 FROM retail.orders LIMIT strpos(ARRAY(SELECT g FROM generate_series(1, 30000) AS g)::text, ARRAY(SELECT g FROM generate_series(1, 30000) AS g)::text)",
    "SELECT ('x'::varchar(99999) || s)::char(999999999) FROM (VALUES ('a')) AS v(s)",
    # Aggregates over columns of an enclosing query, and recursion nested in recursion.
    "SELECT (SELECT string_agg(o.s, '') FROM (SELECT 1) AS z) FROM (SELECT repeat('x', 10000) AS s FROM generate_series(1, 100000)) AS o",
    "SELECT (SELECT string_agg(s, '')) FROM (SELECT repeat('x', 10000) AS s FROM generate_series(1, 100000)) AS o",
    "SELECT (SELECT string_agg(s, '') FROM (VALUES (1)) AS v(n)) FROM (SELECT repeat('x', 10000) AS s FROM generate_series(1, 100000)) AS o",
    "SELECT string_agg(o.status, '') FROM retail.order_items AS o JOIN retail.order_items AS c USING (store_id)",
    "SELECT string_agg(o.status, '') FROM retail.order_items AS o JOIN retail.order_items AS c ON o.store_id = c.store_id",
    "SELECT string_agg(repeat('x', 1000), '') FROM generate_series('2000-01-01'::timestamp, '2030-01-01', '1 microsecond')",
    "SELECT array_to_string(array_agg(g), repeat('x', 10000)) FROM generate_series(1, 100000) AS g",
    "WITH RECURSIVE r AS (SELECT 'x' AS s, 1 AS n UNION ALL SELECT s || 'xxxx', n + 1 FROM r WHERE n < 900000 AND strpos(s, 'y' || s) = 0) SELECT max(length(s)) FROM r",
    nested_recursions(20),
    # A text as long as the guard allows, and a short one that nearly fits at each place.
    f"{TEXTS} SELECT strpos(s, 'y' || repeat('x', 200)) FROM a",
    f"{TEXTS} SELECT strpos(s, 'y{'x' * 200}') FROM a",
    f"{TEXTS} SELECT s LIKE '%y{'x' * 200}%' FROM a",
    # Patterns, operators over subqueries, and casts of long texts.
    f"{TEXTS} SELECT s LIKE '%' || s || 'y%' FROM a",
    "SELECT s LIKE '%' || left(s, 100000) || 'y%' FROM (SELECT string_agg('x', '') AS s FROM generate_series(1, 300000)) AS a",
    "SELECT s NOT ILIKE ALL (ARRAY[s || 'y']) FROM (SELECT string_agg('x', '') AS s FROM generate_series(1, 300000)) AS a",
    "SELECT s ~ (s || 'y') FROM (SELECT string_agg('x', '') AS s FROM generate_series(1, 300000)) AS a",
    f"{ARRAYS} SELECT j && ANY (SELECT k FROM a) FROM a",
    "SELECT ('0x' || string_agg('f', ''))::numeric FROM generate_series(1, 120000)",
    "SELECT numnode(string_agg('a' || g, ' & ')::tsquery) FROM generate_series(1, 60000) AS g",
    "SELECT numnode(to_tsquery('simple', string_agg('a' || g, ' & '))) FROM generate_series(1, 60000) AS g",
    # Numbers of many digits.
    f"{NUMERIC} SELECT greatest({', '.join(['scale(a * a)'] * 40)}) FROM v",
    f"{NUMERIC} SELECT a % (a - 1) FROM v",
    f"{NUMERIC} SELECT mod(a, a - 1) FROM v",
    f"{NUMERIC} SELECT ln(a) FROM v",
    "SELECT (7::numeric ^ g) * (7::numeric ^ g) FROM generate_series(60000, 60010) AS g",
    "SELECT factorial(g) FROM generate_series(30000, 30010) AS g",
    "SELECT (x).factorial FROM (VALUES (100000)) AS v(x)",
    # A negative length cuts little away, and the escape of a pattern is no length.
    f"{CUT} SELECT strpos(left(s, -1), right(s, -1)) FROM a",
    f"{CUT} SELECT strpos(substring(s SIMILAR '%' ESCAPE '5'), substring(s SIMILAR '%' ESCAPE '5')) FROM a",
    f"{CUT} SELECT strpos(left(s, length(s)), right(s, least(length(s), 5))) FROM a",
    f"{CUT} SELECT strpos(substr(s, 5), substr(s, 7)) FROM a",
    f"SELECT d, (SELECT string_agg({NAMES}, '') FROM {LINES}) FROM generate_series(1, 3) AS d",
    # Conditions that hold for every row lower no estimate further, however many there are.
    *(
        f"SELECT strpos(s, 'y' || s) FROM (SELECT {GATHERED_TEXT} FROM {source}) AS v"
        for source in (
            f"retail.order_items WHERE {TRUE_OF_ALL}",
            f"retail.order_items AS i, retail.stores WHERE {' AND '.join(f'{n} = {n}' for n in range(9))}",
            f"retail.order_items AS i JOIN retail.orders AS o ON o.order_id = i.order_id AND {TRUE_OF_ALL}",
            f"(SELECT quantity FROM retail.order_items WHERE {TRUE_OF_ALL}) AS w",
        )
    ),
    *(
        f"SELECT (SELECT strpos(s, 'y' || s) FROM (SELECT {GATHERED_TEXT} FROM {source}) AS v) FROM retail.stores AS st, retail.orders AS o"
        for source in (
            "retail.order_items AS i WHERE i.store_id = st.store_id",
            "retail.order_items AS i WHERE i.store_id = st.store_id AND i.store_id = o.store_id",
            "(SELECT 1 FROM retail.order_items AS i WHERE i.store_id = st.store_id) AS y",
            "(SELECT o.order_id FROM retail.order_items AS i) AS z WHERE z.order_id = o.order_id",
            "retail.order_items AS i WHERE i.quantity > -o.total_amount AND i.quantity > -1 - o.total_amount",
        )
    ),
    # Short literals beside a text of 100 MB, and steps that no unit makes long.
    f"{TEXTS} SELECT length(translate(s, '{'abcdefghij' * 20}', '')) FROM a",
    f"{TEXTS} SELECT length(btrim(s, '{'abcdefghij' * 20}x')) FROM a",
    f"{TEXTS} SELECT s LIKE '%{'x_' * 120}y%' FROM a",
    f"{TEXTS} SELECT strpos(s, 'y{'x' * 250}') FROM a",
    f"SELECT string_agg(repeat('x', 1000), '') FROM {SPAN}, generate_series(a, b, '0.001 day'::interval)",
    f"SELECT string_agg(repeat('x', 1000), '') FROM {SPAN}, generate_series(a, b, '1'::interval)",
    f"SELECT string_agg(repeat('x', 1000), '') FROM {SPAN}, generate_series(a, b, '00:00:01')",
]  # fmt: skip

USUAL = [
    "SELECT string_agg(product_name, ', ' ORDER BY product_name) FROM retail.products",
    "SELECT array_agg(DISTINCT status) FROM retail.orders",
    "SELECT jsonb_agg(to_jsonb(o)) FROM retail.orders AS o WHERE order_date > '2026-01-01'",
    "SELECT replace(n, ' ', '_') FROM (SELECT product_name || ' ' || status AS n FROM retail.products, retail.orders LIMIT 5) AS x",
    "SELECT split_part(email, '@', 2), count(*) FROM retail.customers GROUP BY 1",
    "SELECT position('paint' IN lower(product_name)), strpos(product_name, last_name) FROM retail.products, retail.customers LIMIT 3",
    "SELECT order_id FROM (SELECT order_id, array_agg(product_id) AS items FROM retail.order_items GROUP BY order_id) AS b WHERE items @> ARRAY['7d3c0e0e-0000-0000-0000-000000000000']::uuid[]",
    "WITH b AS (SELECT order_id, array_agg(product_id) AS items FROM retail.order_items GROUP BY order_id) SELECT count(*) FROM b AS x JOIN b AS y ON x.order_id < y.order_id AND x.order_id = y.order_id AND x.items && y.items",
    "SELECT * FROM retail.orders WHERE status = ANY (ARRAY(SELECT DISTINCT status FROM retail.orders))",
    "SELECT string_to_array(synonyms, ', ') && ARRAY['saw', 'axe'] FROM retail.products",
    "SELECT jsonb_path_query_first(to_jsonb(p), '$.product_name ? (@ like_regex \"^A\")') FROM retail.products AS p",
    "SELECT JSON_VALUE(to_jsonb(p), '$.sku ? (@ > \"A\" && @ < \"B\")') FROM retail.products AS p",
    "SELECT jsonb_path_exists('[1, 2]', '$[*] ? (@ > 1).x ? (@ == 2)'), '{\"a\": 1}'::jsonb @@ '$.a == 1'",
    "SELECT jsonb_path_query(to_jsonb(p), '$.a ? (@.b == \"$ @ ==\" && @.c > 2)'), '{\"a\": 1}'::jsonb @? '$.a' FROM retail.products AS p",
    "SELECT to_tsvector('english', product_name) @@ ANY (ARRAY[to_tsquery('a'), to_tsquery('b')]) FROM retail.products",
    "SELECT to_tsvector('english', product_name) @@ websearch_to_tsquery('english', 'paint $5') FROM retail.products",
    "WITH RECURSIVE p(n, path) AS (SELECT 1, 'a'::text UNION ALL SELECT n + 1, path || '>' || n FROM p WHERE n < 20) SELECT path FROM p",
    "SELECT round(100 * (1.05 ^ quantity), 2), power(2, 10), 10 ^ 6, exp(1), sqrt(quantity) FROM retail.order_items",
    "SELECT sum(total_amount) * 1.1 / nullif(count(*), 0) - avg(total_amount) % 7 FROM retail.orders",
    "SELECT factorial(5), factorial(least(quantity, 20)) FROM retail.order_items",
    "SELECT repeat('#', least(quantity, 40)) || lpad(status, 20), status::char(10), 5::bit(8) FROM retail.orders, retail.order_items LIMIT 2",
    "SELECT x.total, x.count, x.n FROM (SELECT sum(quantity) AS total, count(*), max(quantity) AS n FROM retail.order_items) AS x",
    "SELECT (o).status, o.order_id, e.key, e.value FROM retail.orders AS o, jsonb_each(to_jsonb(o)) AS e LIMIT 5",
    "SELECT x.line, y.line FROM (SELECT 1 AS line) AS x, (SELECT x.* FROM (SELECT 2 AS line) AS x) AS y",
    "WITH w(line) AS (VALUES (1)) SELECT w.line FROM w",
    "SELECT f.line FROM generate_series(1, 3) AS f(line)",
    "SELECT x.no_such_column FROM retail.orders AS x",
    "SELECT x.name FROM (VALUES ('a')) AS x(name)",
    "SELECT r.a FROM jsonb_to_record('{\"a\": 1}') AS r(a int)",
    "SELECT v.column1, t.j FROM (VALUES (1)) AS v, JSON_TABLE('[1]'::jsonb, '$[*]' COLUMNS (j int PATH '$')) AS t",
    "SELECT row_to_json(p), p::text, (p).product_name FROM retail.products AS p",
    "SELECT w.rank, w.s FROM (SELECT rank() OVER (ORDER BY quantity), sum(quantity) OVER () AS s FROM retail.order_items) AS w",
    "VALUES ('a', 1), ('b', 2)",
    "SELECT '{1,2}'::int[] && ARRAY[1], status LIKE ALL (ARRAY['a']) FROM retail.orders",
    "SELECT repeat('ab'::text, 3)",
    nested_recursions(2),
    "WITH RECURSIVE t AS (SELECT product_id, product_name::text AS path FROM retail.products UNION ALL SELECT p.product_id, t.path || ' > ' || p.product_name FROM retail.products AS p JOIN t ON t.product_id = p.product_id WHERE length(t.path) < 20) SELECT string_agg(path, E'\n') FROM t",
    "SELECT a.customer_id, a.p && b.p FROM (SELECT customer_id, array_agg(product_id) AS p FROM retail.orders JOIN retail.order_items USING (store_id, order_id) GROUP BY 1) AS a, (SELECT customer_id, array_agg(product_id) AS p FROM retail.orders JOIN retail.order_items USING (store_id, order_id) GROUP BY 1) AS b WHERE a.customer_id <> b.customer_id LIMIT 5",
    "SELECT o.order_id, (SELECT string_agg(i.quantity::text, ', ') FROM retail.order_items AS i WHERE i.order_id = o.order_id) FROM retail.orders AS o",
    "SELECT s.store_name, (SELECT max(o.total_amount) FROM retail.orders AS o WHERE o.store_id = s.store_id) FROM retail.stores AS s JOIN retail.orders AS p USING (store_id)",
    "SELECT - total_amount, @ total_amount, |/ total_amount FROM retail.orders",
    "TABLE retail.stores",
    "SELECT 1 UNION SELECT 2 UNION (SELECT 3 EXCEPT VALUES (4))",
    "SELECT string_agg(x.a || b, ', ') FROM (SELECT 'a' AS a, 'b' AS b UNION SELECT 'c', 'd') AS x",
    "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n FROM t WHERE n < 2) SELECT JSON_ARRAY(SELECT n FROM t), JSON_ARRAYAGG(n) FROM t",
    "SELECT array_agg(store_id) && array_agg(store_id) FROM retail.stores",
    "SELECT string_agg(status, ',') LIKE '%cancelled%' FROM retail.orders",
    "SELECT translate(string_agg(phone, ','), '()-', '') FROM retail.customers",
    f"SELECT string_agg(repeat('x', 1000), ', ') FROM {SPAN}, generate_series(a, b, INTERVAL '1' month) AS d",
    "SELECT (x).count FROM (SELECT count(*) FROM retail.orders) AS x",
    "SELECT x.count, x.length FROM (SELECT count(*), length(max(status)) FROM retail.orders) AS x",
    f"{CUT} SELECT strpos(left(s, 100), substr(s, 5, 100)) FROM a",
    f"SELECT d, (SELECT left(string_agg({NAMES}, ''), 100) FROM {LINES} WHERE o.order_date < d) FROM generate_series(DATE '2026-01-01', DATE '2026-03-01', INTERVAL '1 month') AS d",
    "SELECT c.email, (SELECT left(string_agg(synonyms || product_name, ''), 9) FROM retail.products WHERE product_name > c.email AND base_price > 1) FROM retail.customers AS c",
]  # fmt: skip

DOCUMENTS = "(SELECT to_jsonb(o) AS d, jsonb_agg(1) OVER () AS big, array_agg(order_id) OVER () AS ids FROM retail.orders AS o) AS x"

SHORT_VARIABLES = [
    'jsonb_path_query(d, \'$.items[*] ? (@.price > $min)\', \'{"min": 10}\')',
    'jsonb_path_query(d, \'$.items[*] ? (@.price > $min && @.price < $max)\', \'{"min": 10, "max": 20.5}\'::jsonb)',
    "jsonb_path_exists(d, '$.a ? (@ == $who)', jsonb_build_object('who', 'x', 'n', 3, 'd', '2026-01-01'::date, 'q', (1+1)::int))",
    'jsonb_path_exists(d, \'$.a ? (@ == $who)\', vars => \'{"who": null}\', silent => true)',
    'jsonb_path_exists(d, \'$.a ? (@ == $"who is")\', \'{"who is": true}\', true)',
    "JSON_EXISTS(d, '$.a ? (@ > $m)' PASSING 10 AS m)",
    "JSON_VALUE(d, '$.a ? (@ > $m)' PASSING 10 AS m, 'a'::text AS b, '5'::numeric AS c)",
    "(SELECT count(*) FROM JSON_TABLE(d, '$[*] ? (@.p > $m)' PASSING 10 AS m COLUMNS (x int PATH '$.a')) AS t)",
    'jsonb_path_query_array(d, \'$.a[*] ? (@.p >= $min).name ? (@ starts with $p)\', \'{"min": 1, "p": "A"}\')',
    "jsonb_path_exists(d, '$.a ? (@ == $who)')",
    'jsonb_path_query(d, \'$.status == $s\', \'{"s": "pending"}\')',
]  # fmt: skip

LONG_VARIABLES = [
    "jsonb_path_query(d, '$.a ? (@ == $m)', '{\"m\": 1')",
    "jsonb_path_query(d, '$.items[*] ? (@.price > $min)', jsonb_build_object('min', big))",
    'jsonb_path_query(d, \'$.items[*] ? (@.price == $m[*])\', \'{"m": [1,2]}\')',
    'jsonb_path_query(d, \'$.items[*] ? (@.price == $m.a[*])\', \'{"m": {"a": [1,2]}}\')',
    "jsonb_path_query(d, '$.items[*] ? (@.price == $m)', '[1]')",
    "jsonb_path_query(d, '$.items[*] ? (@.price == $m)', to_jsonb(x))",
    "jsonb_path_query(d, '$.items[*] ? (@.price == $m)', jsonb_build_object(VARIADIC ids))",
    "jsonb_path_query(d, '$.items[*] ? (@.price == $m)', vars => d)",
    'jsonb_path_query(d, \'$.items[*] ? (@.price == @.b[*] && @.a == $m)\', \'{"m": 1}\')',
    'jsonb_path_query(d, \'$ ? (@.a[*] == $.b[*])\', \'{"m": 1}\')',
    'jsonb_path_query(d, \'$ ? (@.a[*] == $ .b[*])\', \'{"m": 1}\')',
    'jsonb_path_query(d, \'$ ? (@."a$"[*] == @."b"[*])\', \'{"m": 1}\')',
    'jsonb_path_query(d, \'$.a\\" ? (@.b[*] == @.c[*]).d\\"\')',
    "jsonb_path_query(d, '$ ? (@.a\\$x[*] == @.c[*])')",
    'jsonb_path_query(d, \'$.a ? (@ == $m[*])\', d) , jsonb_path_query(d, \'$\', \'{"m":1}\')',
    "JSON_EXISTS(d, '$ ? (@.a[*] == $m[*])' PASSING big AS m)",
    "JSON_EXISTS(d, '$ ? (@.a[*] == $m[*])' PASSING '[1,2]'::jsonb AS m)",
    "JSON_EXISTS(d, '$ ? (@.a[*] == $m[*])' PASSING ids::text[] AS m)",
    "JSON_EXISTS(d, '$ ? (@.a[*] == $m[*])' PASSING '{1}'::int[] AS m)",
    "JSON_VALUE(d, '$ ? (exists($.b[*] ? (@ == $m)))' PASSING 1 AS m)",
    'jsonb_path_query(d, \'$ ? (@.a[*] == /* $m */ @.c[*])\', \'{"m": 1}\')',
    'jsonb_path_query(d, \'$ ? (@.a /* " */ == @.c /* " */)\', \'{"m": 1}\')',
    'jsonb_path_query(d, \'$ ? (@.a == $m)\', coalesce(\'{"m": 1}\'::jsonb, d))',
    'jsonb_path_query(d, \'$ ? (@.a == $m)\', (\'{"m": 1}\'::jsonb[])[1])',
]  # fmt: skip

SEARCHED = "SELECT strpos(s, 'y' || s) FROM (SELECT string_agg(repeat('x', 140), '') AS s"
MADE = "(SELECT 1 AS order_id FROM generate_series(1, 50000))"

# Groups of a key that all rows have, or that more rows have than an order has lines.
LARGE_GROUPS = [
    ", 1 AS order_id FROM generate_series(1, 50000) GROUP BY order_id",
    f" FROM {MADE} AS z GROUP BY order_id",
    f" FROM {MADE} AS z(order_id) GROUP BY z.order_id",
    f" FROM {MADE} AS z, retail.orders AS i GROUP BY i.order_id",
    f" FROM (WITH z AS {MADE} SELECT order_id FROM z) AS z GROUP BY order_id",
    *(
        f" FROM retail.{tables} GROUP BY i.order_id"
        for tables in (
            "order_items AS i, retail.order_items AS j WHERE i.quantity = j.quantity",
            "order_items AS i JOIN retail.order_items AS j USING (quantity)",
            "order_items AS i, retail.order_items AS j WHERE (i.quantity, 1) = (j.quantity, 1)",
            "order_items AS i JOIN retail.products AS j ON i.unit_price = j.base_price",
            "order_items AS i NATURAL JOIN retail.products AS j",
            "orders AS i, retail.order_items AS j WHERE i.order_id = i.order_id",
            "orders AS i, retail.order_items AS j WHERE i.total_amount IN (j.total_amount)",
            "orders AS i, retail.order_items AS j WHERE i.order_id <> j.order_id",
            "orders AS i JOIN retail.stores AS s USING (store_id) JOIN retail.products AS j USING (store_id)",
            "orders AS i, retail.order_items AS k, retail.stores AS s, retail.products AS j WHERE i.order_id = k.order_id AND k.order_id = i.order_id AND s.store_id = i.store_id AND j.store_id = s.store_id",
        )
    ),
]  # fmt: skip

ORDERS_WITH_LINES = [
    "SELECT s.store_id, (SELECT count(*) FROM (SELECT i.order_id, json_agg(i.product_id) FROM retail.order_items AS i JOIN retail.products AS p ON i.product_id = p.product_id WHERE i.order_id = o.order_id GROUP BY i.order_id) AS v) FROM retail.stores AS s JOIN retail.orders AS o USING (store_id) LIMIT 5",
    "SELECT json_agg(json_build_object('order_id', o.order_id, 'date', o.order_date, 'items', (SELECT json_agg(json_build_object('product_id', i.product_id, 'quantity', i.quantity)) FROM retail.order_items AS i WHERE i.order_id = o.order_id AND i.store_id = o.store_id))) FROM retail.orders AS o",
    "SELECT json_agg(x) FROM (SELECT o.order_id, o.status, (SELECT json_agg(json_build_object('product_id', i.product_id, 'quantity', i.quantity)) FROM retail.order_items AS i WHERE i.order_id = o.order_id) AS items FROM retail.orders AS o ORDER BY o.order_date DESC LIMIT 10) AS x",
    "SELECT o.order_id, jsonb_agg(to_jsonb(i)) FROM retail.orders AS o JOIN retail.order_items AS i USING (store_id, order_id) GROUP BY o.order_id",
    "WITH lines AS (SELECT order_id, json_agg(json_build_object('product_id', product_id, 'quantity', quantity, 'price', total_amount)) AS items FROM retail.order_items GROUP BY order_id) SELECT jsonb_agg(jsonb_build_object('order_id', o.order_id, 'status', o.status, 'date', o.order_date, 'items', l.items) ORDER BY o.order_date) FROM retail.orders AS o JOIN lines AS l ON l.order_id = o.order_id WHERE o.customer_id = '7d3c0e0e-0000-0000-0000-000000000000'",
    "SELECT o.order_id, json_build_object('order', row_to_json(o), 'lines', (SELECT json_agg(row_to_json(i)) FROM retail.order_items AS i WHERE i.order_id = o.order_id)) FROM retail.orders AS o LIMIT 5",
    "SELECT json_agg(json_build_object('id', o.order_id, 'lines', l.lines)) FROM retail.orders AS o CROSS JOIN LATERAL (SELECT json_agg(json_build_object('p', i.product_id, 'q', i.quantity)) AS lines FROM retail.order_items AS i WHERE i.order_id = o.order_id) AS l WHERE o.order_date > '2026-01-01'",
    "SELECT c.customer_id, json_agg(json_build_object('order_id', o.order_id, 'items', (SELECT json_agg(json_build_object('product_id', i.product_id, 'quantity', i.quantity)) FROM retail.order_items AS i WHERE i.order_id = o.order_id))) FROM retail.customers AS c JOIN retail.orders AS o USING (store_id, customer_id) GROUP BY c.customer_id LIMIT 10",
    "SELECT o.customer_id, jsonb_agg(jsonb_build_object('order_id', o.order_id, 'items', (SELECT jsonb_agg(jsonb_build_object('product_id', i.product_id, 'quantity', i.quantity)) FROM retail.order_items AS i WHERE i.store_id = o.store_id AND i.order_id = o.order_id))) FROM retail.orders AS o GROUP BY o.customer_id LIMIT 10",
    "SELECT json_build_object('order_id', o.order_id, 'items', json_agg(json_build_object('product_id', i.product_id, 'quantity', i.quantity))) FROM retail.orders AS o JOIN retail.order_items AS i USING (store_id, order_id) GROUP BY o.order_id LIMIT 10",
    "SELECT json_agg(t) FROM (SELECT o.order_id, json_agg(json_build_object('product_id', i.product_id, 'quantity', i.quantity)) AS items FROM retail.orders AS o JOIN retail.order_items AS i ON i.store_id = o.store_id AND i.order_id = o.order_id WHERE o.status = 'pending' GROUP BY o.order_id) AS t",
    "SELECT json_agg(t) FROM (SELECT o.order_id, json_agg(json_build_object('product_id', i.product_id, 'quantity', i.quantity)) AS items FROM retail.orders AS o JOIN retail.order_items AS i ON i.store_id = o.store_id AND i.order_id = o.order_id GROUP BY o.order_id LIMIT 20) AS t",
    "SELECT JSON_ARRAYAGG(JSON_OBJECT('id': o.order_id, 'items': (SELECT JSON_ARRAYAGG(JSON_OBJECT('p': i.product_id, 'q': i.quantity)) FROM retail.order_items AS i WHERE i.order_id = o.order_id))) FROM retail.orders AS o WHERE o.order_date > '2026-06-01'",
    "SELECT o.order_id, JSON_ARRAY(SELECT i.product_id FROM retail.order_items AS i WHERE i.order_id = o.order_id) FROM retail.orders AS o",
    "SELECT string_agg(o.order_id || ': ' || (SELECT string_agg(i.quantity || ' x ' || i.product_id, ', ') FROM retail.order_items AS i WHERE i.order_id = o.order_id), E'\\n') FROM retail.orders AS o",
    "SELECT json_agg(json_build_object('store', s.store_id, 'orders', (SELECT json_agg(json_build_object('id', o.order_id, 'items', (SELECT json_agg(i.product_id) FROM retail.order_items AS i WHERE i.order_id = o.order_id))) FROM retail.orders AS o WHERE o.store_id = s.store_id))) FROM retail.stores AS s",
]  # fmt: skip

FIELDS = [
    "SELECT (o).hash_record FROM retail.orders AS o",
    "SELECT (x).cstring FROM (VALUES ('a')) AS v(x)",
    "SELECT (x).hashtext FROM (VALUES ('a')) AS v(x)",
    "SELECT (x).jsonb_send FROM (SELECT '1'::jsonb) AS v(x)",
    "SELECT (x).textlen FROM (VALUES ('a')) AS v(x)",
    "SELECT (x).int2vector FROM (VALUES ('1 2')) AS v(x)",
    "SELECT (x).refcursor FROM (VALUES ('a')) AS v(x)",
    "SELECT ((x).oid).int8 FROM (VALUES ('1')) AS v(x)",
    "SELECT o.hashtextextended FROM retail.orders AS o",
    "SELECT (x).array_agg FROM generate_series(1, 3) AS x",
    "SELECT (x).json_agg FROM generate_series(1, 3) AS x",
    "SELECT o.to_jsonb FROM retail.orders AS o",
    "SELECT (o.status).normalize FROM retail.orders AS o",
    "SELECT o.length FROM retail.orders AS o",
    "WITH a AS (SELECT 1 AS textlen) SELECT (x).textlen FROM (VALUES ('a')) AS v(x)",
]

PLACES = [
    f"SELECT order_id FROM retail.orders TABLESAMPLE {method} (50){seed} WHERE status = 'completed'"
    for method in ("system", "bernoulli", "BERNOULLI")
    for seed in ("", " REPEATABLE (7)")
]


PASSING = [
    *USUAL,
    *ORDERS_WITH_LINES,
    *(f"SELECT {call} FROM {DOCUMENTS}" for call in SHORT_VARIABLES),
]
REFUSED = [
    *(*ENDLESS, *FIELDS, *PLACES),
    *(f"SELECT {call} FROM {DOCUMENTS}" for call in LONG_VARIABLES),
    *(f"{SEARCHED}{tail}) AS v" for tail in LARGE_GROUPS),
]


@pytest.mark.parametrize("sql", REFUSED, ids=str)
def test_statement_that_no_deadline_ends_is_refused_at_once(sql: str) -> None:
    started = time.thread_time()
    verdict = parsing_thread().submit(guard.judge, sql).result()
    assert verdict.error is QueryRefused, verdict.message
    assert verdict.message.endswith(".")
    assert verdict.hint
    assert time.thread_time() - started < 1


@pytest.mark.parametrize("sql", PASSING, ids=str)
def test_usual_statement_passes(sql: str) -> None:
    verdict = parsing_thread().submit(guard.judge, sql).result()
    assert verdict.error is None, verdict.message


def test_statement_that_may_build_long_values_runs_alone() -> None:
    assert guard.judge("SELECT string_agg(repeat(status, 9), '') FROM retail.orders").gathers
    assert not guard.judge("SELECT string_agg(product_name, ', ') FROM retail.products").gathers
    assert not guard.judge("SELECT status, count(*) FROM retail.orders GROUP BY 1").gathers


def test_comparisons_of_one_statement_are_added_up() -> None:
    once = "strpos(a.s, a.s || 'y')"
    made = "(SELECT string_agg('xxxx', '') AS s FROM generate_series(1, 400)) AS a"
    assert guard.judge(f"SELECT {once} FROM {made}").error is None
    many = f"SELECT {', '.join([once] * 9)} FROM {made}"
    assert parsing_thread().submit(guard.judge, many).result().error is QueryRefused


ORDERS_OF_ONE = (
    "SELECT json_agg(t) FROM (SELECT o.order_id, ARRAY(SELECT json_build_object("
    "'p', i.product_id, 'q', i.quantity, 'total', i.total_amount) FROM retail.order_items i"
    " WHERE i.order_id = o.order_id) AS lines FROM retail.orders o WHERE {condition}) t"
)
LINES_OF_ONE = (
    "WITH t AS (SELECT o.order_id, json_agg(json_build_object('p', i.product_id, 'q', i.quantity,"
    " 'total', i.total_amount)) AS lines FROM retail.orders o JOIN retail.order_items i"
    " USING (store_id, order_id) WHERE {condition} GROUP BY o.order_id, o.order_date)"
    " SELECT json_agg(t) FROM t"
)
ONE_CUSTOMER = "SELECT customer_id FROM retail.customers"


@pytest.mark.parametrize("statement", [ORDERS_OF_ONE, LINES_OF_ONE], ids=["ARRAY", "CTE"])
@pytest.mark.parametrize(
    "condition",
    [
        "o.customer_id = '11111111-1111-1111-1111-111111111111'",
        f"o.customer_id = ({ONE_CUSTOMER} ORDER BY customer_id LIMIT 1)",
        f"({ONE_CUSTOMER} LIMIT 1) = o.customer_id",
        (
            "o.customer_id = (SELECT c.customer_id FROM retail.customers c"
            " WHERE c.email LIKE 'a%' ORDER BY c.email LIMIT 1)"
        ),
        (
            "o.customer_id = (SELECT customer_id FROM retail.orders"
            " GROUP BY customer_id ORDER BY sum(total_amount) DESC LIMIT 1)"
        ),
        "o.order_id = (SELECT order_id FROM retail.orders ORDER BY order_date DESC LIMIT 1)",
    ],
)
def test_key_that_a_query_selects_counts_as_a_literal(statement: str, condition: str) -> None:
    verdict = guard.judge(statement.format(condition=condition))
    assert verdict.error is None, verdict.message


@pytest.mark.parametrize(
    "condition",
    [
        "o.customer_id = (SELECT o.customer_id FROM retail.customers LIMIT 1)",
        "o.customer_id = (SELECT customer_id FROM retail.stores LIMIT 1)",
        "o.customer_id = (SELECT o.customer_id)",
        f"o.customer_id = ({ONE_CUSTOMER} WHERE o IS NOT NULL LIMIT 1)",
        f"o.customer_id = ({ONE_CUSTOMER} c WHERE c.customer_id = o.customer_id)",
        "o.customer_id = (SELECT x.customer_id FROM retail.orders x WHERE x.order_id = o.order_id)",
        f"o.customer_id = ({ONE_CUSTOMER} UNION SELECT o.customer_id)",
        (
            f"o.customer_id = ({ONE_CUSTOMER} c WHERE EXISTS (SELECT 1 FROM retail.orders o"
            " WHERE o.customer_id = c.customer_id) LIMIT 1)"
        ),
        "o.customer_id = (SELECT customer_id FROM (SELECT o.customer_id) x, retail.customers c)",
        (
            "o.customer_id = (SELECT a.customer_id FROM retail.customers a JOIN retail.orders b"
            " ON b.customer_id = o.customer_id LIMIT 1)"
        ),
        "o.customer_id = (SELECT max(c.customer_id) FROM retail.customers c)",
        "o.customer_id <> (SELECT customer_id FROM retail.customers LIMIT 1)",
        f"o.customer_id = ANY (({ONE_CUSTOMER} LIMIT 1)::uuid[])",
        f"o.* = ({ONE_CUSTOMER} LIMIT 1)",
        "o.status = (SELECT status FROM retail.orders LIMIT 1)",
    ],
)
def test_key_that_follows_from_the_row_around_it_lowers_nothing(condition: str) -> None:
    assert guard.judge(ORDERS_OF_ONE.format(condition=condition)).error is QueryRefused
