"""What a tool is: one description that every lane of the endpoint serves from."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from zava.errors import InvalidInput
from zava.model import Caller, Permission
from zava.service.analytics import Analytics

_KEPT_AS_NAMES = frozenset({"properties", "$defs"})
_SAID_ANYWAY: tuple[tuple[str, Any], ...] = (
    ("additionalProperties", True),
    ("default", None),
    ("default", []),
    ("items", {}),
)


class Arguments(BaseModel):
    """Arguments of a tool: nothing is guessed, and nothing unknown is let through."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ToolAnswer(NamedTuple):
    """What a tool says: content for programs, and text that stands on its own.

    `is_error` marks what a smarter model could have avoided, or may ask again.
    """

    structured: dict[str, Any]
    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Tool:
    """A read-only tool. `call` is awaited with the use cases, the caller and valid arguments.

    `permission` is what the caller's token has to allow.
    `app` is the URI of the page that a client with MCP Apps shows an answer in.
    """

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    answer: type[BaseModel]
    permission: Permission
    call: Callable[[Analytics, Caller, Any], Awaitable[ToolAnswer]]
    app: str | None = None

    @property
    def input_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the arguments."""
        return _schema(self.arguments)

    @property
    def output_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the structured content."""
        return _schema(self.answer)

    def read_arguments(self, given: Mapping[str, Any] | None) -> Arguments:
        """Check the arguments before anything else happens.

        Raises:
            InvalidInput: names each field and the rule that it breaks.
        """
        try:
            return self.arguments.model_validate(dict(given or {}))
        except ValidationError as error:
            raise self._explained(error) from None  # the cause would repeat the caller's values

    def _explained(self, error: ValidationError) -> InvalidInput:
        told = []
        named = set()
        for detail in error.errors(include_url=False):
            field = ".".join(str(part) for part in detail["loc"]) or "arguments"
            named.add(field)
            if detail["type"] == "extra_forbidden":
                told.append(f"{field}: {self.name} has no such argument")
            elif detail["type"] == "missing":
                told.append(f"{field}: required")
            else:
                rule = detail["msg"].replace("Input should", "should")
                told.append(f"{field}: {rule}, not a {type(detail['input']).__name__}")
        known = self.arguments.model_fields
        return InvalidInput(
            "; ".join(told) + ".",
            hint=f"Arguments of {self.name}: {', '.join(known) or 'none'}.",
            fields=tuple(name for name in known if name in named),
        )


def product_text(text: str) -> str:
    """Return a description as the model reads it, without the source's indentation."""
    return inspect.cleandoc(text)


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return a model's JSON Schema, built once: it is the same for every caller."""
    schema: dict[str, Any] = _plain(model.model_json_schema())
    schema.pop("description", None)  # the tool's own says it
    for part in schema.get("$defs", {}).values():
        part.pop("description", None)  # it is read where it stands
        if not issubclass(model, Arguments):
            part.pop("required", None)  # that an answer is whole, its own list says
    return schema


def _plain(schema: Any) -> Any:
    """Say the same in fewer tokens: a model reads every word of every schema.

    Titles that pydantic derives from names, and what holds without being said, are left out; a
    type that may be null is one list of types.
    """
    if isinstance(schema, dict):
        plain = {
            key: (
                {name: _plain(inner) for name, inner in value.items()}
                if key in _KEPT_AS_NAMES
                else _plain(value)
            )
            for key, value in schema.items()
            if key != "title" and (key, value) not in _SAID_ANYWAY
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
