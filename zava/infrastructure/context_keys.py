"""Draw and rotate the keys that sign the context, wherever they are kept."""

import base64
import secrets
from collections.abc import Sequence

_KEY_BYTES = 32
_KEYS_VALID_AT_ONCE = 2


def rotated(keys: Sequence[str]) -> tuple[str, ...]:
    """Return these context keys with a fresh one in front; the one before stays as second."""
    key_id = 1 + max((int(key.partition(":")[0]) for key in keys), default=0)
    fresh = f"{key_id}:{base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}"
    return (fresh, *keys)[:_KEYS_VALID_AT_ONCE]
