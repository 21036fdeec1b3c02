"""Prepares the database, where azd can reach it."""

from __future__ import annotations

from typing import Mapping

from deployment import main
from preparation import prepare, prepares


def postprovision(environment: Mapping[str, str]) -> None:
    """Prepare the database, or end with the command that does it from inside its network."""
    if prepares(environment):
        prepare(environment)
        return
    print("The database is not prepared: run `python infra/hooks/prepare.py` where it is reached.")


if __name__ == "__main__":
    main(postprovision)
