"""Reading what browsers and clients send, and the shapes of the answers."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from zava.protocol.http_responses import HttpResponse, json_answer
from zava.protocol.sign_in.parts import SignInRefused

_MAX_CHARACTERS = 16 * 1024
_MAX_FIELDS = 50


def read_form(text: str) -> dict[str, str]:
    """Return the fields of a query or a form; one without a value counts as absent.

    Raises:
        SignInRefused: it is too long, not UTF-8, or names a field twice.
    """
    if len(text) > _MAX_CHARACTERS:
        raise SignInRefused(f"The request is longer than {_MAX_CHARACTERS:,} characters.")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise SignInRefused("The request's parameters are not readable.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise SignInRefused("The request names a parameter twice.")
    return {name: value for name, value in fields.items() if value}


def read_object(body: bytes) -> dict[str, Any]:
    """Return a body that is one JSON object.

    Raises:
        SignInRefused: it is something else, or too long.
    """
    if len(body) > _MAX_CHARACTERS:
        raise SignInRefused(f"The body is longer than {_MAX_CHARACTERS:,} bytes.")
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        content = None
    if not isinstance(content, dict):
        raise SignInRefused("The body must be a JSON object.")
    return content


def media_type(headers: Mapping[str, str]) -> str:
    """Return the content type without its parameters, in lower case."""
    return headers.get("content-type", "").partition(";")[0].strip(" \t").lower()


def oauth_error(code: str, description: str, status: int = 400) -> HttpResponse:
    """Return an error as OAuth clients read it (RFC 6749, 5.2)."""
    return json_answer(status, {"error": code, "error_description": description})
