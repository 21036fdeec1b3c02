"""`docs/how-to/deploy.md` explains every row of `zava check`, and names no other."""

import re
from pathlib import Path

from zava.cli.check.deployment_check import CHECKS

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "deploy.md").read_text(encoding="utf-8")
# The page names both eras at once.
ROWS = {re.sub(r"^era .*", "era …", check.what) for check in CHECKS}
NAME = re.compile(r"`([^`]+)`")


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def test_every_row_is_explained() -> None:
    table = section("Checking a deployment").split("| row | decides |")[1]
    named = [name for line in table.splitlines()[2:] for name in NAME.findall(line.split("|")[1])]
    assert set(named) == ROWS
    assert len(named) == len(ROWS)


def test_what_is_unproven_is_decided_by_rows_that_exist() -> None:
    table = section("What has not been run").split("| what is unproven | decided by |")[1]
    deciding = [line.split("|")[2] for line in table.splitlines()[2:] if line]
    named = {
        name for cell in deciding for name in NAME.findall(re.sub(r"`(azd|zava) [^`]+`", "", cell))
    }
    named -= {"postprovision"}
    assert len(deciding) > 20
    assert named
    assert named <= ROWS
