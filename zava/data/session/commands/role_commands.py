"""What calls the runner and the weigher of a role."""

from functools import cache
from typing import NamedTuple

from zava.data.session.commands.command_texts import (
    BUDGET_TYPES,
    FORMATS,
    NAMES,
    RUNNER_TYPES,
    TYPES,
    WEIGHER_TYPES,
    formats,
)
from zava.model.audiences import ReadingRole


class _Commands(NamedTuple):
    """What calls a role's runner and weigher; an admitted one is admitted in the same statement."""

    runner: bytes
    admitted_runner: bytes
    admitted_weigher: bytes


@cache
def commands_of(role: ReadingRole) -> _Commands:
    """Return a role's commands; their types, formats and prepared names are known from then on.

    The role's name was checked when its audience was declared: it is a part of their text.
    """
    name = role.name.encode()
    runner = b"zava.run_%s($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)" % name
    weigher = b"SELECT zava.weigh_%s($1, $2, $3, $4, $5, $6, $7, $8)" % name
    # FROM comes before what is selected: a call that is not admitted does not run.
    commands = _Commands(
        b"SELECT * FROM " + runner,
        b"SELECT " + runner + b" FROM zava.admit($2, $3, $5, $12, $13, $14, $15, $16, $17)",
        weigher + b" FROM zava.admit($2, $3, $5, $9, $10, $11, $12, $13, $14)",
    )
    prepared = (b"zava_run_", b"zava_admitted_", b"zava_weigh_")
    types = (RUNNER_TYPES, RUNNER_TYPES + BUDGET_TYPES, WEIGHER_TYPES + BUDGET_TYPES)
    for command, prefix, of_command in zip(commands, prepared, types, strict=True):
        NAMES[command] = prefix + name
        TYPES[command] = of_command
        FORMATS[command] = formats(len(of_command))
    return commands
