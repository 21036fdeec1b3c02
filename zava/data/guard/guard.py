"""Says of a caller's statement whether it may run."""

from dataclasses import dataclass
from typing import Any

from zava.data.guard import refusals
from zava.data.guard.parsing import NotParsed, TooDeep, parse
from zava.data.guard.refusals import Refused
from zava.data.guard.walk import Walk
from zava.errors import DatabaseFault, QueryRefused, ZavaError


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

    def judge(self, statement: str) -> Verdict:
        """Return the verdict on a text within the limits; call it where there is stack for it."""
        try:
            trees = parse(statement)
            Walk(self._tables, self._calling).check(_only_one(trees))
        except TooDeep:
            return too_deep()
        except NotParsed as error:
            return _syntax_error(error)
        except Refused as reason:
            return Verdict(QueryRefused, reason.message, reason.hint)
        return PASSED


def too_deep() -> Verdict:
    """Return the verdict on a statement that nests deeper than it can be read."""
    reason = refusals.too_deep()
    return Verdict(QueryRefused, reason.message, reason.hint)


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
