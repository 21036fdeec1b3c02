"""Prompts: questions that a person picks, written so that a model takes the right way to them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from zava.errors import InvalidInput
from zava.protocol.tools.tool import product_text

MAX_ARGUMENT_CHARACTERS = 1000
NOT_GIVEN = "(not given)"
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class PromptArgument:
    """One thing that the person fills in."""

    name: str
    description: str
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question with places; `text` names each argument as `{argument}`."""

    name: str
    title: str
    description: str
    arguments: tuple[PromptArgument, ...]
    text: str

    def fill(self, given: Mapping[str, str] | None) -> str:
        """Return the text with the arguments in their places.

        A value is never read for places of its own.

        Raises:
            InvalidInput: an argument is missing, unknown or too long.
        """
        given = given or {}
        known = {argument.name for argument in self.arguments}
        wrong = [
            f"{name[:100]}: {self.name} has no such argument"
            for name in sorted(given.keys() - known)
        ]
        wrong += [
            f"{argument.name}: required"
            for argument in self.arguments
            if argument.is_required and not given.get(argument.name, "").strip()
        ]
        wrong += [
            f"{name[:100]}: at most {MAX_ARGUMENT_CHARACTERS} characters"
            for name, value in given.items()
            if len(value) > MAX_ARGUMENT_CHARACTERS
        ]
        if wrong:
            raise InvalidInput("; ".join(wrong) + ".")
        return _PLACE.sub(lambda place: given.get(place[1], "").strip() or NOT_GIVEN, self.text)


_PERIOD = PromptArgument("time_period", "Such as last month, 2026-Q1 or the week of 4 May 2026.")

PROMPTS: dict[str, Prompt] = {
    prompt.name: prompt
    for prompt in (
        Prompt(
            name="sales_of_a_period",
            title="Sales of a period",
            description="Revenue, orders and average order value of a period, store by store.",
            arguments=(
                PromptArgument(_PERIOD.name, _PERIOD.description, is_required=True),
                PromptArgument("comparison", "A period to compare with, such as the year before."),
            ),
            text=product_text(
                """
                How did our sales go in this period: {time_period}?
                Compare with: {comparison}.

                Turn the period into dates with get_current_utc_date, look up retail.orders,
                retail.order_items and retail.stores with get_multiple_table_schemas, and ask one
                SELECT with execute_sales_query. Show revenue, number of orders and average order
                value for each store and in total, say which stores and which days the figures
                cover, and end with the one thing that stands out.
                """
            ),
        ),
        Prompt(
            name="best_selling_products",
            title="Best-selling products",
            description="The products with the most revenue, and how they are stocked.",
            arguments=(
                _PERIOD,
                PromptArgument("category", "Only products of this category, such as Hand Tools."),
            ),
            text=product_text(
                """
                Which ten products bring us the most revenue?
                Period: {time_period}. Category: {category}.

                Without a period take the last three whole months, counted from
                get_current_utc_date. Look up retail.orders, retail.order_items, retail.products,
                retail.categories and retail.inventory with get_multiple_table_schemas, and take
                the category's spelling from the values listed there. List name, units, revenue
                and stock on hand, and name the ones that will run out first.
                """
            ),
        ),
        Prompt(
            name="products_to_reorder",
            title="Products to reorder",
            description="What stands at or below its reorder point, most urgent first.",
            arguments=(),
            text=product_text(
                """
                What do we have to reorder?

                Look up retail.inventory, retail.products and retail.stores with
                get_multiple_table_schemas. List the products whose stock is at or below the
                reorder point, store by store, the largest shortfall first, and sum up by category.
                """
            ),
        ),
        Prompt(
            name="explain_a_table",
            title="Explain a table",
            description="What a table holds, how it joins, and questions that it answers.",
            arguments=(
                PromptArgument("table", "A table such as retail.orders.", is_required=True),
            ),
            text=product_text(
                """
                Explain the table {table} to somebody who runs a store.

                Describe it with get_multiple_table_schemas together with the tables that it
                points at. Say what one row stands for, what each column means in plain words and
                how it joins, then give three questions that it answers, each with the SELECT.
                """
            ),
        ),
    )
}
"""Every prompt by name, in the order in which a person should read them."""
