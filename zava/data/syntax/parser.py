"""PostgreSQL's own parser (libpg_query), where deep input cannot end the process.

It recurses on the C stack: 48 KB of `1+1+…` end a process of 8 MiB stack. Statements are at most
16 KiB here, and all but short ones are parsed on a thread of 16 MiB.
"""

import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import pgparse

_STACK_BYTES = 16 * 1024 * 1024
_SWITCH_SECONDS = 0.0005
"""How long the thread computes at most before another one that is ready goes on."""

Node = Mapping[str, Any]
COMPOUND = (dict, list)


class NotParsed(Exception):
    """The text is no statement; `position` is the character at which it stops being one."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


class TooDeep(NotParsed):
    """The statement nests deeper than its tree can be read."""


def parse(statement: str) -> list[dict[str, Any]]:
    """Return the raw parse trees; call it where there is stack for the text.

    Raises:
        NotParsed: a syntax error, or more depth than can be read.
    """
    try:
        trees: list[dict[str, Any]] = pgparse.parse(statement)
    except pgparse.PGQueryError as error:
        raise NotParsed(error.message, error.position) from None
    except RecursionError:
        raise TooDeep("the statement nests too deep") from None
    return trees


def nodes_of(tree: Any) -> Iterator[Node]:
    """Yield every object of a parse tree, in no order; depth costs no stack."""
    stack = [tree] if tree else []
    while stack:
        node = stack.pop()
        if type(node) is dict:
            yield node
            stack += [part for part in node.values() if type(part) in COMPOUND]
        else:
            stack += node


@cache
def parsing_thread() -> ThreadPoolExecutor:
    """Return the one thread of this process that parses; it holds no state between statements."""
    # Python's own 5 ms are more than most answers take: a loop that waits for them with each of
    # its steps would answer others late while a long statement is read.
    sys.setswitchinterval(_SWITCH_SECONDS)
    executor = ThreadPoolExecutor(1, "zava-parser")
    before = threading.stack_size(_STACK_BYTES)
    try:
        executor.submit(int).result()  # the thread takes the stack size of this moment
    finally:
        threading.stack_size(before)
    return executor
