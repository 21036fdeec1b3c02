"""A refusal names what was refused and what to write instead."""

import time

import pytest

from tests.security.guarded import COLUMNS_OF_TABLES, TABLES
from zava.data.guard.analysis import ParsingTurns, StatementAnalyzer
from zava.data.guard.guard import Guard, Verdict
from zava.data.guard.syntax import syntax_hint
from zava.data.guard.vocabulary import ForeignNames
from zava.data.syntax.outside_text import OutsideText
from zava.errors import DatabaseFault, QueryRefused

CALLING = frozenset({"pg_sleep", "regrole", "length"})
READ = "Send one SELECT (or WITH … SELECT, VALUES); the data can only be read."
SETTINGS = "Settings cannot be read or changed; only the caller's token identifies the caller."
SCHEMA = "get_multiple_table_schemas describes the tables that you can read."
STANDARD = "Use PostgreSQL's aggregate, window, date, text, number, array and JSON functions."
COLUMNS = "Name columns as get_multiple_table_schemas lists them"
A_SERIES = (
    "generate_series(1, 12), or generate_series(date '2026-01-01', date '2026-01-31',"
    " interval '1 day')"
)
LONG = "Write what it looks for as a short literal, or gather fewer rows into one value."


def judge(sql: str) -> Verdict:
    return Guard("retail", TABLES, COLUMNS_OF_TABLES, CALLING, OutsideText({})).judge(sql)


def bounded(name: str, largest: str) -> str:
    return f"{name} needs a bound of at most {largest} written in the statement."


