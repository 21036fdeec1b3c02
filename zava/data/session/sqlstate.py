"""Translate what PostgreSQL reports into the product's errors.

Only messages about the caller's own statement pass through. All others name hosts, roles or
settings, and are kept as the cause, of which the log has the SQLSTATE. A quotation in a message
passes only where it is a name in that statement. Elsewhere it may be a cell, and a customer's text
would appear as the product's own.
"""

import re

import psycopg

from zava.data.usage.budgets import OVERDUE_SECONDS, spent
from zava.errors import (
    AccessDenied,
    Busy,
    DatabaseFault,
    QueryRefused,
    QueryTimeout,
    ResultTooLarge,
    ZavaError,
)

CONTEXT_REFUSED, CONTEXT_ALTERED = "ZA001", "ZA002"
PRINCIPAL_REFUSED, OTHER_AUDIENCE = "ZA003", "ZA004"
BUDGET_SPENT = "ZA005"
OVERDUE = "ZA007"
STANDBY_LATE, NOT_A_STANDBY = "ZA008", "ZA009"
NOT_PROTECTED = "ZA010"

_ABOUT_THE_STATEMENT = frozenset({"42", "22", "21", "2F", "54", "0A"})
_TRANSIENT_CLASSES = frozenset({"08", "53", "57", "40", "58"})
_TRANSIENT = frozenset({"55P03", "55006", STANDBY_LATE, NOT_A_STANDBY})
_QUOTED = re.compile('["“„«»].*["”“«»]', re.DOTALL)  # as far as it goes: a cell may hold quotes

# SQLSTATEs that PostgreSQL gives to unlike reports; the report itself says which it is.
_NO_SIZE = re.compile(  # 54000, the state of values that are too long
    "character|dimension|word is too long|tsvector|tsquery|grouping sets|range table|matches"
)
_UNSUPPORTED = re.compile(  # 0A000, the state of what writes
    "not implemented|not supported|only supported|could not implement"
    "|set-returning|not allowed in (?!a non-volatile)"
)

_VALID_TEXT = "Text is valid Unicode without the null character: leave other characters out."
_READS_ONLY = "Send one SELECT (or WITH … SELECT, VALUES); the data can only be read."
_HINTS = {
    "42P01": "Fetch the exact table names with get_multiple_table_schemas.",
    "42703": "Fetch the exact column names with get_multiple_table_schemas.",
    "42883": "Check the function's name and the argument types; cast where needed.",
    "42601": "Correct the syntax and send the statement again.",
    "42803": "Add the column to GROUP BY or wrap it in an aggregate.",
    "42702": "Qualify the column with its table's name or alias.",
    "22012": "Divide by nullif(x, 0).",
    "22021": _VALID_TEXT,
    "22P05": _VALID_TEXT,
    "0A": "PostgreSQL does not support this form: write it another way.",
    "22": "A value does not fit: correct it, or filter such rows out (CASE WHEN …).",
    "54": "Write a simpler or shorter statement.",
}
_LESS = "Narrow the period, aggregate more, or join fewer tables."
_OURS: dict[str, tuple[type[ZavaError], str, str]] = {
    PRINCIPAL_REFUSED: (
        AccessDenied,
        "You have no access to this data.",
        "Request a grant from an administrator.",
    ),
    CONTEXT_ALTERED: (
        QueryRefused,
        "The statement altered the tenant context.",
        "Remove set_config from it.",
    ),
    NOT_PROTECTED: (
        DatabaseFault,
        "A table has lost its row security, so nothing is read.",
        "An administrator runs `python -m zava verify` for the reasons.",
    ),
    "57014": (QueryTimeout, "The statement exceeded its deadline and was cancelled.", _LESS),
    "54000": (
        ResultTooLarge,
        "One row exceeds the size limit of an answer.",
        "Select fewer or shorter columns; aggregate long lists.",
    ),
    # temp_file_limit: the same call would meet it again.
    "53400": (
        DatabaseFault,
        "The statement exceeds the limit of disk space for sorts and joins.",
        _LESS,
    ),
    # The backend's own bound; "out of shared memory" is the lock table, which a peer may hold.
    "53200 out of memory": (
        ResultTooLarge,
        "The statement exceeds the memory limit.",
        "Aggregate to fewer rows before string_agg, array_agg or json_agg; build less.",
    ),
}
_REFUSED = {
    "42P11": _READS_ONLY,  # the cursor takes queries only
    "0A000": _READS_ONLY,  # "… is not allowed in a non-volatile function"
    "25006": _READS_ONLY,
    "2F003": _READS_ONLY,
    "42501": "Read the tables and columns that get_multiple_table_schemas lists for you.",
}


def translate(error: psycopg.Error) -> ZavaError:
    """Return the product's error for the driver's; never raises."""
    state = error.sqlstate or "08000"
    said = _said(error, state)
    fault: ZavaError
    ours = _OURS.get(state) or _OURS.get(f"{state} {said}")
    if state == "54000" and _NO_SIZE.search(said):
        ours = None
    if ours is not None:
        kind, message, hint = ours
        fault = kind(message, hint=hint)
    elif state == BUDGET_SPENT:
        what, _, seconds = (error.diag.message_primary or "").partition(" ")
        fault = spent(what, int(seconds))
    elif state == OVERDUE:
        fault = spent("overdue", OVERDUE_SECONDS)
    elif state in _REFUSED and not (state == "0A000" and _UNSUPPORTED.search(said)):
        fault = QueryRefused(_sentence(said), hint=_REFUSED[state])
    elif state == "42601" and said.startswith("cannot insert multiple commands"):
        fault = QueryRefused("The text holds several statements.", hint="Send one statement.")
    elif state[:2] in _TRANSIENT_CLASSES or state in _TRANSIENT:
        fault = Busy("The database is unavailable at present.", hint="Try again in a few seconds.")
    elif state[:2] in _ABOUT_THE_STATEMENT:
        fault = DatabaseFault(
            _sentence(said, _position(error)),
            hint=_hint(error, state),
        )
    else:
        fault = DatabaseFault(
            "The database failed the statement.", hint="Report the correlation id."
        )
    fault.__cause__ = error
    return fault


def _said(error: psycopg.Error, state: str) -> str:
    message = error.diag.message_primary or ""
    return message if _names_the_statement(error, state) else _QUOTED.sub('"…"', message)


def _hint(error: psycopg.Error, state: str) -> str:
    if error.diag.message_hint and _names_the_statement(error, state):
        return error.diag.message_hint
    if state == "54000" and "character" in (error.diag.message_primary or ""):
        return _VALID_TEXT
    return _HINTS.get(state) or _HINTS.get(state[:2]) or "Correct the statement."


def _names_the_statement(error: psycopg.Error, state: str) -> bool:
    # Without a place it was found while running; an internal place is in text made from cells.
    return state.startswith("42") and error.diag.statement_position is not None


def _sentence(message: str, place: str = "") -> str:
    return f"{message[:1].upper()}{message[1:]}{place}." if message else "The database refused it."


def _position(error: psycopg.Error) -> str:
    position = error.diag.statement_position or error.diag.internal_position
    return f" (at character {position})" if position else ""
