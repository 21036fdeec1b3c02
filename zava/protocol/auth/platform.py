"""Azure's built-in authentication in front of the app: which of its headers are used, and when.

Any client that reaches the process can write `X-MS-…` headers. The platform removes those of a
client only if its authentication is on (`WEBSITE_AUTH_ENABLED`, on its own machines). The headers
never identify the caller. They may carry the token, which is checked like any other, and must agree
with it.
"""

from collections.abc import Mapping

from zava.model.core import Caller
from zava.protocol.auth.tokens import TokenRefused

PREFIX = "x-ms-"
TOKEN_HEADER = "x-ms-token-aad-access-token"  # noqa: S105  # a header's name
PRINCIPAL_HEADER = "x-ms-client-principal-id"


def authorization(single: Mapping[str, str], *, is_vouched: bool) -> str | None:
    """Return the request's Authorization header, or the one that the platform's token makes."""
    sent = single.get("authorization")
    if sent is None and is_vouched and (token := single.get(TOKEN_HEADER)):
        return f"Bearer {token}"
    return sent


def check_agreement(single: Mapping[str, str], caller: Caller, *, is_vouched: bool) -> None:
    """Let a caller pass if the platform, where its authentication is on, names the same person.

    Raises:
        TokenRefused: the platform authenticated another person.
    """
    named = single.get(PRINCIPAL_HEADER)
    if is_vouched and named is not None and named.lower() != str(caller.object_id):
        raise TokenRefused("The token is not that of the person whom the platform authenticated.")
