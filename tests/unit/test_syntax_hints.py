"""A hint for a text that cannot be read is found in time that grows with the text, not its square."""

import time

import pytest

from zava.data.guard.syntax import syntax_hint

SHORT, TIMES = 2_000, 8
# In proportion it would be TIMES, with the square TIMES * TIMES.
MOST_TIMES = 3 * TIMES


def seconds(text: str) -> float:
    taken = []
    for _ in range(5):
        began = time.process_time()
        syntax_hint(text, "syntax error", len(text))
        taken.append(time.process_time() - began)
    return min(taken)


@pytest.mark.parametrize(
    ("start", "repeated"),
    [
        ("", "\n"),  # as a long comment before the statement is read
        ("", "("),
        ("select ", "a "),
        ("select ", "where "),
        ("select ", "sum( "),
        ("select ", "- 1 "),
        ("select ", "' "),
        ("with x as (select 1", ") ; "),
        ("select 1 from t order ", "by, "),
    ],
)
def test_time_for_a_hint_grows_with_the_text(start: str, repeated: str) -> None:
    short, long = (
        seconds(start + repeated * (length // len(repeated))) for length in (SHORT, TIMES * SHORT)
    )
    assert long < MOST_TIMES * max(short, 0.0005)
