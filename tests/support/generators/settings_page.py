"""`docs/reference/settings.md`: the settings as `zava/settings.py` describes them, written by `make docs`."""

import json
from pathlib import Path

from pydantic.fields import FieldInfo

from zava.settings import Settings

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "settings.md"
OPENING = """\
# Settings

Read from the environment, once, at start; under `func start` the `Values` of `local.settings.json` \
become the environment. An empty value counts as not set. A missing or wrong setting ends the \
start with one sentence that names it. Values marked *secret* are in no message and no log.

Written by `make docs` from `zava/settings.py`.

| name | default | meaning |
|---|---|---|
"""


def page() -> str:
    """Return the page as it has to stand in the repository."""
    return OPENING + "".join(_row(field) for field in Settings.model_fields.values())


def _row(field: FieldInfo) -> str:
    meaning = (field.description or "").replace("|", "\\|")
    secret = "" if field.repr else " *secret*"
    return f"| `{field.validation_alias}`{secret} | {_default(field)} | {meaning} |\n"


def _default(field: FieldInfo) -> str:
    if isinstance(field.json_schema_extra, dict):  # its value is this machine's
        return str(field.json_schema_extra["default"])
    if field.default in (None, ()):
        return "not set"
    shown = json.dumps(field.default) if isinstance(field.default, bool) else str(field.default)
    return f"`{shown}`"


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
