"""Prepares a database that azd cannot reach: python infra/hooks/prepare.py, from inside.

azd gives its hooks their environment; this command reads it from azd.
"""

from __future__ import annotations

import json
import os
from typing import Mapping

from deployment import Refused, azd, main
from preparation import check, prepare
from readiness import wait_until_ready


def from_inside(environment: Mapping[str, str]) -> None:
    """Prepare the database, wait until the app, which is deployed, is ready, and check it."""
    try:
        values = json.loads(azd("env", "get-values", "--output", "json"))
    except ValueError as error:
        raise Refused("`azd env get-values` printed no JSON.") from error
    if not isinstance(values, dict):
        raise Refused("`azd env get-values` printed no settings.")
    # The steps are processes of their own, which read their settings from here.
    os.environ.update(values)
    prepare({**environment, **values})
    wait_until_ready(values)
    check(values)


if __name__ == "__main__":
    main(from_inside)
