"""What PostgreSQL reports reaches a model in the product's words, and nothing else of it does."""

import psycopg
import pytest
from psycopg import errors
from psycopg.pq import DiagnosticField

from zava.data.session.sqlstate import translate
from zava.data.sql_query.free_query import FreeQuery
from zava.errors import (
    AccessDenied,
    Busy,
    DatabaseFault,
    QueryRefused,
    QueryTimeout,
    ResultTooLarge,
    ZavaError,
)
from zava.model.core import Caller

STATES = sorted(
    {
        found.sqlstate
        for found in vars(errors).values()
        if isinstance(found, type) and issubclass(found, psycopg.Error) and found.sqlstate
    }
)
ABOUT_THE_STATEMENT = {"42", "22", "21", "2F", "54", "0A"}
SPOKEN_FOR = {"57014", "54000"}  # their message is ours
REFUSED_WITH_ITS_MESSAGE = {"42P11", "0A000", "25006", "2F003", "42501"}


def reported(
    state: str | None, message: str = "", *, position: str = "", hint: str = "", internal: str = ""
) -> psycopg.Error:
    """Return the driver's error for a report of the server."""
    fields = {
        DiagnosticField.SQLSTATE: state or "",
        DiagnosticField.MESSAGE_PRIMARY: message,
        DiagnosticField.MESSAGE_HINT: hint,
        DiagnosticField.STATEMENT_POSITION: position,
        DiagnosticField.INTERNAL_POSITION: internal,
    }
    kind: type[psycopg.Error] = psycopg.OperationalError
    if state in STATES:
        kind = errors.lookup(state)
    error = kind(
        message, info={field: text.encode() if text else None for field, text in fields.items()}
    )
    if error.sqlstate != state:
        error.sqlstate = state
    return error


@pytest.mark.parametrize(
    ("state", "message", "hint"),
    [
        ("54000", "null character not permitted", "Text is valid Unicode"),
        ("54000", "requested character too large for encoding: 1114112", "Text is valid Unicode"),
        (
            "54000",
            "number of array dimensions (7) exceeds the maximum allowed (6)",
            "Write a simpler",
        ),
        ("54000", "word is too long (10000 bytes, max 2046 bytes)", "Write a simpler"),
        ("54000", "string is too long for tsvector (2 bytes, max 1 bytes)", "Write a simpler"),
        ("54000", "too many grouping sets present (maximum 4096)", "Write a simpler"),
        (
            "0A000",
            "DISTINCT is not implemented for window functions",
            "PostgreSQL does not support",
        ),
        (
            "0A000",
            "OVER is not supported for ordered-set aggregate rank",
            "PostgreSQL does not support",
        ),
        ("0A000", "set-returning functions are not allowed in CASE", "PostgreSQL does not support"),
        (
            "0A000",
            "FULL JOIN is only supported with merge-joinable conditions",
            "PostgreSQL does not",
        ),
        ("0A000", "could not implement GROUP BY", "PostgreSQL does not support"),
        ("22021", "invalid byte sequence for encoding", "Text is valid Unicode"),
        ("22P05", "unsupported Unicode escape sequence", "Text is valid Unicode"),
    ],
)
def test_report_is_told_by_its_words_where_its_state_means_something_else(
    state: str, message: str, hint: str
) -> None:
    fault = translate(reported(state, message))
    assert type(fault) is DatabaseFault
    assert fault.message.lower() == f"{message}.".lower()
    assert fault.hint.startswith(hint)


@pytest.mark.parametrize(
    ("state", "message", "kind"),
    [
        ("54000", "a row exceeds 1048576 bytes", ResultTooLarge),
        ("54000", "requested length too large", ResultTooLarge),
        ("54000", "array size exceeds the maximum allowed (134217727)", ResultTooLarge),
        ("0A000", "INSERT is not allowed in a non-volatile function", QueryRefused),
        ("22012", "division by zero", DatabaseFault),
    ],
)
def test_report_of_the_usual_meaning_stays(state: str, message: str, kind: type[ZavaError]) -> None:
    assert type(translate(reported(state, message))) is kind


