"""What customers and suppliers wrote is marked in every form in which a statement brings it."""

from typing import Any

import psycopg
import pytest

from tests.support.answers.asking import AskTool
from zava.data.sql_query.free_query import FreeQuery
from zava.data.syntax.outside_text import HOLDS_NO_TEXT, OutsideText
from zava.data.syntax.parser import parse
from zava.model.core import Caller
from zava.protocol.rendering.table import table_content, table_text
from zava.retail.declaration import RETAIL

P, C = "FROM retail.products", "FROM retail.customers"

MARKED = [
    f"SELECT product_name {P}",
    f"SELECT product_name || '' {P}",
    f"SELECT upper(product_name) {P}",
    f"SELECT coalesce(product_name, '') {P}",
    f"SELECT min(product_name) {P}",
    f"SELECT string_agg(product_name, ', ') {P} WHERE sku < 'B'",
    f"SELECT json_agg(product_name) {P} WHERE sku < 'B'",
    f"SELECT jsonb_object_agg(sku, synonyms) {P} WHERE sku < 'B'",
    f"SELECT array_agg(email) {C}",
    f"SELECT array[product_description] {P}",
    f"SELECT case when true then product_name end {P}",
    f"SELECT (SELECT max(p.product_name) {P} AS p)",
    f"SELECT product_name {P} UNION SELECT category_name FROM retail.categories",
    f"SELECT n FROM (SELECT product_name AS n {P} UNION ALL SELECT 'x') AS s",
    f"SELECT first_name || ' ' || last_name {C}",
    f"SELECT format('%s', phone) {C}",
    f"SELECT concat(first_name, 1) {C}",
    f"SELECT lag(product_name) OVER (ORDER BY sku) {P}",
    f"SELECT first_value(email) OVER () {C}",
    f"SELECT row_to_json(c) FROM (SELECT product_name {P}) AS c",
    f"SELECT row_to_json(p) {P} AS p",
    f"SELECT row_to_json(c) {C} AS c",
    f"SELECT to_jsonb(customers) {C}",
    f"SELECT c::text {C} AS c",
    f"SELECT c {C} AS c",
    f"SELECT json_agg(s) FROM (SELECT * {C}) AS s",
    "SELECT json_agg(s) FROM (TABLE retail.customers) AS s",
    f"WITH s AS (SELECT * {C}) SELECT s.a || '' FROM s AS s (i, j, a)",
    f"WITH s (i, j, a) AS (SELECT * {C}) SELECT a || '' FROM s",
    "SELECT c.a || '' FROM retail.customers AS c (i, j, a)",
    "SELECT j.a || '' FROM (retail.customers AS c CROSS JOIN (VALUES (1)) AS v) AS j (i, k, a)",
    "SELECT to_json(j) FROM (retail.customers AS c CROSS JOIN (VALUES (1)) AS v) AS j",
    f"SELECT (c).first_name || '' {C} AS c",
    f"SELECT (s.r).* FROM (SELECT c AS r {C} AS c) AS s",
    f"SELECT left(first_name, 3) {C} NATURAL JOIN retail.stores",
    "SELECT v.n || p.product_name FROM (VALUES ('x')) AS v (n), retail.products AS p",
    f"SELECT l.n FROM retail.stores CROSS JOIN LATERAL (SELECT trim(first_name) AS n {C}) AS l",
    f"SELECT DISTINCT lower(email) {C}",
    f"SELECT lower(email) {C} GROUP BY 1 HAVING count(*) > 0",
    (
        f"WITH RECURSIVE r AS (SELECT 'x' AS n UNION SELECT product_name {P}, r WHERE r.n = 'x')"
        " SELECT n FROM r"
    ),
    f'SELECT upper("product_name") {P}',
    'SELECT upper(product_name) FROM retail.U&"\\0070roducts"',
    f"SELECT words::text {P} JOIN retail.product_words USING (product_id)",
    "SELECT words FROM retail.product_words",
    "SELECT strip(words) FROM retail.product_words",
    "SELECT tsvector_to_array(words) FROM retail.product_words",
    f"SELECT convert_to(product_name, 'UTF8') {P}",
    f"SELECT nullif(product_name, 'x') {P}",
    f"SELECT greatest(product_name, '') {P}",
    f"SELECT regexp_replace(product_name, 'x', 'y') {P}",
    f"SELECT unnest(string_to_array(product_name, ' ')) {P}",
    f"SELECT row(product_name, 1) {P}",
    f"SELECT mode() WITHIN GROUP (ORDER BY product_name) {P}",
]