@pytest.mark.parametrize(
    ("sql", "message", "hint"),
    [
        ("SELECT 1; SELECT 2", "The text holds several statements.", "Send one statement."),
        ("-- nothing", "The text holds no statement.", READ),
        (
            "EXPLAIN SELECT 1",
            "EXPLAIN is not allowed.",
            "Plans are not shown; send the SELECT itself.",
        ),
        ("SET role = x", "SET is not allowed.", SETTINGS),
        ("SHOW ALL", "SHOW is not allowed.", SETTINGS),
        (
            "COPY retail.orders TO STDOUT",
            "COPY is not allowed.",
            "Rows leave as the answer of a SELECT; raise max_rows for more of them.",
        ),
        (
            "COMMIT",
            "Transaction control is not allowed.",
            "Each call is a transaction of its own.",
        ),
        ("DELETE FROM retail.orders", "DELETE is not allowed.", READ),
        (
            "WITH d AS (DELETE FROM retail.orders RETURNING 1) TABLE d",
            "DELETE is not allowed.",
            READ,
        ),
        ("CREATE TABLE t (a int)", "Only reads are allowed.", READ),
        (
            "SELECT merge_action()",
            "The statement holds a construct that is not allowed (MergeSupportFunc).",
            READ,
        ),
        (
            "SELECT $1",
            "The statement holds parameters such as $1, and nothing is bound to them.",
            "Write the values into the statement.",
        ),
        (
            "SELECT 1 FROM retail.orders FOR UPDATE",
            "FOR UPDATE and FOR SHARE lock rows.",
            "Leave the clause out.",
        ),
        ("SELECT xmlforest(1)", "XML is not allowed.", "Use the JSON functions."),
        ("SELECT * FROM pg_class", "Catalog tables cannot be read.", SCHEMA),
        ("SELECT * FROM information_schema.tables", "Catalog tables cannot be read.", SCHEMA),
        (
            "SELECT * FROM retail.order",
            "retail.order is not a table that you can read.",
            "Use retail.orders, retail.order_items.",
        ),
        (
            "SELECT * FROM store",
            "store is not a table that you can read.",
            "Use retail.stores.",
        ),
        (
            "SELECT * FROM qqqq",
            "qqqq is not a table that you can read.",
            "Use retail.customers, retail.order_items, retail.orders, retail.products, retail.stores.",
        ),
        (
            "SELECT * FROM other.retail.orders",
            "other.retail.orders is not a table that you can read.",
            "Use retail.orders, retail.order_items, retail.stores.",
        ),
        ("SELECT set_config('a', 'b', true)", "The function set_config is not allowed.", SETTINGS),
        ("SELECT pg_sleep(1)", "The function pg_sleep is not allowed.", SCHEMA),
        (
            "SELECT has_table_privilege('a', 'b')",
            "The function has_table_privilege is not allowed.",
            SCHEMA,
        ),
        ("SELECT pg_typeof(1)", "pg_typeof is read as text only.", "Write pg_typeof(x)::text."),
        (
            "SELECT string_aggr(x, ',')",
            "The function string_aggr is not allowed.",
            "Perhaps string_agg.",
        ),
        ("SELECT zzzzzz(1)", "The function zzzzzz is not allowed.", STANDARD),
        (
            "SELECT zava.my_store('x')",
            "Functions of the schema zava are not allowed.",
            STANDARD,
        ),
        (
            "SELECT o.pg_sleep FROM retail.orders o",
            "pg_sleep is not a column here.",
            f"{COLUMNS}; call functions as f(x).",
        ),
        (
            "SELECT (1).regrole",
            "regrole is not a column here.",
            f"{COLUMNS}; call functions as f(x).",
        ),
        (
            "SELECT ctid FROM retail.orders",
            "ctid is a system column, which cannot be read.",
            f"{COLUMNS}, and outputs otherwise.",
        ),
        (
            "SELECT (o).xmin FROM retail.orders o",
            "xmin is a system column, which cannot be read.",
            f"{COLUMNS}, and outputs otherwise.",
        ),
        ("SELECT 'orders'::regclass", "The type regclass looks into the catalog.", SCHEMA),
        ("SELECT 'zava.x'::regconfig", "The type regconfig looks into the catalog.", SCHEMA),
        (
            "SELECT NULL::retail.orders",
            "The type retail.orders is not allowed.",
            "Use text, numeric, integer, boolean, date, timestamptz, interval, uuid, jsonb or arrays.",
        ),
        (
            "SELECT 'a' COLLATE zava.x",
            "The collation zava.x is not allowed.",
            'Leave it out or use "C".',
        ),
        (
            "SELECT 1 OPERATOR(zava.+) 1",
            "The operator zava.+ is not allowed.",
            "Use PostgreSQL's own operators, unqualified.",
        ),
        (
            "SELECT 1 ORDER BY 1 USING ###",
            "The operator ### is not allowed.",
            "Use PostgreSQL's own operators, unqualified.",
        ),
        (
            "SELECT 1 ### ANY (SELECT 1)",
            "The operator ### is not allowed.",
            "Use PostgreSQL's own operators, unqualified.",
        ),
        (
            "SELECT current_user",
            "CURRENT_USER is not allowed.",
            "Each answer states the stores that it covers.",
        ),
        (
            "SELECT 1 FROM retail.orders TABLESAMPLE mine (1)",
            "TABLESAMPLE is not allowed.",
            "Use ORDER BY random() LIMIT n.",
        ),
        (
            "SELECT repeat('x', n) FROM retail.orders",
            bounded("repeat", "10,000"),
            "For example repeat('#', least(n, 100)).",
        ),
        (
            "SELECT lpad('x', 10001)",
            bounded("lpad", "10,000"),
            "For example lpad('#', least(n, 100)).",
        ),
        (
            "SELECT lpad(a, greatest(length(b), 12)) FROM (SELECT 'x' AS a, 'y' AS b) AS t",
            bounded("lpad", "10,000"),
            "For example lpad('#', least(n, 100)).",
        ),
        (
            "SELECT repeat(a, greatest(length(a), 12)) FROM (SELECT 'x' AS a) AS t",
            bounded("repeat", "10,000"),
            "For example repeat('#', least(n, 100)).",
        ),
        (
            "SELECT lpad(a, greatest(length(a), 10001)) FROM (SELECT 'x' AS a) AS t",
            bounded("lpad", "10,000"),
            "For example lpad('#', least(n, 100)).",
        ),
        (
            "SELECT repeat(repeat('x', 1000), 2000)",
            bounded("A repetition of repetitions", "1,000,000"),
            "For example repeat('#', least(n, 100)).",
        ),
        (
            "SELECT n FROM generate_series(1, 10 ^ 9) AS n",
            bounded("generate_series", "1,000,000"),
            f"For example {A_SERIES}.",
        ),
        (
            "SELECT format('%99999s', 'x')",
            bounded("format", "10,000"),
            (
                "For example format('%s: %s', a, b); a number is to_char(x, 'FM999,990.00'), "
                "a date to_char(x, 'YYYY-MM')."
            ),
        ),
        (
            "SELECT strpos(string_agg(a, ''), max(b)) FROM retail.orders",
            "strpos may compare two long values, which no deadline ends.",
            LONG,
        ),
        (
            "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT n FROM r",
            "The recursive query r has no condition that ends it.",
            "Add a WHERE with a bound to its recursive term, such as WHERE n < 100.",
        ),
    ],
)
def test_refusal_says_what_and_what_instead(sql: str, message: str, hint: str) -> None:
    assert judge(sql) == Verdict(QueryRefused, message, hint)


