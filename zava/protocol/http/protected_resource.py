"""What a client is given of tokens: where to get one, and why the one it sent does not do."""

from typing import Any, Protocol

from zava.errors import AccessDenied, InsufficientScope
from zava.model.core import Caller
from zava.protocol.auth.permissions import WHOLE_SCOPE
from zava.protocol.auth.tokens import TokenRefused
from zava.protocol.http.addresses import MCP_PATH, METADATA_PATH, base_url, resource_of
from zava.protocol.http_responses import FORBIDDEN, HttpResponse, json_answer, rpc_error


class Authenticator(Protocol):
    """Turns an Authorization header into a caller."""

    authorization_servers: list[str]

    def scope(self, name: str, resource: str) -> str:
        """Return the scope as a client of this resource requests it from the issuer."""

    def scopes_supported(self, resource: str) -> list[str]:
        """Return every scope that a client of this resource may request."""

    async def authenticate(self, authorization: str | None) -> Caller:
        """Return the caller or raise TokenRefused or AccessDenied."""


class ProtectedResource:
    """This server as a resource of OAuth, under the name that people read."""

    def __init__(self, name: str, authenticator: Authenticator) -> None:
        self._name = name
        self._authenticator = authenticator

    def metadata(self, host: str) -> dict[str, Any]:
        """Return the protected resource's metadata (RFC 9728)."""
        resource = resource_of(host)
        return {
            "resource": resource,
            "resource_name": self._name,
            "authorization_servers": self._authenticator.authorization_servers,
            "scopes_supported": self._authenticator.scopes_supported(resource),
            "bearer_methods_supported": ["header"],
        }

    def challenge(self, refusal: TokenRefused, host: str) -> HttpResponse:
        """Return the answer to a request whose token is missing or refused."""
        # RFC 6750: no error code when no token came.
        error = None if refusal.is_missing else "invalid_token"
        headers = self._www_authenticate(
            host, WHOLE_SCOPE, error=error, description=refusal.description
        )
        content = {
            "error": error or "unauthorized",
            "error_description": refusal.description,
        }
        return json_answer(401, content, headers)

    def _www_authenticate(
        self, host: str, scope: str, *, error: str | None, description: str
    ) -> dict[str, str]:
        parts = [f'error="{error}"', f'error_description="{description}"'] if error else []
        parts += [
            f'resource_metadata="{base_url(host)}{METADATA_PATH}{MCP_PATH}"',
            f'scope="{self._authenticator.scope(scope, resource_of(host))}"',
        ]
        return {"www-authenticate": f"Bearer {', '.join(parts)}"}

    def forbidden(self, denial: AccessDenied, host: str, request_id: Any) -> HttpResponse:
        """Return the answer to a request that its token does not allow."""
        headers: dict[str, str] = {}
        if isinstance(denial, InsufficientScope):
            # A step up (RFC 6750): the client may request this scope of the issuer, too.
            headers = self._www_authenticate(
                host, denial.permission, error="insufficient_scope", description=denial.message
            )
        return rpc_error(
            403,
            FORBIDDEN,
            denial.message,
            data=denial.to_dict(),
            request_id=request_id,
            headers=headers,
        )
