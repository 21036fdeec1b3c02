"""What a tool is: one description that every path of the endpoint serves from."""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, ClassVar, NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from zava.errors import InvalidInput
from zava.model.audiences import Permission
from zava.model.core import Caller
from zava.protocol.tools.argument_forms import Form, converted

LONG_RESULT_CHARACTERS = 100_000
"""So many characters of rows that were asked for a client may show its model, about 40,000 tokens.

Claude Code puts a longer result than a tool names (by default 50,000) into a file.
"""

ERROR_META = "zava/error"
"""The key in a result's `_meta` under which a program finds the fields of an error."""

_KEPT_AS_NAMES = frozenset({"properties", "$defs"})
# An absent argument of these defaults changes nothing; `False` covers 0.
_IMPLIED_DEFAULTS: tuple[tuple[str, Any], ...] = (
    ("default", None),
    ("default", []),
    ("default", False),
    ("default", "none"),
)
_NOT_FOR_PROVIDERS = frozenset({"title", "$defs", "default", "minLength", "maxLength", "examples"})
_SUBJECT = re.compile(r"^(Input|[A-Z]\w+) should")
_OBJECT = re.compile(r"dictionary( or instance of \w+)?")
_JSON_TYPES: Mapping[type, str] = {
    bool: "a boolean",
    dict: "an object",
    float: "a number",
    int: "a number",
    list: "a list",
    str: "a text",
}
_DEFAULT_RULES: tuple[tuple[str, Any], ...] = (
    ("additionalProperties", True),
    *_IMPLIED_DEFAULTS,
    ("items", {}),
)


class Arguments(BaseModel):
    """Arguments of a tool, in the published types; unknown names are rejected.

    `SEPARATED` names the lists that may come as one text with commas. `FORMS` reads the further
    forms of an argument. `ALIASES` are other names that models give one. An argument's `examples`
    are for errors alone.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    SEPARATED: ClassVar[frozenset[str]] = frozenset()
    FORMS: ClassVar[Mapping[str, Form]] = {}
    ALIASES: ClassVar[Mapping[str, str]] = {}


class ToolAnswer(NamedTuple):
    """The result of a tool: structured content for programs, and text that is complete by itself.

    An error has no structured content: clients validate that against the output schema, which
    describes answers. Its fields (`ZavaError.to_dict`) are in `error`.
    """

    structured: Mapping[str, Any] | None
    text: str
    error: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the result of `tools/call` in the protocol's JSON."""
        content = [{"type": "text", "text": self.text}]
        if self.error is not None:
            return {"content": content, "isError": True, "_meta": {ERROR_META: self.error}}
        return {"content": content, "structuredContent": self.structured, "isError": False}


@dataclass(frozen=True, slots=True)
class Tool:
    """A read-only tool.

    `call` is awaited with the domain's use cases, the caller and valid arguments.
    `answer` is the TypedDict of its structured content: that of typing_extensions, because pydantic
    reads the one of typing from Python 3.12 on. `shorten` leaves out of its schema what another
    tool's has.
    `permission` is what the caller's token has to allow.
    `app` is the URI of the page that a client with MCP Apps shows an answer in.
    `result_characters` is how long a result may be that a client shows its model; None leaves that
    to the client.
    """

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    answer: type[Any]
    permission: Permission
    call: Callable[[Any, Caller, Any], Awaitable[ToolAnswer]]
    app: str | None = None
    result_characters: int | None = None
    shorten: Callable[[dict[str, Any]], dict[str, Any]] | None = None

    @property
    def input_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the arguments."""
        return _input_schema(self.arguments)

    @property
    def output_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the structured content."""
        return _output_schema(self)

    def read_arguments(self, given: Mapping[str, Any] | None) -> Arguments:
        """Convert and check the arguments before anything else happens.

        Raises:
            InvalidInput: names each field and the rule that it breaks.
        """
        arguments = converted(
            given or {},
            self.input_schema,
            separated=self.arguments.SEPARATED,
            forms=self.arguments.FORMS,
            others=self.arguments.ALIASES,
        )
        try:
            return self.arguments.model_validate(arguments)
        except ValidationError as error:
            raise self._explained(error) from None  # the cause would repeat the caller's values

    def _explained(self, error: ValidationError) -> InvalidInput:
        details = error.errors(include_url=False)
        message = "; ".join(map(self._sentence, details))
        described = ", ".join(
            f"{name} ({_type_text(schema)})"
            for name, schema in self.input_schema["properties"].items()
        )
        named = {detail["loc"][0] for detail in details if detail["loc"]}
        fields = tuple(name for name in self.arguments.model_fields if name in named)
        examples = {name: self._example(name) for name in fields}
        return InvalidInput(
            f"{message}.",
            hint=(f"For example {orjson.dumps(examples).decode()}. " if examples else "")
            + f"Arguments of {self.name}: {described or 'none'}.",
            fields=fields,
        )

    def _example(self, name: str) -> Any:
        field = self.arguments.model_fields[name]
        allowed = self.input_schema["properties"][name].get("enum")
        return field.examples[0] if field.examples else allowed[0] if allowed else field.default

    def _sentence(self, detail: Mapping[str, Any]) -> str:
        field = ".".join(map(str, detail["loc"])) or "arguments"
        if detail["type"] == "extra_forbidden":
            near = get_close_matches(field, self.arguments.model_fields, 1)
            return f"{field}: {self.name} has no such argument" + (
                f"; the nearest is {near[0]}" if near else ""
            )
        if detail["type"] == "missing":
            return f"{field}: required"
        rule = _SUBJECT.sub("should", detail["msg"]).partition(" after validation")[0]
        rule = _OBJECT.sub("object", rule)
        if detail["type"].endswith("_type"):
            rule += f", not {_JSON_TYPES.get(type(detail['input']), 'null')}"
        return f"{field}: {rule}"


