"""What is asked: the same five pieces of work of every server, and what a right answer holds.

W1 a cheap statement; W2 revenue by month for one store; W3 1,000 rows of 6 columns; W4 semantic
search; W5 the list of tools. W1 comes a second time with every statement new, so that no server
answers from what it remembers of a text. W4 comes last, because it loads a model and memory is read
before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from zava.retail.demo.stores import store_id

Rows = list[list[Any]]

PLACE_OF_NUMBER = "7000001"
"""Stands in a statement that is to be new: the load generator counts up from it."""

SEARCH = "semantic_search_products"
_STORE = f"store_id = '{store_id('Seattle')}'"


@dataclass(frozen=True, slots=True)
class Work:
    """`sql` holds `{where}` for the store.

    Without `sql`, `method` is what is called; `tool` is what a server must have for it. `weight`
    makes a turn longer where a call takes long.
    """

    name: str
    title: str
    sql: str = ""
    method: str = "tools/call"
    tool: str = "execute_sales_query"
    arguments: Any = None
    is_new_each_time: bool = False
    weight: int = 1

    def statement(self, *, is_sealed: bool) -> str:
        """Return the statement for a server: where no policy adds the store, the text does."""
        return self.sql.format(where="" if is_sealed else f"WHERE {_STORE}")


_ONE_ROW = "SELECT store_name, region FROM retail.stores {where}"
WORKS = (
    Work("W1", "one row", _ONE_ROW),
    Work(
        "W1 new",
        "one row, every statement new",
        f"SELECT store_name, region, {PLACE_OF_NUMBER} AS n FROM retail.stores {{where}}",
        is_new_each_time=True,
    ),
    Work(
        "W2",
        "revenue by month, one store",
        "SELECT to_char(date_trunc('month', o.order_date), 'YYYY-MM') AS month,"
        " sum(i.total_amount) AS revenue"
        " FROM retail.order_items AS i JOIN retail.orders AS o USING (store_id, order_id)"
        " {where} GROUP BY date_trunc('month', o.order_date) ORDER BY 1",
        weight=2,
    ),
    Work(
        "W3",
        "1,000 rows of 6 columns",
        "SELECT order_id, line_number, quantity, unit_price, discount_amount, total_amount"
        " FROM retail.order_items {where} ORDER BY order_id, line_number LIMIT 1000",
    ),
    Work("W5", "tools/list", method="tools/list", tool=""),
    Work(
        "W4",
        "semantic top 10",
        tool=SEARCH,
        arguments={"query_description": "waterproof paint for a garden fence", "max_rows": 10},
    ),
)


def plain_cell(value: Any) -> Any:
    """Return a cell so that two servers' spellings of one value are equal."""
    if isinstance(value, bool) or value is None:
        return value
    try:
        return Decimal(str(value)).normalize()
    except InvalidOperation:
        return str(value)


Reader = Callable[[Any], Rows]


def rows_of_arrays(result: Any) -> Rows:
    """Read rows that come as arrays."""
    rows: Rows = result["structuredContent"]["rows"]
    return rows


def rows_of_objects(result: Any) -> Rows:
    """Read rows that come as a list of objects."""
    return [list(row.values()) for row in result["structuredContent"]["result"]]


def rows_of_texts(result: Any) -> Rows:
    """Read rows that come as the text of one JSON document, or of one a row."""
    rows: Rows = []
    for part in result["content"]:
        document = orjson.loads(part["text"])
        for row in document if isinstance(document, list) else [document]:
            rows.append(list(row.values()))
    return rows