def test_syntax_error_says_where() -> None:
    assert judge("SELECT 1 1") == Verdict(
        DatabaseFault,
        'Syntax error at or near "1" (at character 10).',
        "Correct the syntax near the stated position and send the statement again.",
    )
    assert (
        judge("SELECT '").message == 'Unterminated quoted string at or near "\'" (at character 8).'
    )


def test_depth_beyond_what_can_be_read_is_refused() -> None:
    verdict = judge("SELECT " + "1+" * 6000 + "1")
    assert (verdict.error, verdict.message) == (QueryRefused, "The statement nests too deep.")


@pytest.mark.parametrize(
    "call",
    [
        "repeat('-', 10000)",
        "repeat('-', least(n, 100) + 1)",
        "repeat('-', least(n, 100) - 1)",
        "repeat('-', least(n, m, 100)::int)",
        "repeat('', 10000)",
        "repeat('ab', -3)",
        "repeat(status, 3)",
        "repeat(status, 3) || repeat('#', least(n, 40)) || repeat('.', 40 - 7) || lpad(status, 20)",
        "repeat('-', (10 * 10)::int)",
        "repeat('-', (SELECT 40))",
        "repeat('-', greatest(1, 2))",
        "repeat('-', '7'::int)",
        "repeat('-', (2 ^ 3)::int / 2)",
        "format('%s %-10s %1$s %%', a, b)",
        "strpos(a, b)",
        "replace(string_agg(a, ''), 'b', '; ')",
        "normalize(max(a), NFD), array_agg(a)",
        "translate(a, b, c), ARRAY(SELECT 1)",
        "position(b IN repeat('a', 257))",
        "trim(string_agg(a, ''))",
        "lpad(a, 2, '0') || replace(a, b, repeat('-', 20))",
        "lpad(a, greatest(length(a), 12), '0') || rpad(a, greatest(20, length(a)))",
        "rpad(a, greatest(length(a)))",
        "normalize('é') || string_agg(a, '')",
        "pg_typeof(a)::text",
        "to_tsvector('english'::regconfig, a)",
        'a COLLATE "C" || b COLLATE pg_catalog."default"',
        "1 OPERATOR(pg_catalog.+) 1",
        "replace(status::text, 'a'::text, 'b')",
        "(ARRAY[1, 2])[1:2]",
        "a.status = ANY (ARRAY(SELECT 'a'))",
        "a.status LIKE 'a'",
        "a.quantity BETWEEN 1 AND 2",
        "count(*) OVER (ORDER BY a.status USING <)",
        "count(*) OVER (ORDER BY a.status)",
        "current_date",
    ],
)
def test_call_within_its_bounds_passes(call: str) -> None:
    assert judge(f"SELECT {call} FROM retail.orders AS a").error is None


