"""Waits for the app and checks it from outside, or prints the command that is left to run."""

from __future__ import annotations

from typing import Mapping

from deployment import Refused, main, needed
from preparation import check, prepares
from readiness import READY, look, print_address, wait_until_ready


def postdeploy(environment: Mapping[str, str]) -> None:
    """Wait until the app is ready; over a database that azd does not prepare, look once.

    The check comes last. Before the database is prepared it could only fail, so it is skipped.
    """
    if prepares(environment):
        wait_until_ready(environment)
        check(environment)
        return
    found, _ = look(needed(environment, "ZAVA_READY_URL"))
    checks = found.get("checks")
    if found.get("status") in READY:
        print_address(environment)
        check(environment)
    elif isinstance(checks, dict) and checks.get("database") == "healthy":
        # The app has logged in, so the database is prepared, and something else is wrong with it.
        raise Refused(f"The app is not ready: {checks}.")
    else:
        print(
            "The app is deployed, its database is not prepared: run `python "
            "infra/hooks/prepare.py` where the database is reached. `zava check` was skipped; "
            "that command ends with it."
        )


if __name__ == "__main__":
    main(postdeploy)