@pytest.mark.parametrize(
    ("state", "kind", "code", "is_retryable"),
    [
        (None, Busy, "BUSY", True),  # the connection was lost: no report came
        ("08000", Busy, "BUSY", True),
        ("08006", Busy, "BUSY", True),
        ("53000", Busy, "BUSY", True),
        ("53200", Busy, "BUSY", True),
        ("53300", Busy, "BUSY", True),
        ("57P01", Busy, "BUSY", True),
        ("57P02", Busy, "BUSY", True),
        ("57P03", Busy, "BUSY", True),
        ("40001", Busy, "BUSY", True),
        ("40P01", Busy, "BUSY", True),
        ("58030", Busy, "BUSY", True),
        ("55P03", Busy, "BUSY", True),
        ("55006", Busy, "BUSY", True),
        ("53400", DatabaseFault, "DATABASE_ERROR", False),
        ("55000", DatabaseFault, "DATABASE_ERROR", False),
        ("57014", QueryTimeout, "QUERY_TIMEOUT", False),
        ("54000", ResultTooLarge, "RESULT_TOO_LARGE", False),
        ("54001", DatabaseFault, "DATABASE_ERROR", False),
        ("42601", DatabaseFault, "DATABASE_ERROR", False),
        ("42P01", DatabaseFault, "DATABASE_ERROR", False),
        ("42703", DatabaseFault, "DATABASE_ERROR", False),
        ("22012", DatabaseFault, "DATABASE_ERROR", False),
        ("21000", DatabaseFault, "DATABASE_ERROR", False),
        ("2F005", DatabaseFault, "DATABASE_ERROR", False),
        ("0A000", QueryRefused, "QUERY_REFUSED", False),
        ("25006", QueryRefused, "QUERY_REFUSED", False),
        ("2F003", QueryRefused, "QUERY_REFUSED", False),
        ("42P11", QueryRefused, "QUERY_REFUSED", False),
        ("42501", QueryRefused, "QUERY_REFUSED", False),
        ("ZA001", DatabaseFault, "DATABASE_ERROR", False),
        ("ZA002", QueryRefused, "QUERY_REFUSED", False),
        ("ZA003", AccessDenied, "AUTHORIZATION_ERROR", False),
        ("ZA004", DatabaseFault, "DATABASE_ERROR", False),
        ("28P01", DatabaseFault, "DATABASE_ERROR", False),
        ("3D000", DatabaseFault, "DATABASE_ERROR", False),
        ("P0001", DatabaseFault, "DATABASE_ERROR", False),
        ("XX000", DatabaseFault, "DATABASE_ERROR", False),
    ],
)
@pytest.mark.requirement("S96")
@pytest.mark.requirement("S97")
@pytest.mark.requirement("S98")
def test_report_becomes_the_products_error(
    state: str | None, kind: type[ZavaError], code: str, *, is_retryable: bool
) -> None:
    cause = reported(state, "something")
    fault = translate(cause)
    assert type(fault) is kind
    assert (fault.code, fault.retryable) == (code, is_retryable)
    assert fault.message.endswith(".")
    assert fault.hint
    assert fault.__cause__ is cause


def test_every_report_is_translated_and_only_those_about_the_statement_pass_their_words() -> None:
    assert len(STATES) > 240
    for state in STATES:
        fault = translate(reported(state, "connection of zava_owner to db.internal", hint="pg_hba"))
        passes = "db.internal" in fault.message
        assert passes == (
            state in REFUSED_WITH_ITS_MESSAGE
            or (state[:2] in ABOUT_THE_STATEMENT and state not in SPOKEN_FOR)
        ), state
        assert "pg_hba" not in fault.hint, state
        assert fault.message.endswith("."), state
        assert fault.hint, state


