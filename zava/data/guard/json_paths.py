"""Which JSON paths may run: literal ones whose work is linear in the value that they read.

PostgreSQL compares each item of one side of a path's predicate with each of the other, and does not
look for a cancellation meanwhile.
"""

import re

from zava.data.guard.refusals import Refused

_TEXT_OR_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|/\*.*?\*/', re.DOTALL)
_SIDE = r"[^&|?]*"
_TWO_PATHS = re.compile(rf"[@$]{_SIDE}(?:==|!=|<>|<=|>=|<|>){_SIDE}[@$]")
_DESCENT = "**"
_MOST_DESCENTS = 1

_HINT = "Compare each path with a literal, or unnest with jsonb_array_elements and join."


def check_path(path: str) -> None:
    """Hold the text of a JSON path to what is linear; other texts pass.

    Raises:
        Refused: two paths are compared, or a filter starts again from the whole value.
    """
    bare = _TEXT_OR_COMMENT.sub(" ", path)
    # In the literal of an array each path stands between quotes.
    is_array = path.lstrip().startswith("{")
    if _TWO_PATHS.search(bare) or (is_array and _TWO_PATHS.search(path)):
        raise Refused("A JSON path compares two paths, which no deadline ends.", _HINT)
    if "$" in bare.partition("?")[2]:
        raise Refused("A filter of a JSON path reads the whole value for each item.", _HINT)
    if bare.count(_DESCENT) > _MOST_DESCENTS:
        raise Refused("A JSON path holds ** more than once.", "Name the keys on the way.")


def unknown_path() -> Refused:
    """Return the refusal of a path that is no literal."""
    return Refused("A JSON path is no literal.", "Write the path into the statement, as '$.a'.")
