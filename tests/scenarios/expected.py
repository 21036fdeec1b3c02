"""What the questions' answers have to hold, computed in plain Python from exported rows."""

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

from tests.metrics import naive
from tests.support.servers.seeded import TODAY
from zava.retail.prompts import PROMPTS

QUESTIONS = Path(__file__).with_name("questions.toml")
Days = tuple[date, date]


@dataclass(frozen=True)
class Question:
    """One question with its expectation; without data of ours it holds `refusals` instead."""

    number: int
    text: str
    tool: str = "query_metrics"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    prompt: Mapping[str, str] | None = None
    days: Days | None = None
    before: Days | None = None
    forecast_from: Days | None = None
    says_part_of_chain: bool = False
    has_no_data: bool = False
    refusals: list[Mapping[str, Any]] = field(default_factory=list)
    finds: str | None = None

    @property
    def call_arguments(self) -> Mapping[str, Any]:
        """Return what the tool is called with: its arguments, or the statement of the prompt."""
        if self.prompt is None:
            return self.arguments
        given = dict(self.prompt)
        text = PROMPTS[given.pop("name")].text.format(**given)
        statement = re.search(r"^((?:SELECT|WITH) .*?)(?:\n\n|\Z)", text, re.DOTALL | re.MULTILINE)
        assert statement
        return {"postgresql_query": statement[1]}


FIFTY_ROWS = {
    "postgresql_query": "SELECT p.product_name, s.store_name, sum(i.total_amount) AS revenue"
    " FROM retail.order_items i JOIN retail.products p USING (product_id)"
    " JOIN retail.stores s USING (store_id) GROUP BY 1, 2 ORDER BY 3 DESC"
}
"""A statement of free SQL that brings as many rows as are shown unasked."""


def token_limit(tool: str) -> int:
    """Return how many tokens an answer of the tool may cost."""
    return 2500 if tool == "execute_sales_query" else 1500


def questions() -> list[Question]:
    """Read the recorded questions."""
    recorded = tomllib.loads(QUESTIONS.read_text(encoding="utf-8"))["question"]
    return [Question(**_dated(each)) for each in recorded]


_DATED = ("days", "before", "forecast_from")


def _dated(recorded: dict[str, Any]) -> dict[str, Any]:
    days = {key: tuple(map(date.fromisoformat, recorded[key])) for key in _DATED if key in recorded}
    return {**recorded, **days}


def figures(
    rows: naive.Exported, question: Question, days: Days | None
) -> dict[naive.Label, dict[str, Any]]:
    """Return each group's figures in the given days."""
    arguments = question.arguments
    filters = arguments.get("filters", [])

    def keeps(named: Callable[[str], str]) -> bool:
        return all(
            named(each["dimension"]) in (each["value"] if each["op"] == "in" else [each["value"]])
            for each in filters
        )

    first, last = days or (TODAY, TODAY)
    return naive.answer(
        rows,
        naive.Asked(
            tuple(arguments["metrics"]),
            tuple(arguments.get("dimensions", ())),
            first,
            last + timedelta(days=1),
            TODAY,
            keeps,
            first,
            first,
        ),
    )


def top_customers(rows: naive.Exported, question: Question) -> list[list[Any]]:
    """Return orders and revenue of the ten customers who spent most."""
    assert question.days
    spent = naive.by_customer(r for r in rows.lines if question.days[0] <= r["date"])
    ranked: list[list[Any]] = sorted(
        ([naive.distinct(own, "order_id"), float(naive.revenue(own))] for own in spent.values()),
        key=lambda row: -row[1],
    )
    return ranked[:10]


def lapsed(rows: naive.Exported) -> list[str]:
    """Return the last purchases of those not seen for 90 days, latest first."""
    last = [max(row["date"] for row in own) for own in naive.by_customer(rows.lines).values()]
    return sorted((day.isoformat() for day in last if (TODAY - day).days > 90), reverse=True)


def pairs(rows: naive.Exported, question: Question) -> list[list[Any]]:
    """Return kinds of product bought together: orders with both, support and lift."""
    assert question.days
    baskets: dict[Any, set[str]] = {}
    for row in rows.lines:
        if question.days[0] <= row["date"]:
            baskets.setdefault(row["order_id"], set()).add(row["product_type"])
    single = Counter(kind for basket in baskets.values() for kind in basket)
    both = Counter(pair for basket in baskets.values() for pair in combinations(sorted(basket), 2))
    found: list[list[Any]] = [
        [
            a,
            b,
            count,
            round(100 * count / len(baskets), 2),
            round(count * len(baskets) / (single[a] * single[b]), 2),
        ]
        for (a, b), count in both.items()
        if count >= 5
    ]
    return sorted(found, key=lambda row: (-float(row[4]), -int(row[2]), row[0], row[1]))[:20]