def product_text(text: str) -> str:
    """Return a description as the model reads it, without the source's indentation."""
    return inspect.cleandoc(text)


def _type_text(schema: Mapping[str, Any]) -> str:
    """Return an argument's type and range in words."""
    text = str(schema["type"])
    if text == "array":
        text = f"list of {schema['items']['type']}s"
    if "enum" in schema:
        text = "|".join(schema["enum"])
    if "minimum" in schema and "maximum" in schema:
        text += f" from {schema['minimum']} to {schema['maximum']}"
    return text


@cache
def _input_schema(model: type[Arguments]) -> dict[str, Any]:
    """Return the JSON Schema of arguments, built once: it is the same for every caller."""
    whole = model.model_json_schema()
    schema: dict[str, Any] = _for_providers(whole, whole.get("$defs", {}))
    # The tool's description replaces it. Python without docstrings (-OO) gives none.
    schema.pop("description", None)
    return schema


@cache
def _output_schema(tool: Tool) -> dict[str, Any]:
    """Return the JSON Schema of a tool's structured content, built once, too."""
    whole = TypeAdapter(tool.answer).json_schema()
    schema: dict[str, Any] = _plain(tool.shorten(whole) if tool.shorten else whole)
    schema.pop("description", None)  # the tool's own says it
    for part in schema.get("$defs", {}).values():
        part.pop("description", None)  # it is read where it stands
        part.pop("required", None)  # that an answer is whole, its own list says
    return schema


def _for_providers(schema: Any, parts: Mapping[str, Any]) -> Any:
    """Return an input schema in the subset that every model provider accepts.

    Each node has one type, each array its items, and each part is written where it is used. An
    argument that may be absent is left out of `required`; null is not among its types. OpenAI's
    strict mode refuses defaults and lengths of text: a default is written into a description, and
    lengths are checked by validation alone.
    """
    if isinstance(schema, list):
        return [_for_providers(inner, parts) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        part = parts[schema["$ref"].rpartition("/")[2]]
        return _for_providers({k: v for k, v in part.items() if k != "description"}, parts)
    some, *rest = schema.get("anyOf", [None])
    if rest == [{"type": "null"}]:
        schema = some | {key: value for key, value in schema.items() if key != "anyOf"}
    default = schema.get("default")
    is_described = "description" in schema and ("default", default) not in _IMPLIED_DEFAULTS
    if is_described and default is not None:
        schema = schema | {"description": f"{schema['description']} Default: {default}."}
    return {
        key: (
            {name: _for_providers(inner, parts) for name, inner in value.items()}
            if key == "properties"
            else _for_providers(value, parts)
        )
        for key, value in schema.items()
        if key not in _NOT_FOR_PROVIDERS
    }


def _plain(schema: Any) -> Any:
    """Write the same schema in fewer tokens: a model reads every word of every schema.

    Titles that pydantic derives from names are left out, and so are default rules. A type that may
    be null is one list of types.
    """
    if isinstance(schema, dict):
        plain = {
            key: (
                {name: _plain(inner) for name, inner in value.items()}
                if key in _KEPT_AS_NAMES
                else _plain(value)
            )
            for key, value in schema.items()
            if key != "title" and (key, value) not in _DEFAULT_RULES
        }
        some, *rest = plain.get("anyOf", [None])
        if rest == [{"type": "null"}] and isinstance(some, dict) and "type" in some:
            allowed = {"enum": [*some["enum"], None]} if "enum" in some else {}
            plain = some | allowed | {"type": [some["type"], "null"]} | plain
            del plain["anyOf"]
        return plain
    if isinstance(schema, list):
        return [_plain(inner) for inner in schema]
    return schema