DAY = "date '2026-01-31' - date '2026-01-01'"
BOUNDED = (
    # Days between dates.
    DAY,
    "'2026-01-31'::date - '2026-01-01'::date",
    "CURRENT_DATE - date '2026-01-01'",
    "now()::date - date_trunc('year', now())::date",
    "(now() AT TIME ZONE 'UTC')::date - make_date(2026, 1, 1)",
    "(date '2026-01-01' + interval '1 month - 1 day')::date - date '2026-01-01'",
    "(date '2026-01-01' + 30) - date '2026-01-01'",
    "(CURRENT_DATE - interval '2 years')::date - CURRENT_DATE",
    "timestamp '2026-01-31 10:00'::date - date '2026-01-01'",
    # Arithmetic with them.
    f"({DAY}) / 7",
    f"ceil(({DAY}) / 7.0)::int",
    f"floor(({DAY}) * -2)::int",
    f"least({DAY}, 5)",
    f"greatest({DAY}, 5)",
    f"({DAY}) + extract(day FROM CURRENT_TIMESTAMP)::int",
    # Fields of times.
    "extract(year FROM CURRENT_DATE)::int",
    "extract(month FROM now())::int",
    "extract(day FROM LOCALTIMESTAMP)::int",
    "date_part('doy', CURRENT_DATE)::int",
    "extract(day FROM now() - timestamp '2020-01-01')::int",
    # Lengths of literals.
    "cardinality(ARRAY['a', 'b'])",
    "array_length(string_to_array('a,b', ','), 1)",
    "length('abc')",
    "length('abc'::text)",
)
UNBOUNDED = (
    "date '9999-01-01' - date '0001-01-01'",
    "date '99999-01-01' - date '2026-01-01'",
    "date '2026-02-30' - date '2026-01-01'",
    f"({DAY}) * 100000",
    f"({DAY}) / 0.00001",
    f"({DAY}) / ({DAY} - 30)",
    f"({DAY}) / 1e-320 * 0",
    f"power(10, 9) / ({DAY} + 1)",
    f"({DAY}) * power(10, 9)",
    f"({DAY}) % 7",
    f"-({DAY}) + least(power(10, 9), {DAY})",
    f"greatest({DAY}, power(10, 9))",
    "extract(epoch FROM now())::int",
    "extract(epoch FROM now() - timestamp '2020-01-01')::int",
    "extract(day FROM interval '99999999 days')::int",
    "extract(day FROM make_interval(days => 99999999))::int",
    "extract(millennium FROM date_trunc('millennium', now()))::int",
    "extract(year FROM now() * 2)::int",
    "(now() + interval '9999999 years')::date - CURRENT_DATE",
    "(now() + make_interval(days => 9999999))::date - CURRENT_DATE",
    "(now() + '1 day'::text::interval)::date - CURRENT_DATE",
    "date_trunc('millennium', now())::date - CURRENT_DATE",
    "make_date(99999, 1, 1) - CURRENT_DATE",
    "make_date(power(10, 3)::int, 1, 1) - CURRENT_DATE",
    "power(10, 9)::int - CURRENT_DATE",
    "to_date('2026', 'YYYY') - CURRENT_DATE",
    "now()::text::date - CURRENT_DATE",
    "length(repeat('x', 9000) || repeat('x', 9000))",
    "cardinality(array_fill(0, ARRAY[9000]))",
    "length()",
    "extract(day FROM power(10, 9)::int + 1)::int",
    "floor(power(10, 9))::int",
    "floor(1, 2)",
)


@pytest.mark.parametrize(
    "series",
    [
        "1, 1000000",
        "1000000, 1, -1",
        "0, 10000000, 100",
        "1, n",
        "n",
        "1, (SELECT count(*) FROM retail.orders)",
        "least(n, 1), n",
        "DATE '2026-01-01', DATE '2026-02-01', INTERVAL '1 day'",
        "now() - interval '1 year', now(), '1 month'",
        "min(d), max(d), '1 month'::interval",
        *(f"0, {bound}" for bound in BOUNDED),
    ],
)
def test_series_within_its_bounds_passes(series: str) -> None:
    assert judge(f"SELECT generate_series({series}) FROM retail.orders").error is None


@pytest.mark.parametrize(
    "sql",
    [
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 9), s AS (SELECT 1) SELECT * FROM r, s",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT o.n FROM r JOIN retail.orders o ON o.n = r.n + 1) SELECT * FROM r",
        "WITH RECURSIVE r AS (VALUES (1) UNION SELECT 2) SELECT * FROM r",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n FROM r JOIN retail.orders USING (n)) SELECT * FROM r",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n FROM r NATURAL JOIN retail.orders) SELECT * FROM r",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) CYCLE n SET c USING p SELECT * FROM r",
    ],
)
def test_recursion_that_may_end_passes(sql: str) -> None:
    assert judge(sql).error is None


