"""Says of a caller's statement whether it may run, and remembers what it said."""

import asyncio
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache

from zava.data.guard import refusals
from zava.data.guard.parsing import NotParsed, TooDeep, parse, parsing_thread
from zava.data.guard.refusals import Refused
from zava.data.guard.walk import Walk
from zava.data.limits import check_limits
from zava.errors import DatabaseFault, QueryRefused, ZavaError

_REMEMBERED = 1024  # statements of at most 16 KiB


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a statement may not run; a passing one has no reason."""

    error: type[ZavaError] | None = None
    message: str = ""
    hint: str = ""

    def enforce(self) -> None:
        """Raise the refusal, each time with a correlation id of its own."""
        if self.error is not None:
            raise self.error(self.message, hint=self.hint)


PASSED = Verdict()


class Guard:
    """An allow-list over the tables of the retail schema.

    `calling` holds the names that the server would call in `value.name`.

    Verdicts depend on the text alone, so every caller shares them.
    """

    def __init__(self, tables: frozenset[str], calling: frozenset[str]) -> None:
        self._tables = tables
        self._calling = calling
        self._verdicts: LRUCache[str, Verdict] = LRUCache(_REMEMBERED)

    async def check(self, statement: str) -> None:
        """Let one read of the retail data pass.

        Raises:
            InvalidInput: the text is empty, long, or built to exhaust a parser.
            QueryRefused: it holds something that is not run here; the hint says what to write.
            DatabaseFault: it is no statement; the message gives the position.
        """
        verdict = self._verdicts.get(statement)
        if verdict is None:
            check_limits(statement)
            loop = asyncio.get_running_loop()
            verdict = await loop.run_in_executor(parsing_thread(), self.judge, statement)
            self._verdicts[statement] = verdict
        verdict.enforce()

    def judge(self, statement: str) -> Verdict:
        """Return the verdict on a text within the limits; on the parsing thread."""
        try:
            trees = parse(statement)
            Walk(self._tables, self._calling).check(_only_one(trees))
        except TooDeep:
            reason = refusals.too_deep()
            return Verdict(QueryRefused, reason.message, reason.hint)
        except NotParsed as error:
            return _syntax_error(error)
        except Refused as reason:
            return Verdict(QueryRefused, reason.message, reason.hint)
        return PASSED


def _only_one(trees: list[dict[str, Any]]) -> dict[str, Any]:
    if not trees:
        raise Refused("The text holds no statement.", refusals.READS_ONLY)
    if len(trees) > 1:
        raise refusals.several_statements()
    statement: dict[str, Any] = trees[0]["stmt"]
    return statement


def _syntax_error(error: NotParsed) -> Verdict:
    said = f"{error.message[:1].upper()}{error.message[1:]}"
    place = f" (at character {error.position})" if error.position else ""
    return Verdict(
        DatabaseFault,
        f"{said}{place}.",
        "Mend the syntax near the stated position and send the statement again.",
    )