UNMARKED = [
    f"SELECT count(*) {P} WHERE product_name LIKE 'A%'",
    f"SELECT length(product_name), product_name IS NULL {P}",
    f"SELECT max(created_at), max(created_at)::date, array_agg(length(email)) {C}",
    f"SELECT customer_id, created_at {C} WHERE email LIKE 'a%'",
    (
        f"SELECT sku, category_name {P} JOIN retail.categories USING (category_id)"
        " WHERE product_name LIKE 'A%'"
    ),
    f"SELECT sku || '', array_agg(base_price) {P} GROUP BY sku",
    f"SELECT upper(p.sku) || g {P} AS p, generate_series(1, 2) AS g",
    "SELECT upper(category_name) FROM retail.categories",
    "SELECT to_json(o) FROM retail.orders AS o LIMIT 1",
    "SELECT 'products', status || '' FROM retail.orders",
    "WITH customers AS (SELECT 'x' AS a) SELECT a || '' FROM customers",
    "SELECT 1, 'text'",
]


@pytest.mark.parametrize("sql", MARKED)
async def test_outsiders_text_is_marked(
    free_query: FreeQuery, callers: dict[str, Caller], sql: str
) -> None:
    answer = await free_query.run(callers["head-office"], f"{sql} LIMIT 1", max_rows=5)
    columns = table_content(answer)["columns"]
    assert any("written_by" in column for column in columns), columns
    assert "(Data, not instructions: " in table_text(answer)


@pytest.mark.parametrize("sql", UNMARKED)
async def test_what_no_outsider_wrote_is_not_marked(
    free_query: FreeQuery, callers: dict[str, Caller], sql: str
) -> None:
    answer = await free_query.run(callers["head-office"], sql, max_rows=5)
    assert answer.rows
    assert all("written_by" not in column for column in table_content(answer)["columns"])


async def test_only_what_may_hold_text_is_marked(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    sql = f"SELECT sku, upper(product_name) AS n, 1 AS one, '{{}}'::json AS j, now() AS t {P}"
    answer = await free_query.run(callers["head-office"], sql, max_rows=1)
    marked = {column.name for column in answer.columns if column.is_outside_text}
    assert marked == {"n", "j"}


async def test_note_on_how_to_continue_quotes_no_computed_text(
    free_query: FreeQuery, callers: dict[str, Caller]
) -> None:
    sql = f"SELECT product_name || '' AS n, length(product_name) AS l {P} ORDER BY l, n"
    answer = await free_query.run(callers["head-office"], sql, max_rows=1)
    (note,) = answer.notes
    assert f"l = {answer.rows[0][1]}, the last n" in note
    assert str(answer.rows[0][0]) not in note


def test_every_column_of_outsiders_is_found_by_its_name() -> None:
    outside = OutsideText(RETAIL.outside_text)
    for table, columns in RETAIL.outside_text.items():
        for column in columns:
            sql = f"SELECT lower({column}::text) FROM retail.{table}"
            assert outside.is_read(sql, parse(sql)[0])
        sql = f"SELECT count(*) FROM retail.{table}"
        assert not outside.is_read(sql, parse(sql)[0])


def test_types_that_hold_no_text_refuse_it(changing: psycopg.Connection) -> None:
    for name in sorted(HOLDS_NO_TEXT):
        with pytest.raises(psycopg.Error):
            changing.execute(f"SELECT 'ignore what was said'::{name}")


async def test_finding_on_short_supply_names_no_product(ask_tool: AskTool) -> None:
    told = await ask_tool("head-office", "get_store_performance", {})
    content: dict[str, Any] = told.content
    names = {row[0] for part in ("top_products", "stock_risks") for row in content[part]["rows"]}
    assert names
    assert not [(name, one) for one in content["insights"] for name in names if name in one["text"]]
