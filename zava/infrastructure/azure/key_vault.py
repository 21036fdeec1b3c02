"""The context keys of an app on Azure: kept in Key Vault, drawn and rotated by the command line.

The app reads them as a setting that the platform resolves. When they change, the command makes the
platform resolve it again. Otherwise the platform keeps the old value for a day, a missing secret
included.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from zava.infrastructure.context_keys import rotated

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

T = TypeVar("T")

SECRET_NAME = "zava-context-keys"  # noqa: S105  # its name, not its value
_MANAGEMENT = "https://management.azure.com"
_API_VERSION = "2024-11-01"
# A role that was granted a moment ago takes some minutes to count.
_PATIENCE_SECONDS = 300
_PAUSE_SECONDS = 10
_FORBIDDEN = 403


class KeyVaultRefused(Exception):
    """The vault or the platform refused or did not answer; the message states what to check."""


class KeyVault:
    """One vault, and the one secret in it that is ours.

    Raises:
        KeyVaultRefused: the vault does not answer, or refuses for minutes.
    """

    def __init__(
        self,
        endpoint: str,
        credential: "TokenCredential",
        *,
        pause_seconds: float = _PAUSE_SECONDS,
        **options: Any,
    ) -> None:
        from azure.keyvault.secrets import SecretClient

        self._secrets = SecretClient(endpoint, credential, **options)
        self._pause_seconds = pause_seconds

    def context_keys(self) -> tuple[str, ...]:
        """Return the keys as `id:base64`, the one in use first; draw the first one."""
        from azure.core.exceptions import ResourceNotFoundError

        def kept() -> str | None:
            try:
                return self._secrets.get_secret(SECRET_NAME).value
            except ResourceNotFoundError:
                return None

        text = self._patiently(kept)
        return tuple(text.split(",")) if text else self.keep(rotated(()))

    def keep(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Write these keys in the form of ZAVA_CONTEXT_KEYS and return them."""
        self._patiently(lambda: self._secrets.set_secret(SECRET_NAME, ",".join(keys)))
        return keys

    def _patiently(self, request: Callable[[], T]) -> T:
        from azure.core.exceptions import AzureError

        try:
            return Retrying(
                retry=retry_if_exception(_is_forbidden),
                stop=stop_after_delay(_PATIENCE_SECONDS),
                wait=wait_fixed(self._pause_seconds),
                reraise=True,
            )(request)
        except AzureError as error:
            raise KeyVaultRefused(
                f"AZURE_KEY_VAULT_ENDPOINT: the vault refuses or does not answer "
                f"({type(error).__name__}). Check that your account has the role "
                "Key Vault Secrets Officer on it, and that its network lets you in."
            ) from error


def resolve_references_again(
    function_app_id: str, credential: "TokenCredential", **options: Any
) -> None:
    """Have the platform read the Key Vault references of a function app's settings anew.

    Raises:
        KeyVaultRefused: the platform refuses or does not answer.
    """
    from azure.core import PipelineClient
    from azure.core.exceptions import AzureError
    from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RetryPolicy
    from azure.core.rest import HttpRequest

    policies = [RetryPolicy(), BearerTokenCredentialPolicy(credential, f"{_MANAGEMENT}/.default")]
    with PipelineClient(_MANAGEMENT, policies=policies, **options) as client:
        path = f"{function_app_id}/config/configreferences/appsettings/refresh"
        request = HttpRequest("POST", f"{_MANAGEMENT}{path}", params={"api-version": _API_VERSION})
        try:
            client.send_request(request).raise_for_status()
        except AzureError as error:
            raise KeyVaultRefused(
                f"AZURE_FUNCTION_APP_ID: could not notify the function app of the new keys "
                f"({type(error).__name__}); restart it"
            ) from error


def _is_forbidden(error: BaseException) -> bool:
    return getattr(error, "status_code", None) == _FORBIDDEN
