"""What a declaration may define as a metric, and what is refused, in its words."""

import pytest

from tests.adoption.checked import findings
from tests.adoption.foreign import Foreign
from zava.adoption.declaration_file import DeclarationRefused
from zava.adoption.metrics.expressions import (
    AGGREGATES,
    SCALARS,
    ExpressionRefused,
    read_expression,
)
from zava.adoption.metrics.served_catalogue import served_catalogue
from zava.adoption.serving.served_domain import served_domain
from zava.data.guard.vocabulary import FUNCTIONS

HOSTILE = {
    "(SELECT sum(amount_cents) FROM public.invoices)": "a sub-select is not allowed in a metric",
    "sum((SELECT max(amount_cents) FROM public.refunds))": "a sub-select is not allowed",
    "sum(amount_cents) FILTER (WHERE EXISTS (SELECT 1))": "a sub-select is not allowed",
    "sum(public.round(amount_cents, 1))": "the function public.round, called so, is not allowed",
    "sum(public.sample_id('x', 1))": "the function public.sample_id, called so, is not allowed",
    "pg_read_file('/etc/passwd')": "the function pg_read_file, called so, is not allowed",
    "count(set_config('zava.context', 'x', true))": "the function set_config, called so, is not",
    "count(pg_sleep(10))": "the function pg_sleep, called so, is not allowed",
    "sum(public.customers.id)": "public.customers.id is of another table",
    "sum(customers.id)": "customers.id is of another table",
    "sum(amount_cents) FROM public.refunds": "expected an expression in SQL: syntax error",
    "sum(amount_cents) FROM public.refunds UNION SELECT 1": "expected one expression",
    "sum(amount_cents) INTO public.stolen": "expected one expression, and nothing behind it",
    "sum(amount_cents), count(*)": "expected one expression, and nothing behind it",
    "sum(amount_cents) AS x": "expected one expression, and nothing behind it",
    "sum(amount_cents); DELETE FROM public.invoices": "a second statement is not allowed",
    "sum(amount_cents) -- all of it": "a comment is not allowed",
    "sum(amount_cents) /* all of it */": "a comment is not allowed",
    "sum(amount_cents) + {invoices}": "a brace is not allowed",
    "sum($1)": "ParamRef is not allowed in a metric",
    "sum(amount_cents OPERATOR(public.+) 1)": "the operator public.+ is not allowed in a metric",
    "sum(amount_cents ^ 2)": "the operator ^ is not allowed in a metric",
    "sum(amount_cents) OVER ()": "the function sum, called so, is not allowed",
    "string_agg(status::text, ',')": "the function string_agg, called so, is not allowed",
    "sum(status::public.invoice_status)": "a cast to public.invoice_status is not allowed",
    "count('public.invoices'::regclass)": "a cast to regclass is not allowed",
    "count(current_user)": "SQLValueFunction is not allowed in a metric",
    "count(amount_cents.*)": "a star is allowed in count(*) alone",
    "sum(count(*))": "count is inside of another aggregate",
    "amount_cents": "amount_cents is outside of an aggregate",
    "1": "expected an aggregate, such as sum(amount) or count(*)",
    "abs(DISTINCT 1)": "abs is no aggregate",
    "sum(amount_cents) / 0": "the denominator is 0",
    "sum(amount_cents) / 0.00": "the denominator is 0",
    "sum(amount_cents) / count(*)": "the denominator may be 0; write nullif(…, 0)",
    "sum(amount_cents) % nullif(count(*), 1)": "the denominator may be 0; write nullif(…, 0)",
    "count(amount_cents IS UNKNOWN)": "IS UNKNOWN is not allowed in a metric",
    "count(CASE amount_cents WHEN 1 THEN 2 END)": "CASE with a value is not allowed",
    "sum(x'ff')": "a constant of this form is not allowed",
    "sum(": "expected an expression in SQL: syntax error",
    "": "expected one expression, and nothing behind it",
    f"sum({'1+' * 1200}1)": "expected at most 2000 characters",
    "count(amount_cents = ANY (ARRAY[1]))": "is not allowed in a metric",
}


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_aggregate_of_the_tables_own_columns_is_refused_on_the_tree(text: str) -> None:
    with pytest.raises(ExpressionRefused) as refused:
        read_expression(text, "public.invoices")
    assert HOSTILE[text] in str(refused.value)


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("count(*)", "pg_catalog.count(*)"),
        ("sum(invoices.amount)", 'pg_catalog.sum(t."amount")'),
        ("sum(public.invoices.amount)", 'pg_catalog.sum(t."amount")'),
        ('sum("odd ""name")', 'pg_catalog.sum(t."odd ""name")'),
        ("-sum(a)", '(OPERATOR(pg_catalog.-) pg_catalog.sum(t."a"))'),
        (
            "sum(a) / nullif(count(*), 0)",
            ('(pg_catalog.sum(t."a") OPERATOR(pg_catalog./) NULLIF(pg_catalog.count(*), (0)))'),
        ),
        (
            "sum(a) / 2::numeric",
            ('(pg_catalog.sum(t."a") OPERATOR(pg_catalog./) CAST((2) AS pg_catalog.numeric))'),
        ),
        ("sum(a) / -1.5", '(pg_catalog.sum(t."a") OPERATOR(pg_catalog./) (-1.5))'),
        (
            "count(DISTINCT a) FILTER (WHERE b IN ('x''y', 'z') AND NOT c IS NULL)",
            (
                """pg_catalog.count(DISTINCT t."a") FILTER (WHERE (((t."b" OPERATOR(pg_catalog.=) 'x''y')"""
                """ OR (t."b" OPERATOR(pg_catalog.=) 'z')) AND (NOT (t."c" IS NULL))))"""
            ),
        ),
        (
            "count(*) FILTER (WHERE a NOT BETWEEN 1 AND 2 OR b IS TRUE OR c LIKE 'x%')",
            (
                """pg_catalog.count(*) FILTER (WHERE ((NOT ((t."a" OPERATOR(pg_catalog.>=) (1)) AND"""
                """ (t."a" OPERATOR(pg_catalog.<=) (2)))) OR (t."b" IS TRUE)"""
                """ OR (t."c" OPERATOR(pg_catalog.~~) 'x%')))"""
            ),
        ),
        (
            "avg(CASE WHEN a THEN coalesce(b, NULL) ELSE greatest(c, least(1, 2)) END)",
            (
                'pg_catalog.avg((CASE WHEN t."a" THEN COALESCE(t."b", NULL)'
                ' ELSE GREATEST(t."c", LEAST((1), (2))) END))'
            ),
        ),
        (
            "max(extract(day FROM a)) FILTER (WHERE true AND NOT false)",
            (
                "pg_catalog.max(pg_catalog.extract('day', t.\"a\")) FILTER (WHERE (true AND (NOT false)))"
            ),
        ),
        ("round(sum(a), 1)", 'pg_catalog.round(pg_catalog.sum(t."a"), (1))'),
    ],
)
def test_an_expression_is_written_from_its_tree(text: str, sql: str) -> None:
    assert read_expression(text, "public.invoices").sql == sql


