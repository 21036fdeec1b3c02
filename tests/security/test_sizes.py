"""Statements that no deadline would end, or that would take the server's memory, are refused."""

import time

import pytest

from zava.data.guard import Guard
from zava.data.guard.parsing import parsing_thread
from zava.errors import QueryRefused

guard = Guard(
    frozenset({"orders", "order_items", "products", "customers", "stores"}),
    frozenset({"store_id", "order_id", "product_id", "product_name", "status", "quantity"})
    | {"customer_id", "order_date", "total_amount", "email", "synonyms", "last_name"},
    frozenset({"hashtext", "int2vector", "oid", "cstring", "jsonb_send", "hash_record", "refcursor", "textlen"}
    | {"hashtextextended", "line"}),
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
    "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n FROM t WHERE n < 2) SELECT JSON_ARRAY(SELECT n FROM t), JSON_ARRAYAGG(n) FROM t",
    "SELECT array_agg(store_id) && array_agg(store_id) FROM retail.stores",
    "SELECT string_agg(status, ',') LIKE '%cancelled%' FROM retail.orders",
    "SELECT translate(string_agg(phone, ','), '()-', '') FROM retail.customers",
    f"SELECT string_agg(repeat('x', 1000), ', ') FROM {SPAN}, generate_series(a, b, INTERVAL '1' month) AS d",
    "SELECT (x).count FROM (SELECT count(*) FROM retail.orders) AS x",
    "SELECT x.count, x.length FROM (SELECT count(*), length(max(status)) FROM retail.orders) AS x",
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
    "WITH a AS (SELECT 1 AS hashtext) SELECT (x).hashtext FROM (VALUES ('a')) AS v(x)",
]

PLACES = [
    f"SELECT order_id FROM retail.orders TABLESAMPLE {method} (50){seed} WHERE status = 'completed'"
    for method in ("system", "bernoulli", "BERNOULLI")
    for seed in ("", " REPEATABLE (7)")
]


@pytest.mark.parametrize("sql", [*ENDLESS, *FIELDS, *PLACES], ids=str)
def test_statement_that_no_deadline_ends_is_refused_at_once(sql: str) -> None:
    started = time.thread_time()
    verdict = parsing_thread().submit(guard.judge, sql).result()
    assert verdict.error is QueryRefused, verdict.message
    assert verdict.message.endswith(".")
    assert verdict.hint
    assert time.thread_time() - started < 1


@pytest.mark.parametrize("sql", USUAL, ids=str)
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
