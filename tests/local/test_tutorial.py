"""docs/tutorial.md: each command that it shows prints what it shows."""

import re
import shlex

import pytest

from tests.support.products.forked import ROOT
from tests.support.products.laptop import Laptop

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"```console\n\$ \.venv/bin/python -m zava (.+)\n((?:.+\n)+)```")
STEPS = [step for step in PAGE.split("\n## ") if COMMAND.search(step)]


def without_figures(text: str) -> list[str]:
    """Return the lines without what follows from the day on which the demo was loaded."""
    # Which products lead is of the day, too; a page shows at least that they have a SKU.
    text = re.sub(r"^.+ \[[A-Z]{3}-\d{4}\]", "PRODUCT", text, flags=re.MULTILINE)
    return [re.sub(r"\d+(?:[,.-]\d+)*", "N", line) for line in text.splitlines()]


def test_every_command_of_the_page_is_read_here() -> None:
    assert sum(len(COMMAND.findall(step)) for step in STEPS) == PAGE.count("\n$ ") >= 10


@pytest.mark.parametrize("step", STEPS, ids=[step.partition("\n")[0] for step in STEPS])
def test_commands_of_a_step_print_what_the_page_shows(laptop: Laptop, step: str) -> None:
    for command, shown in COMMAND.findall(step):
        ended = laptop.zava(*shlex.split(command))
        assert without_figures(ended.stdout + ended.stderr) == without_figures(shown), command
        assert (ended.returncode == 0) == ("_ERROR: " not in shown and "_REFUSED: " not in shown)


def test_first_screen_is_what_the_run_prints(laptop: Laptop) -> None:
    (shown,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    screen = "\n".join(laptop.screens[0])
    begin = shown.splitlines()[0]
    printed = screen[screen.index(begin) :].replace(str(laptop.port), "7071").splitlines()
    assert without_figures("\n".join(printed[: len(shown.splitlines())])) == without_figures(shown)