@pytest.mark.parametrize(
    "series",
    [
        "1, 1000002",
        "-1000000, 1000000",
        "1, 2 * 10 ^ 6",
        "1, 10 ^ 400 ^ 2",
        "1, (-8) ^ 0.5",
        "1, 1 / 0",
        "1, 5000000 % 4000000",
        "1, (SELECT 2000000)",
        "1, (SELECT 1, 2)",
        "1, '2000000'::int",
        "1, 'many'::int",
        "1, greatest(1, 2000000)",
        "1, greatest(1, power(10, 9))",
        "1, least(power(10, 9), power(10, 8))",
        "1, least(3000000, 2000000) + 1",
        "1, 2_000_000",
        "1, power(10, 9)::int",
        "1, true",
        "1, 2.5e6",
        "0.0, 2.0, 0.000001",
        "1, 2000000, NULL",
        "1, 5 BETWEEN 1 AND 2",
        "1, power(10, 9)::int, power(1, 1)::int",
        "1, 'nan'::int",
        "1, least('nan'::float8, 1e9)",
        "1, -least('-inf'::float8, 1e999)",
        "1, 1e999 - 1e999",
        *(f"0, {bound}" for bound in UNBOUNDED),
    ],
)
def test_constant_series_beyond_its_bound_is_refused(series: str) -> None:
    assert judge(f"SELECT n FROM generate_series({series}) AS n").error is QueryRefused


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT normalize(string_agg(a, '')) FROM retail.orders",
        "WITH RECURSIVE r AS (SELECT 'a' AS a UNION ALL SELECT a || a FROM r WHERE true) SELECT btrim(a, a) FROM r",
        f"SELECT replace(string_agg(a, ''), '{'b' * 257}', '') FROM retail.orders",
        "SELECT repeat('a')" + ", repeat(a, 1001)" * 3 + " FROM retail.orders",
        "SELECT format()",
        "SELECT repeat('x', least('nan'::float8, 1e9)::int)",
    ],
)
def test_what_no_deadline_could_end_is_refused(sql: str) -> None:
    assert judge(sql).error is QueryRefused


async def test_verdict_is_remembered_and_each_refusal_has_its_own_correlation_id() -> None:
    reader = StatementAnalyzer(
        Guard("retail", TABLES, COLUMNS_OF_TABLES, CALLING, OutsideText({})), ParsingTurns()
    )
    read = [await reader.read(b"", "SELECT pg_sleep(1)") for _ in range(2)]
    assert read[0] is read[1]
    ids = set()
    for one in read:
        with pytest.raises(QueryRefused) as caught:
            one.verdict.enforce()
        ids.add(caught.value.correlation_id)
    assert len(ids) == 2
    (await reader.read(b"", "SELECT 1")).verdict.enforce()


def test_array_of_a_stated_length_is_filled() -> None:
    assert judge("SELECT array_fill(0, ARRAY[3, 4])").error is None
    assert judge("SELECT array_fill(0, ARRAY[100], ARRAY[2])").error is None


@pytest.mark.parametrize(
    "call",
    [
        "array_fill(0, ARRAY[10001])",
        "array_fill(0, ARRAY[200, 200])",
        "array_fill(0, ARRAY[n])",
        "array_fill(0, '{5}')",
        "array_fill(0)",
        "array_fill(0, ARRAY[]::int[])",
        "array_fill(repeat('x', 9000), ARRAY[9000])",
        "array_fill(repeat(status, 9000), ARRAY[200])",
        "array_fill(array_fill(0, ARRAY[9000])::text, ARRAY[9000])",
        "strpos(array_fill('x'::text, ARRAY[9000])::text, array_fill('x'::text, ARRAY[9000])::text)",
        "string_agg(array_fill(status, ARRAY[9000])::text, '')",
    ],
)
def test_array_without_such_a_length_is_refused(call: str) -> None:
    assert judge(f"SELECT {call} FROM retail.orders").error is QueryRefused


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT r.xmin FROM (SELECT 1 AS xmin) AS r",
        "WITH r AS (SELECT 1 AS xmin) SELECT r.xmin FROM r",
        "SELECT r.ctid FROM (VALUES (1)) AS r (ctid)",
    ],
)
def test_name_of_a_system_column_that_the_statement_gives_is_its_own(sql: str) -> None:
    assert judge(sql).error is None


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT xmin FROM (SELECT 1 AS xmin) AS r, retail.orders",
        "SELECT r.xmin FROM (SELECT * FROM retail.orders) AS r",
        "SELECT r.xmin FROM retail.orders AS r, LATERAL (SELECT 1 AS xmin FROM (SELECT 1 AS xmin) AS r) AS s",
        # A WITH of a table's name hides that table in its own scope alone.
        "WITH orders AS (SELECT 1 AS xmin) SELECT orders.xmin FROM retail.orders",
        "SELECT orders.xmin FROM orders, LATERAL (WITH orders AS (SELECT 1 AS xmin) SELECT orders.xmin FROM orders) AS s",
        "SELECT r.xmin FROM (WITH r AS (SELECT 1 AS xmin) SELECT 1) AS s, (WITH r AS (SELECT 1 AS n) SELECT r.xmin FROM r) AS t",
        "SELECT (r).xmin FROM (SELECT 1 AS xmin) AS r",
        "SELECT ((SELECT o FROM retail.orders AS o)).xmin FROM (SELECT 1 AS xmin)",
    ],
)
def test_system_column_beside_such_a_name_is_refused(sql: str) -> None:
    assert judge(sql).error is QueryRefused


