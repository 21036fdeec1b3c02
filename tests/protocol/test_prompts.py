"""Prompts: every question family by name, and nothing in them that the server does not know."""

import re

import pytest

from zava.protocol.prompt import Prompt
from zava.retail.data.metric_catalogue import catalogue
from zava.retail.prompts import PROMPTS
from zava.retail.tools.registry import TOOLS

FAMILIES = {
    *("business_summary", "best_sellers", "sales_by_category", "sales_over_time"),
    *("compare_stores", "top_customers", "lapsed_customers", "customer_value"),
    *("stock_to_reorder", "inventory_value", "seasonal_trends", "sales_forecast"),
    *("trending_products", "cross_sell", "available_data", "explain_a_table"),
}


def filled(prompt: Prompt, **given: str) -> str:
    """What a client passes on; an argument that was not given is empty."""
    words = {a.name: "retail.orders" for a in prompt.arguments if a.is_required}
    return prompt.fill(words | given)


def test_every_question_family_has_a_prompt() -> None:
    assert set(PROMPTS) == FAMILIES


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_places_are_the_arguments_and_there_is_no_other_brace(prompt: Prompt) -> None:
    assert set(re.findall(r"\{(\w+)\}", prompt.text)) == {a.name for a in prompt.arguments}
    assert not re.search(r"[{}]", re.sub(r"\{\w+\}", "", prompt.text))
    assert prompt.title
    assert prompt.description.endswith(".")
    assert all(argument.description.endswith(".") for argument in prompt.arguments)


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_prompt_names_only_tools_metrics_and_dimensions_that_exist(prompt: Prompt) -> None:
    text = filled(prompt)
    tools = set(re.findall(r"\b(?:get|query|execute|compare_with|semantic)_\w+", text))
    assert tools
    assert tools <= set(TOOLS)
    for listed in re.findall(r"metrics\s+\[(.*?)\]", text, re.DOTALL):
        for name in re.findall(r'"(\w+)"', listed):
            assert name in catalogue().metrics
    for listed in re.findall(r"dimensions\s+\[(.*?)\]", text, re.DOTALL):
        for name in re.findall(r'"(\w+)"', listed):
            assert name in catalogue().dimensions


def test_every_prompt_asks_to_state_period_and_scope_and_to_invent_nothing() -> None:
    for prompt in PROMPTS.values():
        assert "State the period, the stores seen" in prompt.text
        assert "Invent nothing" in prompt.text
