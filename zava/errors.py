"""Every error that a caller may see, as one tree.

    ZavaError                    MCP_ERROR
    ├── InvalidInput             VALIDATION_ERROR      the arguments broke a stated rule
    ├── AccessDenied             AUTHORIZATION_ERROR   the caller is unknown or not active
    │   └── InsufficientScope    AUTHORIZATION_ERROR   the token does not allow it: HTTP 403
    ├── NotPermitted             AUTHORIZATION_ERROR   the grant does not cover the request
    ├── QueryRefused             QUERY_REFUSED         the statement is not one that is run
    ├── DatabaseFault            DATABASE_ERROR        PostgreSQL refused or failed the statement
    │   ├── QueryTimeout         QUERY_TIMEOUT         the deadline passed
    │   └── ResultTooLarge       RESULT_TOO_LARGE      one row alone exceeds the bound
    ├── Busy                     BUSY                  no capacity now; try again later
    └── EmbeddingsUnavailable    EMBEDDINGS_UNAVAILABLE

`message` and `hint` are written for the model that called: what happened and what to do next. They
never hold our SQL, literals, host or role names. `__cause__` holds the cause; the log has its type
and location, never its message.
"""

from typing import Any, ClassVar

from zava import call_context


class ZavaError(Exception):
    """Something went wrong inside the server; look for the correlation id in its log."""

    code: ClassVar[str] = "MCP_ERROR"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.correlation_id = call_context.correlation_id()

    def to_dict(self) -> dict[str, Any]:
        """Return the one error shape of the product."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "correlation_id": self.correlation_id,
            "retryable": self.retryable,
        }


class InvalidInput(ZavaError):
    """An argument broke its rule; `message` names the field and the rule.

    `fields` are names that we gave to arguments: what the log may repeat.
    """

    code = "VALIDATION_ERROR"

    def __init__(self, message: str, *, hint: str = "", fields: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.fields = fields


class AccessDenied(ZavaError):
    """The caller is unknown or inactive, so every request is refused."""

    code = "AUTHORIZATION_ERROR"


class NotPermitted(ZavaError):
    """The caller's grant does not cover it; another store and an absent store look alike."""

    code = "AUTHORIZATION_ERROR"


class InsufficientScope(AccessDenied):
    """The token is good but does not allow this; `permission` is the scope that would."""

    def __init__(self, message: str, *, hint: str = "", permission: str = "") -> None:
        super().__init__(message, hint=hint)
        self.permission = permission


class QueryRefused(ZavaError):
    """The statement is not a single read; `hint` states what to write instead."""

    code = "QUERY_REFUSED"


class DatabaseFault(ZavaError):
    """PostgreSQL refused or failed the statement."""

    code = "DATABASE_ERROR"


class QueryTimeout(DatabaseFault):
    """The statement exceeded its deadline, and the server cancelled it."""

    code = "QUERY_TIMEOUT"


class ResultTooLarge(DatabaseFault):
    """A single row exceeds the byte limit of an answer."""

    code = "RESULT_TOO_LARGE"


class Busy(ZavaError):
    """All capacity is taken or the database cannot be reached; the same call may succeed soon."""

    code = "BUSY"
    retryable = True

    def __init__(self, message: str, *, hint: str = "", retry_after_seconds: int = 1) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds = retry_after_seconds

    def to_dict(self) -> dict[str, Any]:
        """Return the error with the seconds after which the same call may succeed."""
        return super().to_dict() | {"retry_after_seconds": self.retry_after_seconds}


class EmbeddingsUnavailable(ZavaError):
    """The embedding service does not answer, so there is no search by meaning."""

    code = "EMBEDDINGS_UNAVAILABLE"
    retryable = True