def test_call_beside_a_column_of_its_name_is_refused_where_a_with_has_a_tables_name() -> None:
    own = "WITH r AS (SELECT 1 AS pg_sleep) SELECT r.pg_sleep FROM r"
    assert judge(own).error is None
    hidden = "WITH orders AS (SELECT 1 AS pg_sleep) SELECT orders.pg_sleep FROM retail.orders"
    assert judge(hidden).error is QueryRefused


@pytest.mark.parametrize(
    "text",
    [
        f"SELECT {'case ' * 3000}",
        f"SELECT {'a' * 16_000} b c",
        f"SELECT 1 {'having ' * 2200} (",
        f"SELECT {' ' * 16_000} 1 1",
        f"SELECT {'= ' * 7000}",
        f"SELECT {'between a ' * 1500}",
        f"SELECT {', a b' * 3000} c d",
        "SELECT " + "'" * 15_999,
        f"SELECT {'(' * 16_000}",
    ],
    ids=lambda text: text[:20],
)
def test_hint_on_a_long_text_takes_no_long_time(text: str) -> None:
    """As a ratio to reading the text's letters some thousand times: the machine may be busy."""
    begun = time.thread_time()
    for _ in range(1000):
        text.upper().count("X")
    control = time.thread_time() - begun
    begun = time.thread_time()
    assert syntax_hint(text, "syntax error", len(text))
    assert time.thread_time() - begun < 10 * control


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT pg_typeof()::text",  # PostgreSQL reports the missing argument
        """SELECT o.store_id, (SELECT max(n.region) FROM retail.stores AS n, retail.stores AS p
        WHERE length(n.region) + length(p.region) > length(o.region)) FROM retail.stores AS o""",
    ],
)
def test_unusual_statement_without_a_fault_passes(sql: str) -> None:
    assert judge(sql).error is None


OF_ANOTHER = ForeignNames(
    tables=frozenset({"crm.deals", "deals", "crm.orders"}),
    types=frozenset({"status", "crm.status"}),
    hiding=frozenset({"round"}),
    spelled={"deals": "crm.deals"},
)


def judge_foreign(sql: str) -> Verdict:
    guard = Guard("retail", TABLES, COLUMNS_OF_TABLES, CALLING, OutsideText({}), foreign=OF_ANOTHER)
    return guard.judge(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM crm.deals, deals, crm.orders, retail.orders, orders",
        "SELECT 'open'::status, 'open'::crm.status, '{open}'::status[]",
        "SELECT pg_catalog.round(1.5), floor(1.5)",
        "WITH round AS (SELECT 1 AS round) SELECT r.round FROM round AS r",
    ],
)
def test_names_of_another_application_pass(sql: str) -> None:
    judge_foreign(sql).enforce()


@pytest.mark.parametrize(
    ("sql", "message", "hint"),
    [
        ("SELECT * FROM crm.others", "crm.others is not a table that you can read.", "Use "),
        ("SELECT * FROM deal", "deal is not a table that you can read.", "Use crm.deals"),
        ("SELECT * FROM other.crm.deals", "other.crm.deals is not", "Use crm.deals"),
        ("SELECT 'x'::other.status", "The type other.status is not allowed.", ""),
        ("SELECT NULL::SETOF status", None, None),
        (
            "SELECT round(1.5)",
            "This database has a function round of its own, which is not allowed.",
            "Write pg_catalog.round(…).",
        ),
        ("SELECT (1.5).round", "round is not a column here.", COLUMNS),
        (
            "WITH a AS (SELECT 1 AS round) SELECT o.round FROM a, retail.orders AS o",
            "round is not a column here.",
            COLUMNS,
        ),
    ],
)
def test_names_that_another_application_hides_or_lacks_are_refused(
    sql: str, message: str | None, hint: str | None
) -> None:
    verdict = judge_foreign(sql)
    assert verdict.error is not None
    if message is not None:
        assert verdict.message.startswith(message)
        assert verdict.hint.startswith(hint or "")
