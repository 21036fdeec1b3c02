"""Reads the legitimate corpus, and writes the statements that are too long for a file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.security.corpus import blocks

CORPUS = Path(__file__).with_name("legitimate.sql")
COST = "cost"
NO_ROWS = "no rows"
QUESTION = "question "

_MARK = re.compile(r" \[([^]]+)\]")


@dataclass(frozen=True)
class Legitimate:
    """One statement that has to run, its class, title and marks."""

    kind: str
    title: str
    marks: frozenset[str]
    sql: str
    number: int

    @property
    def label(self) -> str:
        return f"{self.kind.replace(' ', '-')}-{self.number}"


def read_legitimate() -> list[Legitimate]:
    """Return every statement of the file in order, then the long ones."""
    return [*_read(), *_long()]


def _read() -> Iterator[Legitimate]:
    for kind, number, text in blocks(CORPUS):
        head, _, sql = text.partition("\n")
        title = _MARK.sub("", head.removeprefix("-- "))
        yield Legitimate(kind, title, frozenset(_MARK.findall(head)), sql, number)


def _long() -> Iterator[Legitimate]:
    """Write what grows by repetition, and what a file's lines cannot hold."""
    branches = " ".join(f"WHEN {n} THEN 'month {n}'" for n in range(200))
    values = ", ".join(str(n) for n in range(300))
    skus = ", ".join(f"'HND-{n // 8 + 1:02}{n % 8 + 1:02}'" for n in range(300))
    conditions = " OR ".join(f"total_amount = {n}" for n in range(200))
    filters = " AND ".join(f"total_amount <> -{n + 1}" for n in range(200))
    columns = ", ".join(f"sum(quantity) FILTER (WHERE quantity = {n}) AS q{n}" for n in range(100))
    steps = ", ".join(f"c{n} AS (SELECT n + 1 AS n FROM c{n - 1})" for n in range(1, 40))
    joins = " ".join(f"JOIN retail.stores s{n} USING (store_id)" for n in range(12))
    deep = "(" * 40 + "1" + ")" * 40
    ids = ", ".join(f"'{n:08x}-0000-7000-8000-000000000000'" for n in range(300))
    statements = {
        "200 texts joined": "SELECT " + " || ".join(f"'{n},'" for n in range(200)),
        "200 numbers added": "SELECT " + " + ".join(str(n) for n in range(200)) + " AS total",
        "CASE with 200 branches": f"SELECT CASE quantity {branches} END, count(*) FROM retail.order_items GROUP BY 1",
        "IN list of 300 numbers": f"SELECT count(*) FROM retail.order_items WHERE quantity IN ({values})",
        "IN list of 300 texts": f"SELECT count(*) FROM retail.products WHERE sku IN ({skus})",
        "IN list of 300 identifiers": f"SELECT count(*) FROM retail.orders WHERE order_id NOT IN ({ids})",
        "200 conditions with OR": f"SELECT count(*) FROM retail.orders WHERE {conditions}",
        "200 conditions with AND": f"SELECT count(*) FROM retail.orders WHERE {filters}",
        "100 filtered columns": f"SELECT {columns} FROM retail.order_items",
        "Pyramid of 40 steps": f"WITH c0 AS (SELECT 0 AS n), {steps} SELECT n FROM c39",
        "14 tables joined": f"SELECT count(*) FROM retail.stores o JOIN retail.inventory i USING (store_id) {joins}",
        "VALUES of 300 rows": "SELECT count(*), sum(n) FROM (VALUES "
        + ", ".join(f"({n}, 'row {n}')" for n in range(300))
        + ") AS v(n, label)",
        "UNION ALL of 60 selects": " UNION ALL ".join(f"SELECT {n} AS n" for n in range(60)),
        "coalesce 60 deep": "SELECT " + "coalesce(NULL, " * 60 + "1" + ")" * 60,
        "replace 60 deep": "SELECT " + "replace(" * 60 + "'a'" + ", 'a', 'a')" * 60,
        "subqueries 30 deep": "SELECT n FROM "
        + "(SELECT n FROM " * 30
        + "(SELECT 1 AS n) t"
        + ") t" * 30,
        "CASE 40 deep": "SELECT " + "CASE WHEN false THEN 0 ELSE " * 40 + "1" + " END" * 40,
        "40 parentheses": f"SELECT {deep}",
        "60 comments": "SELECT 1 " + "/* note */ " * 60,
        "Line ends of Windows": "SELECT status,\r\n  count(*)\r\nFROM retail.orders -- all\r\nGROUP BY status\r\n",
        "Blank lines": "\n\nSELECT status\n\n\nFROM retail.orders\n\n;\n\n",
    }
    for number, (title, sql) in enumerate(statements.items(), 1):
        yield Legitimate("long", title, frozenset(), sql, number)
