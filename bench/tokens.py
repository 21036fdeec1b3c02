"""Tokens of an answer as a model counts them: npm's gpt-tokenizer on a Node of its own."""

import json
import subprocess
from collections.abc import Mapping

from bench.environments import environment

_TOKENIZER = "gpt-tokenizer@3.4.0"
_COUNT = """
const { encode } = require('gpt-tokenizer');
const texts = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(texts.map((text) => encode(text).length)));
"""

Key = tuple[str, str]


def count_tokens(texts: Mapping[Key, str]) -> dict[Key, int]:
    """Return the number of tokens of each text; nothing, where the counter cannot be installed."""
    node = environment("node")
    if node is None:
        return {}
    binaries = node / "bin"
    # npm and what it starts look for a `node` of their own; Debian's would be too old.
    surroundings = {"PATH": f"{binaries}:/usr/bin:/bin", "HOME": str(node)}
    if not (node / "node_modules" / "gpt-tokenizer").exists():
        try:
            subprocess.run(
                [str(binaries / "npm"), "install", "--silent", "--prefix", str(node), _TOKENIZER],
                check=True,
            )
        except subprocess.CalledProcessError:
            print("gpt-tokenizer cannot be installed here; tokens are left out.")
            return {}
    counted = subprocess.run(
        [str(binaries / "node"), "-e", _COUNT],
        input=json.dumps(list(texts.values())),
        capture_output=True,
        check=True,
        text=True,
        cwd=node,
        env=surroundings,
    )
    return dict(zip(texts, json.loads(counted.stdout), strict=True))
