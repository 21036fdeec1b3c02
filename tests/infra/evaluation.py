"""Computes Bicep expressions, as far as names are given; Azure's own functions are played.

What this would compute otherwise than the compiler does is refused: a wrong value that nothing
shows is worse than none.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from tests.infra.bicep import (
    Call,
    Choice,
    Each,
    Fields,
    File,
    Index,
    Items,
    Lambda,
    Member,
    Name,
    Operation,
    Text,
)

TENANT = "11111111-2222-4333-8444-555555555555"
SUBSCRIPTION = "33333333-2222-4333-8444-555555555555"
AZURE: dict[str, Any] = {
    "tenant": {"tenantId": TENANT},
    "environment": {"authentication": {"loginEndpoint": "https://login.microsoftonline.com/"}},
    "deployer": {"userPrincipalName": "ann@contoso.com"},
    "subscription": {"id": f"/subscriptions/{SUBSCRIPTION}"},
}


class EvaluationRefused(Exception):
    """The value is not computed here, or the compiler would refuse it too."""


class DeploymentRefused(Exception):
    """The file itself refuses what it was given, with `fail`; the text is its sentence."""


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

    def value(self, node: Any) -> Any:  # noqa: C901, PLR0911, PLR0912  # one case for each form
        match node:
            case Name(name):
                return self.of(name)
            case Text(found):
                return "".join(p if isinstance(p, str) else text_of(self.value(p)) for p in found)
            case Items(found):
                return [self.value(item) for item in found]
            case Fields(found):
                return _object((self._key(key), self.value(value)) for key, value in found)
            case Each(item, source, body):
                return [self._with(item, one).value(body) for one in self.value(source)]
            case Lambda(item, body):
                return lambda one: self._with(item, one).value(body)
            case Member(base, name):
                return _part(self.value(base), name)
            case Index(base, key):
                return _part(self.value(base), self.value(key))
            case Choice(condition, yes, no):
                return self.value(yes if _truth(self.value(condition)) else no)
            case Operation("&&", (left, right)):
                return _truth(self.value(left)) and _truth(self.value(right))
            case Operation("||", (left, right)):
                return _truth(self.value(left)) or _truth(self.value(right))
            case Operation("!", (one,)):
                return not _truth(self.value(one))
            case Operation(sign, operands):
                return _operation(sign, [self.value(one) for one in operands])
            case Call(function, arguments):
                return _call(function, [self.value(one) for one in arguments])
            case str() | int() | None:
                return node
        raise EvaluationRefused(f"{node} is no expression that is computed here")

    def _with(self, name: str, value: Any) -> "Scope":
        return Scope(self._file, self._given | {name: value})

    def _key(self, key: Any) -> str:
        return key if isinstance(key, str) else text_of(self.value(key))


def text_of(value: Any) -> str:
    """Return what interpolation and `string` make of a value: of a bool `True`, as Azure does."""
    if isinstance(value, str | int):
        return str(value)
    raise EvaluationRefused(f"{value} as text is JSON or empty to Azure")


def same(left: Any, right: Any) -> bool:
    """Return whether two values are equal to Azure, where 1 is not true."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return type(left) is type(right) and bool(left == right)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise EvaluationRefused(f"{value} is no condition")
    return value


def _numbers(values: list[Any]) -> list[int]:
    if not all(isinstance(one, int) and not isinstance(one, bool) for one in values):
        raise EvaluationRefused(f"{values} are not all whole numbers")
    return values


def _texts(values: list[Any]) -> list[str]:
    if not all(isinstance(one, str) for one in values):
        raise EvaluationRefused(f"{values} are not all strings")
    return values


def _operation(sign: str, values: list[Any]) -> Any:
    if sign in {"==", "!="}:
        return same(*values) == (sign == "==")
    match sign, _numbers(values):
        case "-", [one]:
            return -one
        case "-", [left, right]:
            return left - right
        case "+", [left, right]:
            return left + right
        case "*", [left, right]:
            return left * right
        case ">", [left, right]:
            return left > right
        case "<", [left, right]:
            return left < right
        case "/", [left, right] if right:
            # Towards zero, where Python rounds down.
            return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    raise EvaluationRefused(f"{sign} of {values} is not computed here")


def _object(pairs: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key.lower() in {known.lower() for known in found}:
            raise EvaluationRefused(f"{key} is there twice: Azure takes no notice of case")
        found[key] = value
    return found


def _part(base: Any, key: Any) -> Any:
    if isinstance(base, dict) and isinstance(key, str) and key in base:
        return base[key]
    if isinstance(base, list) and not isinstance(key, str) and 0 <= _numbers([key])[0] < len(base):
        return base[key]
    raise EvaluationRefused(f"{key} is not spelt so in {base}, or not there")


def _union(*values: Any) -> Any:
    if all(isinstance(one, dict) for one in values):
        merged: dict[str, Any] = {}
        for one in values:
            merged = _merged(merged, one)
        return merged
    if all(isinstance(one, list) for one in values):
        distinct: list[Any] = []
        for item in _texts([item for one in values for item in one]):
            distinct += [] if item in distinct else [item]
        return distinct
    raise EvaluationRefused("union of what is neither all objects nor all lists")


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return both objects as one; objects in them are merged as well, everything else replaced."""
    names = {key.lower(): key for key in first}
    for key, value in second.items():
        known = names.get(key.lower(), key)
        if known != key or (known in first and value is None):
            raise EvaluationRefused(f"union with {key}: {known} is there, null or in another case")
        is_nested = isinstance(first.get(key), dict) and isinstance(value, dict)
        first = first | {key: _merged(first[key], value) if is_nested else value}
    return first


def _empty(value: Any) -> bool:
    if value is None or isinstance(value, str | list | dict):
        return not value
    raise EvaluationRefused(f"empty of {value}")


def _fail(sentence: str) -> Any:
    raise DeploymentRefused(sentence)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": lambda *values: min(_numbers(list(values))),
    "max": lambda *values: max(_numbers(list(values))),
    "empty": _empty,
    "endsWith": lambda text, end: text.lower().endswith(end.lower()),
    "fail": _fail,
    # As with `uniqueString`: only the form and the sameness matter here.
    "guid": lambda *texts: str(uuid5(NAMESPACE_URL, "-".join(_texts(list(texts))))),
    "filter": lambda values, wanted: [one for one in values if _truth(wanted(one))],
    "map": lambda values, made: [made(one) for one in values],
    "string": text_of,
    "split": lambda text, sign: text.split(*_texts([sign])),
    "toLower": str.lower,
    "trim": str.strip,
    "union": _union,
    # Of the same length as Azure's, and the same for the same texts; no more matters here.
    "uniqueString": lambda *texts: sha256("".join(_texts(list(texts))).encode()).hexdigest()[:13],
}


def _call(function: str, values: list[Any]) -> Any:
    if function in AZURE:
        return AZURE[function]
    if function not in _FUNCTIONS:
        raise EvaluationRefused(f"{function} is not computed here")
    return _FUNCTIONS[function](*values)
