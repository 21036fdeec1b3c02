"""Reads Bicep: as much of the language as infra/ uses, and an error for everything else.

The parser on PyPI (pycep) writes a name and a string of the same letters alike and binds `a.b - c`
as `a.(b - c)`, so no name could be resolved and no formula computed from what it returns.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

_TOKEN = re.compile(
    r"(?P<space>[ \t]+|//[^\n]*|/\*.*?\*/)"
    r"|(?P<newline>\r?\n\s*)"
    r"|(?P<number>\d+)"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>&&|\|\||==|!=|<=|>=|=>|\?\?|[-+*/%<>!?:.,(){}\[\]=@])",
    re.DOTALL,
)
_PRECEDENCE = [("??",), ("||",), ("&&",), ("==", "!="), ("<", ">", "<=", ">="), ("+", "-"), "*/%"]
_ESCAPES = {"n": "\n", "t": "\t", "'": "'", "\\": "\\", "$": "$"}


class BicepError(Exception):
    """The text is not Bicep, or more of it than infra/ uses."""


@dataclass(frozen=True)
class Name:
    text: str


@dataclass(frozen=True)
class Text:
    """A string; `parts` holds text and, where something is interpolated, expressions."""

    parts: tuple[Any, ...]


@dataclass(frozen=True)
class Member:
    base: Any
    name: str


@dataclass(frozen=True)
class Index:
    base: Any
    key: Any


@dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Operation:
    sign: str
    operands: tuple[Any, ...]


@dataclass(frozen=True)
class Choice:
    condition: Any
    yes: Any
    no: Any


@dataclass(frozen=True)
class Each:
    item: str
    source: Any
    body: Any


@dataclass(frozen=True)
class Lambda:
    item: str
    body: Any


@dataclass(frozen=True)
class Fields:
    """An object; a key is a string, or a Text where it is interpolated."""

    items: tuple[tuple[Any, Any], ...]

    def get(self, key: str) -> Any:
        return dict(self.items).get(key)


@dataclass(frozen=True)
class Items:
    items: tuple[Any, ...]


@dataclass(frozen=True)
class Declaration:
    """A param, var, output, resource or module; `type` is a resource's type or a module's path."""

    kind: str
    name: str
    type: str = ""
    value: Any = None
    condition: Any = None
    decorators: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def body(self) -> Any:
        """What it is, or what each of a loop's resources is."""
        return self.value.body if isinstance(self.value, Each) else self.value


@dataclass
class File:
    scope: str = "resourceGroup"
    extensions: list[str] = field(default_factory=list)
    declarations: list[Declaration] = field(default_factory=list)

    def of(self, *kinds: str) -> dict[str, Declaration]:
        return {found.name: found for found in self.declarations if found.kind in kinds}


def parts(node: Any) -> Iterator[Any]:
    """Yield what an expression is made of, one level down."""
    match node:
        case Text(found) | Items(found):
            yield from found
        case Member(base, _):
            yield base
        case Index(base, key):
            yield from (base, key)
        case Call(_, found) | Operation(_, found):
            yield from found
        case Choice(condition, yes, no):
            yield from (condition, yes, no)
        case Each(_, source, body):
            yield from (source, body)
        case Lambda(_, body):
            yield body
        case Fields(found):
            for key, value in found:
                yield from (key, value)


# Several checks walk the same declarations, and those of every broken copy but what is broken. True
# and 1 are one key here: nobody who walks asks which.
@cache
def walk(node: Any) -> tuple[Any, ...]:
    """Return an expression and everything in it."""
    found = [node]
    for one in found:
        found += parts(one)
    return tuple(found)


