"""Short statements are read on the stack at hand: none of them can end the process."""

import asyncio
import gc
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from tests.support.suite.patience import patient
from zava.data.guard.analysis import (
    SHORT_CHARACTERS,
    ParsingTurns,
    StatementAnalysis,
    StatementAnalyzer,
)
from zava.data.guard.guard import Guard
from zava.data.syntax.outside_text import OutsideText
from zava.data.syntax.parser import parsing_thread

# What comes before, what is repeated, the middle, what closes each repetition.
NESTINGS = (
    ("SELECT 1", "+1", "", ""),
    ("SELECT 1", "||1", "", ""),
    ("SELECT ", "- ", "1", ""),
    ("SELECT ", "@ ", "1", ""),
    ("SELECT ", "-(", "1", ")"),
    ("SELECT ", "(", "1", ")"),
    ("SELECT ", "(", "1", ""),
    ("SELECT ", "NOT ", "true", ""),
    ("SELECT ", "a(", "1", ")"),
    ("SELECT ARRAY", "[", "1", "]"),
    ("SELECT ", "ARRAY[", "1", "]"),
    ("SELECT ", "(1,", "1", ")"),
    ("SELECT a", "::b", "", ""),
    ("SELECT a", "[1]", "", ""),
    ("SELECT a", ".b", "", ""),
    ("SELECT a", " ISNULL", "", ""),
    ("SELECT a", " COLLATE a", "", ""),
    ("SELECT ", "CASE WHEN 1 THEN ", "1", " END"),
    ("SELECT ", "1 IN(", "1", ")"),
    ("SELECT ", "(SELECT ", "1", ")"),
    ("", "(SELECT 1 UNION", "(SELECT 1)", ")"),
    ("SELECT 1 ", "UNION SELECT 1 ", "", ""),
    ("", "WITH a AS(", "SELECT 1", ")SELECT 1"),
    ("SELECT 1 ", "FROM(SELECT 1 ", "", ")a"),
    ("SELECT 1 FROM ", "(", "a", " JOIN a ON b)"),
)
STACK_BYTES = 256 * 1024
FRAMES_BELOW = 150
"""Several times what lies below a statement in a loop's task."""

READ_IN_A_SMALL_STACK = """
import threading
from tests.unit.test_reading import FRAMES_BELOW, STACK_BYTES, nested, read

def descend(frames, read_all):
    return descend(frames - 1, read_all) if frames else read_all()

def run():
    descend(FRAMES_BELOW, lambda: print([repr(read(text)) for text in nested()]))

threading.stack_size(STACK_BYTES)
thread = threading.Thread(target=run)
thread.start()
thread.join()
"""


def nested() -> list[str]:
    """Return the deepest short texts, one for each way to nest."""
    texts = []
    for before, opening, middle, closing in NESTINGS:
        room = SHORT_CHARACTERS - len(before) - len(middle)
        depth = room // len(opening + closing)
        texts.append(before + opening * depth + middle + closing * depth)
    return texts


def read(text: str) -> StatementAnalysis:
    return reader().read_here(text)


def reader() -> StatementAnalyzer:
    return StatementAnalyzer(
        Guard("retail", frozenset({"stores"}), frozenset(), frozenset(), OutsideText({})),
        ParsingTurns(),
    )


def test_deepest_short_texts_are_read_in_a_small_stack_as_on_the_parsing_thread() -> None:
    child = subprocess.run(
        [sys.executable, "-c", READ_IN_A_SMALL_STACK], capture_output=True, text=True, check=False
    )
    assert (child.returncode, child.stderr) == (0, "")
    on_thread = parsing_thread().submit(lambda: [repr(read(text)) for text in nested()]).result()
    assert child.stdout.strip() == repr(on_thread)


@pytest.mark.parametrize("is_short", [True, False])
async def test_only_a_longer_text_is_handed_to_the_parsing_thread(
    monkeypatch: pytest.MonkeyPatch, *, is_short: bool
) -> None:
    handed: list[str] = []
    submit = parsing_thread().submit

    def noted(call: Callable[..., object], *told: object) -> Future[object]:
        handed.append(str(told[-1]))
        return submit(call, *told)

    monkeypatch.setattr(parsing_thread(), "submit", noted)
    remembering = reader()
    text = "SELECT 1".ljust(SHORT_CHARACTERS if is_short else SHORT_CHARACTERS + 1)
    first = await remembering.read(b"", text)
    assert first.verdict.error is None
    assert await remembering.read(b"", text) is first
    assert handed == ([] if is_short else [text])
    # No caller meets what another one sent.
    assert await remembering.read(b"another caller", text) is not first


async def test_texts_of_one_person_are_read_one_at_a_time_between_those_of_others() -> None:
    charged: Counter[bytes] = Counter()
    done: list[str] = []
    begin = threading.Event()

    def charge(identity: bytes, seconds: float) -> None:
        assert seconds >= 0
        charged[identity] += 1

    turns = ParsingTurns(charge)

    def work(name: str) -> None:
        assert begin.wait(patient(10))
        done.append(name)

    flood = [asyncio.create_task(turns.run(b"seattle", work, "seattle")) for _ in range(20)]
    await asyncio.wait(flood, timeout=0)
    other = asyncio.create_task(turns.run(b"redmond", work, "redmond"))
    left = flood.pop(1)
    left.cancel()
    begin.set()
    await asyncio.gather(other, *flood)
    assert done.index("redmond") <= 2
    assert len(done) == 20, "that of a client that left is not read"
    assert charged == {b"seattle": 19, b"redmond": 1}
    del flood, other, left
    gc.collect()
    # That nothing stays behind shows here alone.
    assert not turns._turns, "nothing is kept of who waits no longer"