def test_nothing_quoted_passes_unless_it_is_a_name_at_a_place_of_the_statement() -> None:
    for state in STATES:
        for position in ("", "8"):
            for message in (
                'role "planted" may not',
                'no such thing: "a "planted" b"',
                'two "x" and\n"planted"',
                "Ungültig: »planted«",
                "« planted »",
                "ungültig: „planted“",
            ):
                fault = translate(reported(state, message, position=position, internal="3"))
                is_name = state.startswith("42") and position == "8"
                assert is_name or "planted" not in f"{fault.message} {fault.hint}", state


@pytest.mark.parametrize(
    ("cause", "message", "hint"),
    [
        (
            reported("42703", 'column "nope" does not exist', position="8"),
            'Column "nope" does not exist (at character 8).',
            "Fetch the exact column names with get_multiple_table_schemas.",
        ),
        (
            reported("42703", 'column "x" does not exist', position="8", hint='Perhaps "o.y".'),
            'Column "x" does not exist (at character 8).',
            'Perhaps "o.y".',
        ),
        (
            reported("42P01", 'relation "Ann" does not exist'),
            'Relation "…" does not exist.',
            "Fetch the exact table names with get_multiple_table_schemas.",
        ),
        (
            reported("22P02", 'invalid input syntax for type integer: "Ann"', position="8"),
            'Invalid input syntax for type integer: "…" (at character 8).',
            "A value does not fit: correct it, or filter such rows out (CASE WHEN …).",
        ),
        (reported("22012", "division by zero"), "Division by zero.", "Divide by nullif(x, 0)."),
        (
            reported("42601", "syntax error", internal="4"),
            "Syntax error (at character 4).",
            "Correct the syntax and send the statement again.",
        ),
        (
            reported("53200", "out of memory"),
            "The statement exceeds the memory limit.",
            "Aggregate to fewer rows before string_agg, array_agg or json_agg; build less.",
        ),
        (
            reported("53200", "out of shared memory"),  # a peer took the locks
            "The database is unavailable at present.",
            "Try again in a few seconds.",
        ),
        (
            reported("54001", "stack depth limit exceeded", hint="Increase max_stack_depth."),
            "Stack depth limit exceeded.",
            "Write a simpler or shorter statement.",
        ),
        (
            reported("42501", "permission denied for table products"),
            "Permission denied for table products.",
            "Read the tables and columns that get_multiple_table_schemas lists for you.",
        ),
        (
            reported("42601", "cannot insert multiple commands into a prepared statement"),
            "The text holds several statements.",
            "Send one statement.",
        ),
        (reported("42846"), "The database refused it.", "Correct the statement."),
        (
            reported("XX000", 'cache lookup failed for role "zava_owner"'),
            "The database failed the statement.",
            "Report the correlation id.",
        ),
    ],
)
def test_message_place_and_hint(cause: psycopg.Error, message: str, hint: str) -> None:
    fault = translate(cause)
    assert (fault.message, fault.hint) == (message, hint)


@pytest.mark.requirement("S10")
@pytest.mark.parametrize(
    "expression",
    [
        "email::int",
        "email::date",
        "email::uuid",
        "to_tsquery(email || ' x')",
        "date_trunc(email, now())",
        "to_date(email, 'YYYY')",
        "string_to_array(email, '@')::int[]",
        "row_to_json(customers)::text::int",
    ],
)
async def test_error_never_repeats_what_a_customer_wrote(
    free_query: FreeQuery, callers: dict[str, Caller], expression: str
) -> None:
    one = "(SELECT * FROM retail.customers ORDER BY customer_id LIMIT 1) AS customers"
    shown = await free_query.run(callers["seattle"], f"SELECT email FROM {one}", max_rows=1)
    ((email,),) = shown.rows
    with pytest.raises(ZavaError) as caught:
        await free_query.run(callers["seattle"], f"SELECT {expression} FROM {one}", max_rows=1)
    said = f"{caught.value.message} {caught.value.hint}".lower()
    beginning = email.lower()[:4]
    assert beginning in str(caught.value.__cause__).lower(), "the server did repeat it"
    assert beginning not in said
