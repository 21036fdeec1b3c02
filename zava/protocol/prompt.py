"""A question that a client offers by name, with words that a person fills in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from zava.errors import InvalidInput

MAX_ARGUMENT_CHARACTERS = 1000
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class PromptArgument:
    """A word that the person fills in."""

    name: str
    description: str
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question by name.

    `text` holds `{argument}` for each argument, empty when it was not given, and no other brace.
    """

    name: str
    title: str
    description: str
    arguments: tuple[PromptArgument, ...]
    text: str

    def fill(self, given: Mapping[str, str] | None) -> str:
        """Return the text with the arguments in their places.

        A value is never read for places of its own.

        Raises:
            InvalidInput: an argument is missing, unknown or too long.
        """
        given = given or {}
        known = {argument.name for argument in self.arguments}
        wrong = [
            f"{name[:100]}: {self.name} has no such argument"
            for name in sorted(given.keys() - known)
        ]
        wrong += [
            f"{argument.name}: required"
            for argument in self.arguments
            if argument.is_required and not given.get(argument.name, "").strip()
        ]
        wrong += [
            f"{name[:100]}: at most {MAX_ARGUMENT_CHARACTERS} characters"
            for name, value in given.items()
            if len(value) > MAX_ARGUMENT_CHARACTERS
        ]
        if wrong:
            raise InvalidInput("; ".join(wrong) + ".")
        return _PLACE.sub(lambda place: given.get(place[1], "").strip(), self.text)
