"""Computes Bicep expressions, as far as names are given; Azure's own functions are played."""

from collections.abc import Callable, Mapping
from operator import add, and_, eq, floordiv, not_, sub
from typing import Any

from tests.infra.bicep import (
    Call,
    Choice,
    Each,
    Fields,
    File,
    Index,
    Items,
    Member,
    Name,
    Operation,
    Text,
)

TENANT = "11111111-2222-4333-8444-555555555555"
AZURE: dict[str, Any] = {
    "tenant": {"tenantId": TENANT},
    "environment": {"authentication": {"loginEndpoint": "https://login.microsoftonline.com/"}},
}
_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "-": sub,
    "+": add,
    "/": floordiv,  # Bicep divides whole numbers
    "==": eq,
    "&&": and_,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "empty": not_,
    "string": str,
    "split": str.split,
}


class Scope:
    """Names of one file: what is given, and otherwise the file's own variables and defaults."""

    def __init__(self, file: File, given: Mapping[str, Any]) -> None:
        self._file = file
        self._declared = file.of("param", "var")
        self._given = dict(given)

    def of(self, name: str) -> Any:
        if name not in self._given:
            self._given[name] = self.value(self._declared[name].value)
        return self._given[name]

    def value(self, node: Any) -> Any:  # noqa: C901, PLR0911  # one case for each form
        match node:
            case Name(name):
                return self.of(name)
            case Text(found):
                return "".join(p if isinstance(p, str) else str(self.value(p)) for p in found)
            case Items(found):
                return [self.value(item) for item in found]
            case Fields(found):
                return {self._key(key): self.value(value) for key, value in found}
            case Each(item, source, body):
                return [
                    Scope(self._file, self._given | {item: one}).value(body)
                    for one in self.value(source)
                ]
            case Member(base, name):
                return self.value(base)[name]
            case Index(base, key):
                return self.value(base)[self.value(key)]
            case Choice(condition, yes, no):
                return self.value(yes if self.value(condition) else no)
            case Operation(sign, operands):
                return self._operation(sign, [self.value(one) for one in operands])
            case Call(function, arguments):
                return self._call(function, [self.value(one) for one in arguments])
            case _:
                return node

    def _key(self, key: Any) -> str:
        return key if isinstance(key, str) else str(self.value(key))

    @staticmethod
    def _operation(sign: str, values: list[Any]) -> Any:
        if sign == "!":
            return not values[0]
        return _OPERATIONS[sign](*values)

    @staticmethod
    def _call(function: str, values: list[Any]) -> Any:
        if function in AZURE:
            return AZURE[function]
        if function == "union":
            return {key: value for one in values for key, value in one.items()}
        return _FUNCTIONS[function](*values)
