"""What a statement must be before anything looks at it.

The parser of the guard and PostgreSQL's own are bounded by these: deep input crashes one and
nested comments are quadratic in both.
"""

from zava.errors import InvalidInput

MAX_STATEMENT_BYTES = 16 * 1024
MAX_COMMENT_OPENINGS = 64
FIELD = "postgresql_query"


def check_limits(statement: str) -> None:
    """Refuse a statement that is empty, long, or built to exhaust a parser.

    Raises:
        InvalidInput: names the field and the rule.
    """
    if "\0" in statement:
        raise InvalidInput(f"{FIELD} contains a NUL character.", hint="Remove it.")
    if not statement.strip(" \t\r\n\f\v;"):
        raise InvalidInput(f"{FIELD} is empty.", hint="Send one SELECT statement.")
    try:
        size = len(statement.encode())
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"{FIELD} contains an unpaired surrogate.", hint="Send valid Unicode text."
        ) from error
    if size > MAX_STATEMENT_BYTES:
        raise InvalidInput(
            f"{FIELD} has {size:,} bytes; at most {MAX_STATEMENT_BYTES:,} are accepted.",
            hint="Send a shorter statement; aggregate in SQL instead of listing values.",
        )
    if statement.count("/*") > MAX_COMMENT_OPENINGS:
        raise InvalidInput(
            f"{FIELD} opens more than {MAX_COMMENT_OPENINGS} comments.", hint="Remove comments."
        )