@cache
def read(text: str) -> File:
    """Read one file; nobody changes what was read.

    Raises:
        BicepError: names the line.
    """
    return _Reader(text).file()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def file(self) -> File:
        file = File()
        decorators: dict[str, Any] = {}
        while self._skip_lines() or self._peek() is not None:
            word = self._peek()
            if word == "@":
                self._take("@")
                call = self._postfix()
                decorators[call.function] = call.arguments
            elif word == "targetScope":
                self._next()
                self._take("=")
                file.scope = self._literal()
            elif word == "extension":
                self._next()
                file.extensions.append(self._next())
            elif word is None:
                break
            else:
                file.declarations.append(self._declaration(self._next(), decorators))
                decorators = {}
            self._end_of_line()
        return file

    def _declaration(self, kind: str, decorators: dict[str, Any]) -> Declaration:
        if kind not in {"param", "var", "output", "resource", "module"}:
            raise self._error(f"unknown word {kind}")
        name, written, value, condition = self._next(), "", None, None
        if kind in {"param", "output"}:
            written = self._next()
        elif kind in {"resource", "module"}:
            written = self._literal()
        if self._peek() == "=":
            self._take("=")
            if self._peek() == "if":
                self._next()
                self._take("(")
                condition = self._expression()
                self._take(")")
            value = self._expression()
        elif kind != "param":
            raise self._error(f"{name} has no value")
        return Declaration(kind, name, written, value, condition, decorators)

    def _expression(self) -> Any:
        condition = self._binary(0)
        if self._peek() != "?":
            return condition
        self._take("?")
        yes = self._expression()
        self._take(":")
        return Choice(condition, yes, self._expression())

    def _binary(self, level: int) -> Any:
        if level == len(_PRECEDENCE):
            return self._unary()
        left = self._binary(level + 1)
        while (sign := self._peek()) is not None and sign in _PRECEDENCE[level]:
            self._take(sign)
            left = Operation(sign, (left, self._binary(level + 1)))
        return left

    def _unary(self) -> Any:
        if self._peek() in {"!", "-"}:
            return Operation(self._next(), (self._unary(),))
        return self._postfix()

    def _postfix(self) -> Any:
        node = self._primary()
        while True:
            sign = self._peek()
            if sign == ".":
                self._take(".")
                node = Member(node, self._next())
            elif sign == "[":
                self._take("[")
                node = Index(node, self._expression())
                self._take("]")
            elif sign == "!" and self._peek(1) == ".":
                self._take("!")  # a conditional module's outputs, where it is known to be there
            elif sign == "(" and isinstance(node, Name):
                node = Call(node.text, self._list("(", ")", self._expression))
            elif sign == "(" and isinstance(node, Member):
                node = Call(node.name, (node.base, *self._list("(", ")", self._expression)))
            else:
                return node

    def _primary(self) -> Any:
        start = self._peek()
        if start == "'":
            return self._string()
        if start == "(":
            self._take("(")
            inner = self._expression()
            self._take(")")
            return inner
        if start == "{":
            return Fields(self._list("{", "}", self._pair))
        if start == "[":
            return self._array()
        word = self._next()
        if word.isdigit():
            return int(word)
        constants = {"true": True, "false": False, "null": None}
        if word in constants:
            return constants[word]
        if not word.isidentifier():
            raise self._error(f"unexpected {word}")
        if self._peek() == "=>":
            self._take("=>")
            return Lambda(word, self._expression())
        return Name(word)

    def _array(self) -> Any:
        if self._peek(1) != "for":
            return Items(self._list("[", "]", self._expression))
        self._take("[")
        self._take("for")
        item = self._next()
        self._take("in")
        source = self._expression()
        self._take(":")
        each = Each(item, source, self._expression())
        self._take("]")
        return each

    def _pair(self) -> tuple[Any, Any]:
        key: Any = self._string() if self._peek() == "'" else self._next()
        if isinstance(key, Text) and all(isinstance(part, str) for part in key.parts):
            key = "".join(key.parts)
        self._take(":")
        return key, self._expression()

    def _list(self, start: str, end: str, read: Callable[[], Any]) -> tuple[Any, ...]:
        self._take(start)
        found = []
        self._skip_lines()
        while self._peek() != end:
            found.append(read())
            if not self._skip_lines() and self._peek() != end:
                self._take(",")
            self._skip_lines()
        self._take(end)
        return tuple(found)

    def _literal(self) -> str:
        text = self._string()
        if not all(isinstance(part, str) for part in text.parts):
            raise self._error("expected a string without interpolation")
        return "".join(text.parts)

    def _string(self) -> Text:
        self._space()
        if self._text[self._at : self._at + 1] != "'":
            raise self._error("expected a string")
        self._at += 1
        found: list[Any] = []
        while (letter := self._text[self._at : self._at + 1]) != "'":
            if letter in {"", "\n"}:
                raise self._error("a string does not end")
            self._at += 1
            if letter == "$" and self._text[self._at : self._at + 1] == "{":
                self._take("{")
                found.append(self._expression())
                self._take("}")
                continue
            if letter == "\\":
                letter = _ESCAPES[self._text[self._at]]
                self._at += 1
            if found and isinstance(found[-1], str):
                found[-1] += letter
            else:
                found.append(letter)
        self._at += 1
        return Text(tuple(found))

    def _space(self) -> None:
        while (found := _TOKEN.match(self._text, self._at)) and found.lastgroup == "space":
            self._at = found.end()

    def _skip_lines(self) -> bool:
        before = self._at
        while (found := _TOKEN.match(self._text, self._at)) and found.lastgroup in {
            "space",
            "newline",
        }:
            self._at = found.end()
        return "\n" in self._text[before : self._at]

    def _end_of_line(self) -> None:
        if not self._skip_lines() and self._at < len(self._text):
            raise self._error("expected the end of the line")

    def _peek(self, ahead: int = 0) -> str | None:
        before = self._at
        try:
            for _ in range(ahead):
                self._next()
            self._space()
            found = _TOKEN.match(self._text, self._at)
            if found and found.lastgroup != "newline":
                return found.group()
            return "'" if self._text[self._at : self._at + 1] == "'" else None
        finally:
            self._at = before

    def _next(self) -> str:
        self._space()
        found = _TOKEN.match(self._text, self._at)
        if found is None or found.lastgroup == "newline":
            raise self._error("something is missing")
        self._at = found.end()
        return found.group()

    def _take(self, sign: str) -> None:
        if self._peek() != sign:
            raise self._error(f"expected {sign}")
        self._next()

    def _error(self, said: str) -> BicepError:
        return BicepError(f"line {self._text.count(chr(10), 0, self._at) + 1}: {said}")
