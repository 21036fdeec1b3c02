"""What README and docs promise: their commands run, their output is true."""

import json
import re
import shlex
import subprocess
from os import defpath

from tests.support.products.forked import ROOT
from tests.support.products.laptop import Laptop
from zava.retail.tools.registry import TOOLS

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of README in one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def recipe(target: str) -> str:
    """What make would run for a target whose installation is done."""
    done = subprocess.run(
        # The reader's own make, also where make runs the tests.
        ["make", "--no-print-directory", "-n", "-o", ".venv/.installed", target],  # noqa: S607  # make of the PATH
        env={"PATH": defpath},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def without_figures(line: str) -> str:
    return re.sub(r"\d[\d,.]*\d", "N", line)


def test_readme_names_no_command_that_is_not_run_here() -> None:
    commands = [block.replace("\\\n", " ").strip() for block in blocks("sh")]
    assert [shlex.split(command)[:2] for command in commands] == [
        ["make", "run"],
        [".venv/bin/python", "-m"],
        ["make", "test"],
    ]


def test_make_run_and_make_test_start_what_the_suite_starts() -> None:
    assert recipe("run") == ".venv/bin/python -m zava run"
    assert recipe("test").startswith(".venv/bin/python -m pytest")


def test_first_screen_is_what_make_run_prints(laptop: Laptop) -> None:
    (shown,) = blocks("text")
    promised = [line for line in shown.splitlines() if line]
    screen = laptop.screens[0]
    printed = [line for line in screen[screen.index(promised[0]) :] if line][: len(promised)]
    at_home = [line.replace("7071", str(laptop.port)) for line in promised]
    assert [without_figures(line) for line in printed] == [
        without_figures(line) for line in at_home
    ]


def test_client_configuration_is_the_printed_one_and_needs_no_token(laptop: Laptop) -> None:
    (shown,) = blocks("json")
    printed = json.dumps(laptop.configuration).replace(str(laptop.port), "7071")
    assert json.loads(shown) == json.loads(printed)
    assert "Authorization" not in shown


def test_command_that_asks_from_the_shell_answers(laptop: Laptop) -> None:
    (command,) = (block for block in blocks("sh") if "zava call" in block)
    arguments = shlex.split(command.replace("\\\n", " "))
    ended = laptop.shell(*arguments[3:])
    assert ended.returncode == 0, ended
    assert "completed | " in ended.stdout
    assert "Zava Retail Redmond (1 of 8 stores)" in ended.stdout


def test_every_tool_stands_in_the_table() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)) == set(TOOLS)