@pytest.mark.parametrize(
    ("text", "adds_up"),
    [
        ("sum(a)", True),
        ("count(*) * 2", True),
        ("100 * sum(a) / 3", True),
        ("sum(a)::numeric - count(b)", True),
        ("count(DISTINCT a)", False),
        ("avg(a)", False),
        ("sum(a) / nullif(count(*), 0)", False),
        ("100 / nullif(sum(a), 0)", False),
        ("sum(a) + 1", False),
        ("coalesce(sum(a), 0)", False),
        ("-sum(a)", False),
    ],
)
def test_only_sums_and_counts_of_rows_add_up(text: str, adds_up: bool) -> None:
    assert read_expression(text, "public.invoices").adds_up is adds_up


def test_every_function_is_one_that_the_guard_lets_pass() -> None:
    assert AGGREGATES | SCALARS <= FUNCTIONS


METRIC = '[metrics.x]\ntable = "public.invoices"\nexpression = "count(*)"\nunit = "count"\n'


def problems(foreign: Foreign, text: str) -> str:
    """Return what a declaration is refused for, by the file or by the check."""
    try:
        declared = foreign.declared(text)
    except DeclarationRefused as refused:
        return str(refused)
    return "\n".join(findings(foreign, declaration=declared).refusals)


def broken(metric: str, old: str, new: str) -> str:
    assert old in metric
    return metric.replace(old, new, 1)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        (broken(METRIC, "count(*)", "(SELECT 1)"), "metrics.x.expression: a sub-select is not"),
        (broken(METRIC, "public.invoices", "public.jobs"), "x.table: public.jobs is not declared"),
        (
            broken(METRIC, "public.invoices", "public.currencies"),
            "metrics.x.table: public.currencies is shared, so a metric of it is of no tenant",
        ),
        (
            broken(METRIC, '"count"\n', '"euros"\n'),
            "metrics.x.unit: expected one of money, percent",
        ),
        (METRIC + 'time = "issued_on"\ntime_type = "day"\n', "x.time_type: expected one of date"),
        (METRIC + 'dimensions = ["plans"]\n', "there is no dimension plans; perhaps plan"),
        (METRIC + 'audiences = ["members"]\n', "there is no audience members; perhaps member"),
        (METRIC + 'synonyms = ["Invoiced"]\n', "metrics.x: invoiced names invoiced, too"),
        (METRIC + 'ratio = ["invoices", "invoiced"]\n', "x.table: does not go with ratio"),
        (METRIC + "sum = true\n", "metrics.x.sum: there is no such key"),
        (
            broken(METRIC, "count(*)", "count(DISTINCT status)") + 'additive_over = "all"\n',
            "metrics.x.additive_over: only a sum or a count of rows adds up",
        ),
        (
            broken(METRIC, "public.invoices", "public.organizations").replace("*", "api_key"),
            "metrics.x.expression: api_key is hidden from every audience",
        ),
        (
            broken(METRIC, "public.invoices", "public.plans") + 'dimensions = ["customer"]\n',
            "metrics.x.dimensions: customer: no join leads from public.plans to public.customers",
        ),
        (
            '[metrics.x]\nunit = "percent"\nratio = ["invoices"]\n',
            "metrics.x.ratio: expected two metrics",
        ),
        (
            '[metrics.x]\nunit = "money"\nratio = ["invoices", "open_share"]\n',
            "metrics.x.ratio: open_share is no metric with an expression",
        ),
        ('[metrics.x]\nunit = "money"\nratio = ["invoices", "invoices"]\n', "a ratio is a percent"),
        (METRIC.replace("metrics.x", "metrics.level"), "metrics.level: expected at most 41 of a-z"),
        (
            METRIC.replace("metrics.x", "metrics.x_change"),
            "metrics.x_change: a comparison has this",
        ),
        (METRIC.replace("metrics.x", "metrics.invoices"), "Cannot declare"),
        (
            '[dimensions.month]\ntable = "public.plans"\ncolumn = "name"\n',
            "dimensions.month: every metric with a time has this dimension",
        ),
        (
            '[dimensions.key]\ntable = "public.organizations"\ncolumn = "api_key"\n',
            "dimensions.key.column: api_key is hidden from every audience",
        ),
        (
            '[dimensions.job]\ntable = "public.jobs"\ncolumn = "payload"\n',
            "dimensions.job.column: public.jobs is not declared",
        ),
        (
            '[joins.x]\nfrom = "public.jobs"\ncolumns = ["id"]\nto = "public.plans"\nkeys = []\n',
            "joins.x.keys: expected as many keys as columns",
        ),
        (
            '[joins.x]\nfrom = "public.jobs"\ncolumns = ["id"]\nto = "public.plans"\nkeys = ["id"]\n',
            "joins.x.from: public.jobs is not declared",
        ),
        (
            (
                '[joins.x]\nfrom = "public.subscriptions"\ncolumns = ["id"]\nto = "public.plans"\n'
                'keys = ["id"]\n'
            ),
            "plan: several joins lead from public.invoices to public.plans",
        ),
    ],
)
def test_a_wrong_section_is_refused(unadopted: Foreign, section: str, words: str) -> None:
    assert words in problems(unadopted, f"{unadopted.declaration.text}\n{section}")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('currency = "USD"\n', "", "metrics.invoiced.unit: money needs database.currency"),
        ('currency = "USD"', 'currency = "dollar"', "database.currency: expected three capital"),
    ],
)
def test_money_needs_a_currency(unadopted: Foreign, old: str, new: str, words: str) -> None:
    assert words in problems(unadopted, unadopted.declaration.text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("section", "statements", "words"),
    [
        (
            broken(METRIC, "*", "amount"),
            (),
            "metrics.x.expression: public.invoices has no column amount",
        ),
        (
            broken(METRIC, "count(*)", "sum(status)"),
            (),
            "metrics.x.expression: function pg_catalog.sum(invoice_status) does not exist",
        ),
        (
            broken(METRIC, "(*)", "(*) FILTER (WHERE status = 'opne')"),
            (),
            'metrics.x.expression: invalid input value for enum invoice_status: "opne"',
        ),
        (
            broken(METRIC, "count(*)", "max(issued_on)"),
            (),
            "metrics.x.expression: cannot cast type date to numeric",
        ),
        (
            METRIC + 'time = "issued"\n',
            (),
            "metrics.x.time: public.invoices has no column issued",
        ),
        (
            METRIC + 'time = "issued_on"\n',
            (),
            "metrics.x.time_type: public.invoices.issued_on is of type date, not timestamptz",
        ),
        (
            '[dimensions.x]\ntable = "public.plans"\ncolumn = "title"\n',
            (),
            "dimensions.x.column: public.plans has no column title",
        ),
        (
            '[joins.x]\nfrom = "public.plans"\ncolumns = ["code"]\nto = "public.refunds"\nkeys = ["x"]\n',
            (),
            "joins.x.columns: public.plans has no column code",
        ),
        (
            "",
            ("ALTER TABLE public.subscriptions DROP CONSTRAINT subscriptions_pkey CASCADE",),
            "public.subscriptions (id) is not unique: rows of public.invoices would count several",
        ),
        (
            "",
            (
                "ALTER TABLE public.subscriptions DROP CONSTRAINT subscriptions_plan_id_fkey",
                "ALTER TABLE public.subscriptions ALTER plan_id TYPE text USING plan_id::text",
            ),
            "joins: public.subscriptions.plan_id and public.plans.id are of different types",
        ),
        (
            "",
            ("CREATE FUNCTION public.json_agg(integer) RETURNS json RETURN NULL::json",),
            "metrics: function json_agg(integer) of public hides PostgreSQL's",
        ),
    ],
)
def test_the_catalog_refuses_what_it_cannot_answer(
    unadopted: Foreign, section: str, statements: tuple[str, ...], words: str
) -> None:
    declared = unadopted.declared(f"{unadopted.declaration.text}\n{section}")
    found = findings(unadopted, *statements, declaration=declared)
    assert any(words in refusal for refusal in found.refusals), found.refusals


def test_a_refused_table_hides_no_reason_behind_its_metrics(unadopted: Foreign) -> None:
    text = unadopted.declaration.text.replace(
        '["payment_id", "public.payments"', '["payment_id", "public.jobs"'
    )
    found = problems(unadopted, text)
    assert "via public.jobs, which is not declared" in found
    assert "metrics." not in found
    with pytest.raises(DeclarationRefused, match="no join leads from"):
        served_catalogue(unadopted.declared(text), served_domain(unadopted.declaration))
