"""What the list of tools costs a model before it has done anything."""

import json

import pytest

from tests.golden_tools import GOLDEN
from tests.outside.node import node

pytestmark = pytest.mark.outside

# With all the tools of the contract; a part of them has a part of it.
TOOLS = 8
WITHOUT_OUTPUT_SCHEMAS = 2500
WITH_OUTPUT_SCHEMAS = 4500


def _sent(tools: object) -> str:
    """As it travels: no blanks between, letters as they are."""
    return json.dumps(tools, separators=(",", ":"), ensure_ascii=False)


def test_list_of_tools_stays_within_its_share_of_tokens() -> None:
    tools = json.loads(GOLDEN.read_text(encoding="utf-8"))["tools"]
    terse = [{key: tool[key] for key in tool if key != "outputSchema"} for tool in tools]
    texts = {"without": _sent(terse), "with": _sent(tools)}
    done = node("clients/tokens.mjs", json.dumps(texts))
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    share = len(tools) / TOOLS
    print(f"\n{len(tools)} tools: {counts['without']} tokens, {counts['with']} with output schemas")
    assert counts["without"] <= WITHOUT_OUTPUT_SCHEMAS * share
    assert counts["with"] <= WITH_OUTPUT_SCHEMAS * share
