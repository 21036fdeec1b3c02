"""`python -m tests.security.fuzzing COUNT [SEED]`: random texts through limits and guard.

Prints how many were judged, and the longest that one took.
"""

import random
import sys
import time
from collections.abc import Iterator

from tests.security.corpus import read_corpus
from tests.security.legitimate import read_legitimate
from zava.data.guard.guard import Guard
from zava.data.syntax.limits import MAX_COMMENT_OPENINGS, MAX_STATEMENT_BYTES, check_limits
from zava.data.syntax.outside_text import OutsideText
from zava.data.syntax.parser import parsing_thread
from zava.errors import InvalidInput

LONGEST_SECONDS = 5.0
_GUARD = Guard(
    "retail",
    frozenset({"orders", "stores"}),
    frozenset({"order_id"}),
    frozenset({"pg_sleep"}),
    OutsideText({}),
)
# Head, what opens a level, the middle, what closes one, tail.
_NESTINGS = (
    ("SELECT ", "(", "1", ")", ""),
    ("SELECT ", "1+", "1", "", ""),
    ("SELECT ", "-", "1", "", ""),
    ("SELECT ", "NOT ", "true", "", ""),
    ("SELECT ", "(SELECT ", "1", ")", ""),
    ("SELECT ", "ARRAY[", "1", "]", ""),
    ("SELECT ", "abs(", "1", ")", ""),
    ("SELECT ", "coalesce(1,", "1", ")", ""),
    ("SELECT ", "CASE WHEN true THEN ", "1", " END", ""),
    ("SELECT ", "'a'||", "'a'", "", ""),
    ("SELECT ", "true AND ", "true", "", ""),
    ("SELECT ", "1 IN (", "1", ")", ""),
    ("SELECT 1 FROM ", "(SELECT 1 FROM ", "retail.orders", ") t", ""),
    ("SELECT 1 FROM ", "(retail.orders CROSS JOIN ", "retail.orders", ")", ""),
    ("SELECT 1", "::text", "", "", ""),
    ("SELECT 1", "[1]", "", "", ""),
    ("SELECT (x)", ".y", "", "", ""),
    ("SELECT 1", " UNION SELECT 1", "", "", ""),
    ("", "(", "SELECT 1", ")", ""),
    ("", "WITH a AS (", "SELECT 1", ") SELECT 1", ""),
    ("SELECT 1 ", "/*", "", "*/", ""),
    ("SELECT '", "''", "", "", "'"),
    ("SELECT ", '"a".', '"a"', "", ""),
    ("SELECT 1 -- ", "\n--", "", "", ""),
    ("SELECT JSON_OBJECT('a' : ", "JSON_OBJECT('a' : ", "1", ")", ")"),
    ("", "EXPLAIN ", "SELECT 1", "", ""),
)


def texts(count: int, chance: random.Random) -> Iterator[str]:
    """Yield the deepest nestings that the limits allow, then `count` random texts."""
    for head, opening, middle, closing, tail in _NESTINGS:
        room = MAX_STATEMENT_BYTES - len(head) - len(middle) - len(tail)
        most = room // len(opening + closing)
        for levels in {10, 100, 500, 1000, MAX_COMMENT_OPENINGS, most // 2, most}:
            yield head + opening * min(levels, most) + middle + closing * min(levels, most) + tail
    known = [hostile.sql for hostile in read_corpus()]
    known += [legitimate.sql for legitimate in read_legitimate()]
    words = sorted({word for sql in known for word in sql.split()})
    kinds = (_noise, _latin, lambda c: _soup(c, words), lambda c: _bent(c, known))
    for number in range(count):
        yield kinds[number % len(kinds)](chance)


def _noise(chance: random.Random) -> str:
    return chance.randbytes(chance.randrange(400)).decode("utf-8", "replace")


def _latin(chance: random.Random) -> str:
    return chance.randbytes(chance.randrange(400)).decode("latin-1")


def _soup(chance: random.Random, words: list[str]) -> str:
    return "SELECT " + " ".join(chance.choices(words, k=chance.randrange(1, 40)))


def _bent(chance: random.Random, known: list[str]) -> str:
    text = chance.choice(known)
    for _ in range(chance.randrange(1, 4)):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.randrange(12))
        text = (
            text[:start] + chance.choice(("", text[start:end] * 3, _latin(chance)[:4])) + text[end:]
        )
    return text


def main() -> None:
    """Judge them all on the thread that parses; exit 1 when one takes too long."""
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    judged, longest = parsing_thread().submit(_judge, count, seed).result()
    print(f"{judged} texts, the longest took {longest:.2f} s")  # the answer
    sys.exit(longest > LONGEST_SECONDS)


def _judge(count: int, seed: int) -> tuple[int, float]:
    judged, longest = 0, 0.0
    for text in texts(count, random.Random(seed)):  # noqa: S311  # chance that can be repeated
        started = time.thread_time()
        try:
            check_limits(text)
        except InvalidInput:
            pass
        else:
            _GUARD.judge(text)
        longest = max(longest, time.thread_time() - started)
        judged += 1
    return judged, longest


if __name__ == "__main__":
    main()
