"""What clients and the conformance suite send, held in a file that `make recordings` writes.

The suites with outside parts run against hosts that keep each request; here those are reduced to
one of each kind, and to the headers that the endpoint reads.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).parents[2]
RECORDED = Path(__file__).parent / "golden" / "exchanges.jsonl"
VARIABLE = "ZAVA_TEST_RECORD"
"""Names the file to which the hosts of the outside suites append what they are sent."""

_READ = ("accept", "content-type", "mcp-protocol-version", "mcp-method", "mcp-name", "origin")
_PORT = re.compile(r"(?<=127\.0\.0\.1):\d+|(?<=localhost):\d+")
_TOLD_ANEW = ("traceparent",)  # differs in each request


def reduced(lines: Iterable[bytes]) -> list[bytes]:
    """Return one request of each kind: ids and traces say nothing about the kind."""
    kinds: dict[bytes, None] = {}
    for line in lines:
        request = orjson.loads(line)
        headers = request["headers"]
        kept = {
            name: _PORT.sub("", value)
            for name, value in headers.items()
            if name in _READ or name.startswith("mcp-param-")
        }
        line_of_kind = {"headers": kept, "body": _body(request["body"])}
        kinds[orjson.dumps(line_of_kind, option=orjson.OPT_SORT_KEYS)] = None
    return sorted(kinds)


def _body(text: str) -> str:
    try:
        message: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    if isinstance(message, dict):
        if isinstance(message.get("id"), int | str):
            message["id"] = 1
        params = message.get("params")
        meta = params.get("_meta") if isinstance(params, dict) else None
        for name in _TOLD_ANEW:
            if isinstance(meta, dict) and name in meta:
                meta[name] = f"00-{'a' * 32}-{'b' * 16}-01"
    return orjson.dumps(message).decode()


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        kept = Path(directory) / "requests.jsonl"
        suites = ("test_conformance.py", "test_clients.py")
        subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-m", "outside"),
                *(f"tests/outside/{suite}" for suite in suites),
            ],
            cwd=ROOT,
            env=os.environ | {VARIABLE: str(kept)},  # noqa: TID251  # handed on whole
            check=True,
        )
        RECORDED.write_bytes(b"\n".join(reduced(kept.read_bytes().splitlines())) + b"\n")


if __name__ == "__main__":
    main()
