"""What the SDKs of model providers make of the list of tools, held to the documented subsets.

A provider refuses a request as a whole when it refuses one schema in it.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.outside.node import NODE, OUTSIDE, run
from tests.support.generators.golden_tools import GOLDEN

pytestmark = pytest.mark.outside

Schema = Mapping[str, Any]

# What each provider documents as the keywords of a function's parameters.
_ANY = frozenset({"type", "description", "enum", "properties", "required", "items"})
OPENAI = _ANY | {"additionalProperties", "anyOf", "$defs", "$ref", "const"}
OPENAI |= {"pattern", "format", "minimum", "maximum", "multipleOf", "minItems", "maxItems"}
ANTHROPIC = _ANY | {"additionalProperties", "anyOf", "allOf", "$defs", "$ref", "const", "format"}
GEMINI = _ANY | {"anyOf", "format", "nullable", "title", "default", "example", "pattern"}
GEMINI |= {"minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength"}
KINDS = frozenset({"object", "array", "string", "integer", "number", "boolean"})


@pytest.fixture(scope="module")
def tools() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(GOLDEN.read_text(encoding="utf-8"))["tools"]
    return listed


@pytest.fixture(scope="module")
def converted(tools: list[dict[str, Any]]) -> dict[str, dict[str, Schema]]:
    """The parameters of each tool by converter and name."""
    given = json.dumps(tools)
    python = run(sys.executable, str(OUTSIDE / "clients" / "providers.py"), given=given)
    assert python.returncode == 0, python.stderr
    script = run(str(NODE), "clients/providers.mjs", given=given)
    assert script.returncode == 0, script.stderr
    sent = json.loads(script.stdout)
    gemini = sent["gemini"][0]["functionDeclarations"]
    return {
        **json.loads(python.stdout),
        "AI SDK, Gemini": {one["name"]: one.get("parameters", {}) for one in gemini},
        "AI SDK, OpenAI": {one["name"]: one["parameters"] for one in sent["openai"]},
        "plain": {one["name"]: one["inputSchema"] for one in tools},
    }


def nodes(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Yield each schema within a schema and its place."""
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from nodes(inner, f"{path}.{name}")
    for keyword in ("anyOf", "allOf"):
        for inner in schema.get(keyword, []):
            yield from nodes(inner, path)
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")


def held(schemas: Mapping[str, Schema], keywords: frozenset[str]) -> None:
    for name, schema in schemas.items():
        assert re.fullmatch(r"[A-Za-z_][\w-]{0,63}", name, re.ASCII)
        for place, node in nodes(schema, name):
            assert node.keys() <= keywords, place
            assert node.get("type", "object") in KINDS, place
            assert node.get("type") != "array" or "type" in node["items"], place
            assert all(isinstance(value, str) for value in node.get("enum", [])), place
            assert set(node.get("required", [])) <= node.get("properties", {}).keys(), place


@pytest.mark.parametrize("name", ["plain", "AI SDK, OpenAI", "openai strict"])
def test_openai_takes_every_tool(converted: dict[str, dict[str, Schema]], name: str) -> None:
    held(converted[name], OPENAI)


def test_openai_strict_requires_every_property(converted: dict[str, dict[str, Schema]]) -> None:
    for name, schema in converted["openai strict"].items():
        for place, node in nodes(schema, name):
            if node.get("type") == "object":
                assert node["additionalProperties"] is False, place
                assert set(node["required"]) == node["properties"].keys(), place


@pytest.mark.parametrize("name", ["plain", "AI SDK, Gemini"])
def test_gemini_takes_every_tool(converted: dict[str, dict[str, Schema]], name: str) -> None:
    held(converted[name], GEMINI | {"additionalProperties"} if name == "plain" else GEMINI)


def test_anthropic_strict_takes_every_tool(converted: dict[str, dict[str, Schema]]) -> None:
    held(converted["anthropic strict"], ANTHROPIC | {"minItems"})


def test_no_converter_loses_a_tool_an_argument_or_its_type(
    converted: dict[str, dict[str, Schema]], tools: list[dict[str, Any]]
) -> None:
    plain = converted["plain"]
    assert len(plain) == len(tools)
    for name, schemas in converted.items():
        assert schemas.keys() == plain.keys(), name
        for tool, schema in schemas.items():
            expected = plain[tool].get("properties", {})
            found = schema.get("properties", {})
            assert found.keys() == expected.keys(), (name, tool)
            for argument, one in found.items():
                # The values say it where a converter leaves the type out.
                kind = one.get("type", "string" if "enum" in one else None)
                assert kind == expected[argument]["type"], (name, tool, argument)
