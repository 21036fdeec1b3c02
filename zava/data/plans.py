"""The shape of a query plan: what PostgreSQL does, without any value of the statement.

EXPLAIN repeats literals in conditions and names outputs; only the keys listed here are read.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

_MOST_NODES = 60


def plan_shape(explained: str | bytes) -> list[str]:
    """Return one line for each node of an `EXPLAIN (FORMAT JSON)`, indented as the tree is.

    Rows are the planner's estimate, cost is its own unit.
    """
    document = orjson.loads(explained)
    lines: list[str] = []
    for depth, node in _nodes(document[0]["Plan"], 0):
        if len(lines) == _MOST_NODES:
            lines.append("…")
            break
        lines.append(f"{'  ' * depth}{_line(node)}")
    return lines


def _nodes(node: Mapping[str, Any], depth: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
    yield depth, node
    for child in node.get("Plans", ()):
        yield from _nodes(child, depth + 1)


def _line(node: Mapping[str, Any]) -> str:
    parts = [str(node["Node Type"])]
    if "Join Type" in node and node["Join Type"] != "Inner":
        parts.append(str(node["Join Type"]).lower())
    if "Index Name" in node:
        parts.append(f"using {node['Index Name']}")
    if "Relation Name" in node:
        parts.append(f"on {node['Relation Name']}")
    return f"{' '.join(parts)}  rows={node['Plan Rows']} cost={node['Total Cost']:.0f}"
