"""What a model reads of ours, counted with a real vocabulary: the list of tools, the answers."""

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pytest

from tests.outside.node import NODE, run
from tests.scenarios.expected import FIFTY_ROWS, questions, token_limit
from tests.support.answers.model_tokens import most_tokens
from tests.support.generators.golden_tools import GOLDEN
from zava.app import Application
from zava.cli.client import call_tool

pytestmark = pytest.mark.outside

# With all the tools of the contract; a part of them has a part of it.
TOOLS = 8
WITHOUT_OUTPUT_SCHEMAS = 2600
WITH_OUTPUT_SCHEMAS = 4800
PRINCIPALS = ("seattle", "eastside", "head-office")


def _sent(content: object) -> str:
    """As it travels: no blanks between, letters as they are."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)


def _counted(texts: Mapping[str, str]) -> dict[str, int]:
    done = run(str(NODE), "clients/tokens.mjs", given=json.dumps(texts))
    assert done.returncode == 0, done.stderr
    counts: dict[str, int] = json.loads(done.stdout)
    return counts


def test_list_of_tools_stays_within_its_share_of_tokens() -> None:
    tools = json.loads(GOLDEN.read_text(encoding="utf-8"))["tools"]
    terse = [{key: tool[key] for key in tool if key != "outputSchema"} for tool in tools]
    counts = _counted({"without": _sent(terse), "with": _sent(tools)})
    share = len(tools) / TOOLS
    print(f"\n{len(tools)} tools: {counts['without']} tokens, {counts['with']} with output schemas")
    assert counts["without"] <= WITHOUT_OUTPUT_SCHEMAS * share
    assert counts["with"] <= WITH_OUTPUT_SCHEMAS * share


async def test_answers_to_the_scenarios_stay_short_in_either_form(
    moved_application: Application, search_app: Application, tokens: dict[str, str]
) -> None:
    """A client passes on the text or the structured content, each says it all: both are short."""
    calls: list[tuple[str, str, Mapping[str, Any]]] = [
        ("fifty rows", "execute_sales_query", FIFTY_ROWS)
    ]
    for question in questions():
        if question.refusals:
            calls += [(f"{question.number}", r["tool"], r["arguments"]) for r in question.refusals]
        else:
            calls.append((f"{question.number}", question.tool, question.call_arguments))
    texts, contents = {}, {}
    for principal in PRINCIPALS:
        for question_name, tool, arguments in calls:
            app = search_app if tool == "semantic_search_products" else moved_application
            _, body = await call_tool(app.endpoint, tokens[principal], tool, arguments)
            told = body["result"]
            key = f"{tool} / {question_name} / {principal}"
            texts[key] = told["content"][0]["text"]
            contents[key] = _sent(told.get("structuredContent") or told["_meta"])
    assert len(texts) == len(calls) * len(PRINCIPALS)
    counted, structured = _counted(texts), _counted(contents)
    most: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for key in texts:
        tool = key.partition(" / ")[0]
        most[tool].append((max(counted[key], structured[key]), key))
    for tool, of_each in most.items():
        tokens_of_most, key = max(of_each)
        print(f"\n{key}: {counted[key]} tokens as text, {structured[key]} structured", end="")
        assert tokens_of_most <= token_limit(tool), key
    bounds = {key: most_tokens(text) for key, text in texts.items()}
    assert not [key for key in texts if counted[key] > bounds[key]]
