"""The headers of every answer, for a browser that shows it and for caches on the way."""

from collections.abc import Mapping

# Answers are data for programs: nothing in them may run, be framed, sniffed or kept.
_ALWAYS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_OVER_HTTPS = _ALWAYS | {"strict-transport-security": "max-age=31536000"}


def secured(headers: Mapping[str, str], *, is_local: bool) -> dict[str, str]:
    """Return an answer's headers with those of every answer; the answer's own values win.

    The Functions host makes an empty 500 of an answer whose header has a letter beyond ASCII or
    the end of a line. So each of them becomes a question mark.
    """
    if not _is_plain("".join(headers.values())):
        headers = {name: _plain(value) for name, value in headers.items()}
    return {**(_ALWAYS if is_local else _OVER_HTTPS), **headers}


def _is_plain(value: str) -> bool:
    return value.isascii() and value.isprintable()


def _plain(value: str) -> str:
    return "".join(letter if _is_plain(letter) else "?" for letter in value)
